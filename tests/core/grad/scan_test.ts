/**
 * Loops against the same steps written one after the other: values, derivatives of two orders, batches, on every device.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Program } from "../../../core/ir/program.ts";
import type { Device } from "../../../core/values/device.ts";
import { useDevice } from "../../../core/execution/current_device.ts";
import {
  add,
  arange,
  compileCount,
  data,
  DTypeError,
  grad,
  jit,
  jvp,
  matmul,
  mul,
  realize,
  roll,
  scan,
  setAt,
  ShapeError,
  stack,
  sub,
  sum,
  take,
  tanh,
  type Tensor,
  tensor,
  toArray,
  treeTensors,
  vmap,
  zeros,
} from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { share } from "../../support/share.ts";
import { noise } from "../../support/noise.ts";
import { reference } from "../../support/run_case.ts";

const close = { relative: 2e-5, absolute: 2e-5 };

function random(seed: number, shape: readonly number[]): Tensor {
  return tensor(noise(seed, shape.reduce((size, extent) => size * extent, 1)), { shape: [...shape] });
}

async function assertSame(actual: unknown, expected: unknown, what: string): Promise<void> {
  const [found, wanted] = [treeTensors(actual), treeTensors(expected)];
  assert.equal(found.length, wanted.length);
  for (let i = 0; i < found.length; i++) {
    assert.deepEqual(found[i].shape, wanted[i].shape);
    assertClose(await data(found[i]), await data(wanted[i]), close, `${what} ${i}`);
  }
}

type Step<C, X, Y> = (carry: C, x: X) => readonly [C, Y];

/** What a loop does, step by step. */
function unrolled<C>(f: Step<C, Tensor, Tensor>, init: C, xs: Tensor, reverse = false): [C, Tensor] {
  let carry = init;
  const ys: Tensor[] = [];
  for (let k = 0; k < xs.shape[0]; k++) {
    const i = reverse ? xs.shape[0] - 1 - k : k;
    const [next, y] = f(carry, take(xs, i));
    carry = next;
    ys[i] = y;
  }
  return [carry, stack(ys)];
}

interface State {
  readonly h: Tensor;
  readonly c: Tensor;
}
interface Weights {
  readonly w: Tensor;
  readonly u: Tensor;
}

/** A small recurrent cell with two states, one of which is read after the other was made. */
function cell({ w, u }: Weights): Step<State, Tensor, Tensor> {
  return ({ h, c }, x) => {
    const z = add(matmul(h, w), matmul(x, u));
    const next = add(mul(c, 0.5), tanh(z));
    const out = mul(tanh(next), h);
    return [{ h: sub(tanh(next), mul(c, 0.1)), c: next }, out];
  };
}

const weights: Weights = { w: random(1, [3, 3]), u: random(2, [2, 3]) };
const init: State = { h: random(3, [4, 3]), c: random(4, [4, 3]) };
const xs = random(5, [4, 4, 2]);

/** A number that depends on all results. */
function total([{ h, c }, ys]: [State, Tensor]): Tensor {
  return add(sum(mul(h, h)), add(sum(mul(c, 0.3)), sum(mul(ys, ys))));
}

type Run = <C>(f: Step<C, Tensor, Tensor>, init: C, xs: Tensor, reverse?: boolean) => [C, Tensor];
const looped: Run = (f, init, xs, reverse = false) => scan(f, init, xs, { reverse });

testOnDevices("a loop is its steps one after the other", async () => {
  for (const reverse of [false, true]) {
    await assertSame(looped(cell(weights), init, xs, reverse), unrolled(cell(weights), init, xs, reverse), `reverse ${reverse}`);
    const run = (run: Run) => jit((weights: Weights, xs: Tensor) => run(cell(weights), init, xs, reverse));
    await assertSame(run(looped)(weights, xs), run(unrolled)(weights, xs), `jit, reverse ${reverse}`);
  }
});

testOnDevices("its gradient is theirs, by everything it depends on", async (_, device) => {
  const loss = (run: Run) => (weights: Weights, init: State, xs: Tensor) => total(run(cell(weights), init, xs));
  for (const argnum of share(device, [0, 1, 2] as const, () => "all")) {
    const all = (run: Run) => grad(loss(run), { argnum })(weights, init, xs);
    await assertSame(all(looped), all(unrolled), `argument ${argnum}`);
  }
  const compiled = (run: Run) => jit(grad(loss(run)))(weights, init, xs);
  await assertSame(compiled(looped), compiled(unrolled), "jit");
});

testOnDevices("its second derivatives and directional derivatives are theirs", async (_, device) => {
  const along = random(6, [3, 3]);
  const loss = (run: Run) => (w: Tensor) => total(run(cell({ ...weights, w }), init, xs));
  const derivatives: Readonly<Record<string, (run: Run) => unknown>> = {
    "jvp of grad": (run) => jvp(grad(loss(run)), [weights.w], [along]),
    "jvp": (run) => jvp(loss(run), [weights.w], [along]),
    "grad of grad": (run) => grad((w: Tensor) => sum(mul(grad(loss(run))(w), along)))(weights.w),
  };
  for (const [name, of] of share(device, Object.entries(derivatives), () => "all")) {
    await assertSame(of(looped), of(unrolled), name);
  }
});

testOnDevices("a batch of loops is a loop of batches", async (_, device) => {
  const many = random(7, [5, 3, 3]);
  const starts = { h: random(8, [5, 4, 3]), c: random(9, [5, 4, 3]) };
  const sequences = random(10, [5, 4, 4, 2]);
  const f = (run: Run) => (w: Tensor, init: State, xs: Tensor) => run(cell({ ...weights, w }), init, xs);
  const axes = [[0, null, null], [null, 0, null], [null, null, 0], [0, 0, 0]] as const;
  for (const inAxis of share(device, axes, () => "all")) {
    const args = [inAxis[0] === 0 ? many : weights.w, inAxis[1] === 0 ? starts : init, inAxis[2] === 0 ? sequences : xs] as const;
    const batched = (run: Run) => vmap(f(run), { inAxis })(...args);
    await assertSame(batched(looped), batched(unrolled), `axes ${inAxis}`);
    const gradients = (run: Run) => vmap(grad((...args: [Tensor, State, Tensor]) => total(f(run)(...args))), { inAxis })(...args);
    await assertSame(gradients(looped), gradients(unrolled), `gradients, axes ${inAxis}`);
  }
});

testOnDevices("loops nest", async () => {
  const inner = (run: Run) => (sum: Tensor, row: Tensor) =>
    run((s: Tensor, x: Tensor) => [add(mul(s, x), 1), mul(s, s)], sum, row);
  const outer = (run: Run) => (start: Tensor, table: Tensor) => run(inner(run), start, table);
  const table = random(11, [4, 3]);
  const start = tensor(0.5);
  await assertSame(outer(looped)(start, table), outer(unrolled)(start, table), "values");
  const loss = (run: Run) => (table: Tensor) => {
    const [end, ys] = outer(run)(start, table);
    return add(end, sum(ys));
  };
  await assertSame(grad(loss(looped))(table), grad(loss(unrolled))(table), "gradient");
});

testOnDevices("states that trade places, stay, or are constant", async () => {
  const swap = (_: readonly [Tensor, Tensor, Tensor, Tensor], x: Tensor) => {
    const [a, b, c] = _;
    return [[b, a, c, x], a] as const;
  };
  const first = [tensor([1, 2]), tensor([3, 4]), tensor([5, 6]), zeros([2])] as const;
  const [end, ys] = scan(
    swap as Step<readonly [Tensor, Tensor, Tensor, Tensor], Tensor, Tensor>,
    first,
    tensor([[7, 8], [9, 10], [11, 12]]),
  );
  assert.deepEqual(await Promise.all(end.map(toArray)), [[3, 4], [1, 2], [5, 6], [11, 12]]);
  assert.deepEqual(await toArray(ys), [[1, 2], [3, 4], [1, 2]]);
  const [same] = scan(({ a }: { a: Tensor; b: Tensor }) => [{ a, b: a }, null], { a: tensor(1), b: tensor(2) }, null, {
    length: 2,
  });
  assert.deepEqual([await toArray(same.a), await toArray(same.b)], [1, 1]);
});

testOnDevices("integers count beside numbers that are differentiated", async () => {
  const step = ({ n, x }: { n: Tensor; x: Tensor }) => [{ n: add(n, 1), x: mul(x, add(n, 1)) }, n] as const;
  const run = (x: Tensor) => scan(step, { n: tensor(0, { dtype: "i32" }), x }, null, { length: 4 });
  const [{ n, x }, counts] = run(tensor(2));
  assert.deepEqual([await toArray(n), await toArray(x), await toArray(counts)], [4, 48, [0, 1, 2, 3]]);
  assert.equal(counts.dtype, "i32");
  assert.equal(await toArray(grad((x: Tensor) => run(x)[0].x)(tensor(2))), 24);
});

testOnDevices("no step at all", async () => {
  const [carry, ys] = scan((c: Tensor, x: Tensor) => [add(c, sum(x)), mul(x, 2)], tensor(3), zeros([0, 5]));
  assert.equal(await toArray(carry), 3);
  assert.deepEqual(ys.shape, [0, 5]);
  assert.equal(await toArray(grad((c: Tensor) => scan((c: Tensor) => [mul(c, c), null], c, null, { length: 0 })[0])(carry)), 1);
});

testOnDevices("a loop is compiled once, whatever its length, and is one program", async () => {
  const run = jit((start: Tensor, w: Tensor) => scan((h: Tensor) => [tanh(matmul(h, w)), sum(h)], start, null, { length: 100 }));
  const before = compileCount();
  const [, ys] = run(init.h, weights.w);
  await data(ys);
  assert.equal(compileCount() - before, 1);
  await data(run(init.c, weights.w)[1]);
  assert.equal(compileCount() - before, 1);
  // Without jit too: the same structure is the same program.
  const eager = (h: Tensor) => realize(scan((h: Tensor) => [mul(h, 0.5), h], h, null, { length: 7 }));
  eager(init.h);
  const settled = compileCount();
  eager(init.c);
  assert.equal(compileCount(), settled);
});

testOnDevices("what a step takes from constants stays when these are read elsewhere", async () => {
  const steps = arange(3);
  const [end] = scan((h: Tensor) => [add(h, steps), null], tensor([1, 2, 3]), null, { length: 3 });
  assert.deepEqual(await toArray(steps), [0, 1, 2]);
  assert.deepEqual(await toArray(end), [1, 5, 9]);
  // The loops of the value, its gradient and the tangents have such constants in common; each is read after the one before.
  const rolled = (h: Tensor, x: Tensor) => [setAt(roll(h, 1), [0], x), sum(mul(h, h))] as const;
  const loss = (run: Run) => (h: Tensor) => sum(run(rolled, h, random(13, [4]))[1]);
  const pushed = (run: Run) => jvp(grad(loss(run)), [random(14, [5])], [random(15, [5])]);
  await assertSame(pushed(looped), pushed(unrolled), "read one after the other");
});

Deno.test("the way back computes no product again", () => {
  let products = 0;
  const device: Device = {
    ...(reference as Device),
    fuses: true,
    compile: (program) => {
      const count = (kernels: Program["kernels"]): number =>
        kernels.reduce((sum, each) => sum + (each.kind === "loop" ? count(each.kernels) : each.kind === "matmul" ? 1 : 0), 0);
      products = count(program.kernels);
      return (reference as Device).compile(program);
    },
  };
  useDevice(device);
  const step = (w: Tensor) => (h: Tensor, x: Tensor) => [tanh(add(matmul(h, w), x)), null] as const;
  const loss = (w: Tensor) => sum(scan(step(w), init.h, random(12, [5, 4, 3]))[0]);
  jit(grad(loss))(weights.w);
  // One forward, one for the state's gradient and one for the weight's.
  assert.equal(products, 3);
});

Deno.test("what is wrong with a loop is said before anything runs", () => {
  const id = (c: Tensor, _: unknown) => [c, null] as const;
  assert.throws(() => scan(id, tensor(0), null), /number of steps is unknown/);
  assert.throws(() => scan(id, tensor(0), null, { length: 1.5 }), ShapeError);
  assert.throws(
    () => scan(id, tensor(0), { a: zeros([3]), b: zeros([4, 2]) }),
    /sequence at "b" of shape \[4, 2\] has 4 steps, not 3/,
  );
  assert.throws(() => scan(id, tensor(0), tensor(1)), /Cannot scan a scalar/);
  assert.throws(
    () => scan((c: { h: Tensor }) => [{ h: sum(c.h) }, null], { h: zeros([2]) }, null, { length: 1 }),
    /state at "h" has shape \[2\], after a step \[\]/,
  );
  const counting = (c: Tensor) => [add(c, 0.5), null] as const;
  assert.throws(() => scan(counting, tensor(0, { dtype: "i32" }), null, { length: 1 }), DTypeError);
  assert.throws(() => scan(((c: Tensor) => c) as never, tensor(0), null, { length: 1 }), /must return \[carry, y\]/);
  const grows = (c: unknown) => [{ a: c, b: c }, null];
  assert.throws(() => scan(grows as never, zeros([1]), null, { length: 1 }), /changed its form/);
  assert.throws(() => scan(id as never, { name: "h" }, null, { length: 1 }), /holds string at "name"/);
});
