/**
 * Exchanges in programs, by one that only pretends: when it begins and ends, what is computed meanwhile, and that nobody touches what it reads and
 * writes.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { HostArray } from "../../../core/dtype.ts";
import type { Exchange } from "../../../core/ir/exchange.ts";
import { apply, numberDType } from "../../../core/ops/define.ts";
import { sizeOf } from "../../../core/shape.ts";
import type { Op } from "../../../core/tensor.ts";
import { DeviceError, jit, matmul, mul, random, scan, sub, sum, tanh, type Tensor, tensor, toArray } from "../../../mod.ts";
import { testOnDevices } from "../../support/each_device.ts";

/** What exchanges have done, in order. */
let events: string[] = [];

/** Gives twice what it gets, at the last moment: until then the target holds NaN, and the source must not change. */
function slow(label: string): Exchange {
  return {
    label,
    start: (source, target) => {
      const before = source.slice() as HostArray;
      target.fill(NaN);
      events.push(`start ${label}`);
      return {
        poll: () => {
          if (events.at(-1) !== `poll ${label}`) events.push(`poll ${label}`);
          return false;
        },
        wait: () => {
          assert.deepEqual(source, before, "the source was overwritten");
          assert.ok((target as Float32Array).every(Number.isNaN), "the target was overwritten");
          for (let i = 0; i < target.length; i++) target[i] = 2 * source[i];
          events.push(`wait ${label}`);
        },
      };
    },
  };
}

const twiceOp: Op<{ readonly exchange: Exchange }> = {
  name: "twice",
  shape: ([x]) => x,
  dtype: numberDType("double"),
  vjp: (g, _inputs, _output, attrs) => [apply(twiceOp, [g], attrs)],
  jvp: ([t], _inputs, _output, attrs) => [t && apply(twiceOp, [t], attrs)],
  vmap: ([x], _, attrs) => apply(twiceOp, [x], attrs),
  lower: {
    kind: "kernel",
    build: ([source], [x], { exchange }) => ({
      kind: "exchange",
      shape: [sizeOf(x)],
      size: sizeOf(x),
      exchange,
      operands: [source],
    }),
  },
};

const twice = (x: Tensor, label: string) => apply(twiceOp, [x], { exchange: slow(label) });

const square = (key: number) => random.normal(random.key(key), [40, 40]);

testOnDevices("a program goes on while values are exchanged, up to where they are needed", async (_, device) => {
  const layers = [1, 2, 3].map(square);
  const f = (x: Tensor) => {
    const outputs = layers.reduce<Tensor[]>((xs, w) => [...xs, tanh(matmul(xs[xs.length - 1], w))], [x]);
    return outputs.map((y, i) => sub(twice(y, `${i}`), mul(y, 2)));
  };
  events = [];
  for (const zero of jit(f)(square(0))) assert.equal(await toArray(sum(zero)), 0);
  const order = events.filter((event) => !event.startsWith("poll"));
  if (device === "reference") assert.deepEqual(order, ["0", "1", "2", "3"].flatMap((i) => [`start ${i}`, `wait ${i}`]));
  else {
    assert.deepEqual(order.slice(0, 4), ["start 0", "start 1", "start 2", "start 3"]);
    assert.deepEqual(order.slice(4).toSorted(), ["wait 0", "wait 1", "wait 2", "wait 3"]);
    // The GPU computes by itself meanwhile.
    if (device === "wasm") assert.ok(events.indexOf("poll 0") < events.indexOf("start 3"));
  }
});

testOnDevices("exchanges of exchanged values, of donated ones, and of one value twice", async () => {
  const f = (x: Tensor) => {
    const once = twice(x, "a");
    return [twice(sum(once, { axis: 0 }), "b"), once, twice(x, "c"), mul(twice(mul(x, 3), "d"), x)];
  };
  const x = () => tensor([[1, 2], [3, 4]]);
  const want = [[16, 24], [[2, 4], [6, 8]], [[2, 4], [6, 8]], [[6, 24], [54, 96]]];
  for (const jitted of [jit(f), jit(f, { donate: [0] })]) {
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(await Promise.all(jitted(x()).map((y) => toArray(y))), want);
    }
  }
  assert.deepEqual(await Promise.all(f(x()).map((y) => toArray(y))), want);
});

testOnDevices("inside a scan there are no exchanges, but on the reference: an error says so", (_, device) => {
  if (device === "reference") return;
  const looped = jit((x: Tensor) =>
    scan((carry: Tensor, _: Tensor) => [twice(carry, "x"), carry] as const, x, tensor([1, 2, 3]))[0]
  );
  assert.throws(
    () => looped(tensor([1])),
    (error: Error) => error instanceof DeviceError && /Cannot do x inside a scan/.test(error.message),
  );
});
