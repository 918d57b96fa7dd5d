/**
 * Looking at values at run time: under every transform, and any of them around any others, what is printed is what loops without
 * transforms print, in order; results, gradients, kernels and donation stay what they are without it.
 */
import assert from "node:assert/strict";
import {
  add,
  checkpoint,
  customVjp,
  data,
  debug,
  DonatedError,
  exp,
  grad,
  item,
  jit,
  jvp,
  mul,
  neg,
  onesLike,
  scan,
  setDevice,
  show,
  slice,
  sum,
  type Tensor,
  tensor,
  type TensorLike,
  toArray,
  vmap,
} from "../../../mod.ts";
import { currentDevice, useDevice } from "../../../core/execution/current_device.ts";
import type { Program } from "../../../core/ir/program.ts";
import type { Device } from "../../../core/values/device.ts";
import { testOnDevices } from "../../support/each_device.ts";

type Scalar = (x: Tensor) => Tensor;

/** A transform as a map of scalar functions, and the arguments its function sees, in order. */
interface Transform {
  readonly of: (f: Scalar) => Scalar;
  readonly rows?: "forward" | "backward";
}

const scanned = (reverse: boolean) => (f: Scalar): Scalar => (xs) =>
  scan((total: Tensor, x: Tensor) => [add(total, f(x)), null], tensor(0), xs, { reverse })[0];

const transforms: Readonly<Record<string, Transform>> = {
  jit: { of: (f) => jit(f) },
  grad: { of: (f) => (x) => sum(grad(f)(x)) },
  jvp: { of: (f) => (x) => jvp(f, [x], [onesLike(x)])[1] },
  checkpoint: { of: (f) => checkpoint(f) },
  customVjp: { of: (f) => customVjp((x: Tensor) => [f(x), x], (x, g) => [mul(g, x)]) },
  vmap: { of: (f) => (x) => sum(vmap(f)(x)), rows: "forward" },
  scan: { of: scanned(false), rows: "forward" },
  "scan from the end": { of: scanned(true), rows: "backward" },
};
const names = Object.keys(transforms);
const chains = [
  ...names.map((name) => [name]),
  ...names.flatMap((outer) => names.map((inner) => [outer, inner])),
  ...names.flatMap((outer, i) => names.map((inner, k) => [outer, inner, names[(3 * i + 5 * k) % names.length]])),
];

/** What the function of a chain of transforms sees, one line each: all in small integers, which every device adds up exactly. */
function watched(lines: string[], active = true): Scalar {
  const log = (...args: unknown[]) =>
    lines.push(args.map((arg) => typeof arg === "string" ? arg : show(arg as Tensor)).join(" "));
  return (x) => {
    if (active) debug.callback(log, "begins");
    const y = mul(x, add(x, 1));
    if (active) debug.callback(log, "y", y);
    const total = sum(mul(y, x));
    if (active) debug.callback(log, "ends", tensor(7), x, total);
    return total;
  };
}

/** What loops make of a chain of transforms: the function on each row, in order. */
function loop(f: Scalar, values: Float32Array, shape: readonly number[], chain: readonly string[]): void {
  const [first, ...inner] = chain;
  if (first === undefined) return void f(tensor(values, { shape }));
  const { rows } = transforms[first];
  if (rows === undefined) return loop(f, values, shape, inner);
  const half = values.length / 2;
  const parts = [values.subarray(0, half), values.subarray(half)];
  for (const part of rows === "forward" ? parts : parts.toReversed()) loop(f, part, shape.slice(1), inner);
}

testOnDevices("under all transforms values are seen as by loops, and nothing else changes", async (_, device) => {
  // A software GPU takes long to compile.
  for (const chain of device === "webgpu" ? chains.slice(0, names.length) : chains) {
    const shape = [...chain.filter((name) => transforms[name].rows).map(() => 2), 3];
    const values = Float32Array.from({ length: 3 * 2 ** (shape.length - 1) }, (_, i) => i % 5 - 2);
    const chained = (f: Scalar) => chain.toReversed().reduce((inner, name) => transforms[name].of(inner), f);
    const [lines, expected]: string[][] = [[], []];
    const result = await item(chained(watched(lines))(tensor(values, { shape })));
    loop(watched(expected), values, shape, chain);
    assert.deepEqual(lines, expected, chain.join(" of "));
    assert.equal(result, await item(chained(watched([], false))(tensor(values, { shape }))), chain.join(" of "));
  }
});

testOnDevices("a jitted function prints at each call, whatever it returns", () => {
  const lines: string[] = [];
  const { log } = console;
  console.log = (...args: unknown[]) =>
    void lines.push(args.map((arg) => typeof arg === "string" ? arg : Deno.inspect(arg)).join(" "));
  try {
    const f = jit((x: Tensor, by: TensorLike) => {
      debug.print("x", x);
      const y = mul(x, by);
      debug.print("y", y, { by });
    });
    for (const by of [2, 0.5]) f(tensor([1, 2]), by);
    debug.print("outside");
  } finally {
    console.log = log;
  }
  const x = "x tensor([1., 2.], f32[2])";
  assert.deepEqual(lines, [
    x,
    "y tensor([2., 4.], f32[2]) { by: 2 }",
    x,
    "y tensor([0.5000, 1.0000], f32[2]) { by: 0.5 }",
    "outside",
  ]);
});

testOnDevices("derivatives are seen where they are computed", async () => {
  const seen: string[] = [];
  const watch = (x: Tensor) => seen.push(show(x));
  const watchGradient = customVjp((x: Tensor) => [x, null], (_, g) => {
    debug.callback(watch, g);
    return [g];
  });
  const f = (x: Tensor) => sum(mul(watchGradient(mul(x, x)), tensor([1, 10])));
  for (const gradient of [grad(f), jit(grad(f))]) assert.deepEqual(await toArray(gradient(tensor([3, 4]))), [6, 80]);
  assert.deepEqual(seen, ["tensor([ 1., 10.], f32[2])", "tensor([ 1., 10.], f32[2])"]);
  vmap(grad(f))(tensor([[1, 2], [3, 4]]));
  assert.equal(seen.length, 4, "one for each example");
});

testOnDevices("a callback that throws changes nothing; afterwards arguments are donated", async () => {
  let broken = true;
  const step = jit((x: Tensor) => {
    const y = add(x, 1);
    debug.callback(() => {
      if (broken) throw new RangeError("stop here");
    }, y);
    return y;
  }, { donate: [0] });
  const x = mul(tensor([0.5, 1]), 2);
  for (let i = 0; i < 2; i++) assert.throws(() => step(x), RangeError);
  assert.deepEqual(await toArray(x), [1, 2]);
  broken = false;
  assert.deepEqual(await toArray(step(x)), [2, 3]);
  assert.throws(() => data(x), DonatedError);
});

/** The device in use, changed. */
function changed(changes: Partial<Device>): Device {
  const device = currentDevice();
  return new Proxy(device, {
    get: (_, key) => {
      const value = key in changes ? changes[key as keyof Device] : device[key as keyof Device];
      return typeof value === "function" ? value.bind(device) : value;
    },
  });
}

Deno.test("where values have to be waited for, effects still come in order, and see what was there", async () => {
  await setDevice("reference");
  const device = currentDevice();
  let slow = true;
  const reads: (() => void)[] = [];
  useDevice(changed({
    readsFreely: false,
    leastBudget: 2 ** 23,
    downloadNow: (buffer) => slow ? undefined : device.downloadNow(buffer),
    download: (buffer) => {
      const values = device.downloadNow(buffer)!;
      return new Promise((resolve) => reads.push(() => resolve(values)));
    },
  }));
  try {
    const seen: string[] = [];
    const watch = (x: Tensor | string) => seen.push(typeof x === "string" ? x : show(x));
    const step = jit((x: Tensor) => {
      debug.callback(watch, "x");
      debug.callback(watch, add(x, 1));
      debug.callback(watch, sum(x));
      return neg(x);
    }, { donate: [0] });
    step(step(mul(tensor([1, 2, 3]), 1)));
    debug.callback(watch, "end");
    slow = false;
    debug.callback(watch, tensor([5]));
    assert.deepEqual(seen, ["x"], "what needs no value does not wait");
    for (const answer of reads.toReversed()) answer();
    await new Promise((resolve) => setTimeout(resolve, 0));
    const [first, second] = ["tensor([2., 3., 4.], f32[3])", "tensor([ 0., -1., -2.], f32[3])"];
    assert.deepEqual(seen, ["x", first, "tensor(6., f32[])", "x", second, "tensor(-6., f32[])", "end", "tensor([5.], f32[1])"]);
    debug.callback(watch, "later");
    assert.equal(seen.at(-1), "later", "nothing waits any more");
  } finally {
    await setDevice("reference");
  }
});

Deno.test("what is looked at is stored, and no kernel more runs for it", async () => {
  await setDevice("wasm");
  const programs: Program[] = [];
  const device = currentDevice();
  useDevice(changed({
    compile: (program) => {
      programs.push(program);
      return device.compile(program);
    },
  }));
  try {
    const make = (look: boolean) => (x: Tensor) => {
      const y = exp(slice(x, { start: 1 }));
      if (look) debug.callback(() => {}, y);
      return mul(add(y, 1), y);
    };
    for (const look of [false, true]) jit(make(look))(tensor(new Float32Array(100)));
    const [without, looking] = programs;
    assert.deepEqual([without.kernels.length, looking.kernels.length], [1, 1]);
    assert.deepEqual([without.outputs.length, looking.outputs.length], [1, 2]);
  } finally {
    await setDevice("wasm");
  }
});
