/**
 * Transforms built on the walks: jacobian and hessian, checkpoint, derivatives of one's own, gradients per example and of intermediate
 * values.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Program } from "../../../core/ir/program.ts";
import type { Device } from "../../../core/values/device.ts";
import { useDevice } from "../../../core/execution/current_device.ts";
import {
  add,
  cast,
  checkGradients,
  checkpoint,
  clip,
  compileCount,
  crossEntropy,
  customVjp,
  data,
  dot,
  DTypeError,
  exp,
  grad,
  GradientError,
  hessian,
  item,
  jacobian,
  jit,
  jvp,
  layers,
  matmul,
  maxPool2d,
  mul,
  random,
  relu,
  reshape,
  round,
  scan,
  ShapeError,
  sin,
  slice,
  stack,
  stopGradient,
  sum,
  tanh,
  type Tensor,
  tensor,
  toArray,
  TraceError,
  transpose,
  treeMap,
  treeTensors,
  vjp,
  vmap,
  withArgs,
} from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { storageFloats } from "../../support/storage_floats.ts";
import { withFacts } from "../../support/with_facts.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { noise, noiseInt } from "../../support/noise.ts";
import { reference } from "../../support/run_case.ts";

const close = { relative: 1e-5, absolute: 1e-5 };

function values(seed: number, shape: readonly number[]): Tensor {
  return tensor(noise(seed, shape.reduce((size, extent) => size * extent, 1)), { shape: [...shape] });
}

async function assertTrees(actual: unknown, expected: unknown): Promise<void> {
  const [found, wanted] = [treeTensors(actual), treeTensors(expected)];
  assert.deepEqual(found.map(({ shape }) => shape), wanted.map(({ shape }) => shape));
  for (let i = 0; i < found.length; i++) assertClose(await data(found[i]), await data(wanted[i]), close, `leaf ${i}`);
}

testOnDevices("checkpoint differentiates what a function captures", async () => {
  const [x, w] = [values(1, [4, 3]), values(2, [3, 3])];
  const loss = (run: <A extends unknown[], R>(f: (...args: A) => R) => (...args: A) => R) => (w: Tensor) =>
    sum(run((x: Tensor) => tanh(matmul(x, w)))(run((x: Tensor) => exp(mul(x, slice(w, { stop: 1 }))))(x)));
  const plain = loss((f) => f);
  await assertTrees(grad(loss(checkpoint))(w), grad(plain)(w));
  await assertTrees(jit(grad(loss(checkpoint)))(w), grad(plain)(w));
  await assertTrees(grad((w: Tensor) => sum(grad(loss(checkpoint))(w)))(w), grad((w: Tensor) => sum(grad(plain)(w)))(w));
});

Deno.test("checkpoint computes again and keeps less", () => {
  let program: Program | undefined;
  // A device that fuses, so that its plan counts.
  const recording: Device = {
    ...(reference as Device),
    fuses: true,
    compile: (each) => {
      program = each;
      return (reference as Device).compile(each);
    },
  };
  useDevice(recording);
  const x = values(3, [16, 16]);
  const deep = (run: (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) => (x: Tensor) => {
    let y = x;
    for (let i = 0; i < 8; i++) {
      y = run((x: Tensor) => {
        let z = x;
        for (let k = 0; k < 8; k++) z = tanh(matmul(z, z));
        return z;
      })(y);
    }
    return sum(y);
  };
  const planOf = (f: (x: Tensor) => Tensor) => {
    jit(grad(f))(x);
    const { slots, kernels } = program!;
    return {
      bytes: slots.reduce((sum, bytes) => sum + bytes, 0),
      products: kernels.filter(({ kind }) => kind === "matmul").length,
    };
  };
  const [plain, forgetful] = [planOf(deep((f) => f)), planOf(deep(checkpoint))];
  assert.equal(plain.products, 64 * 3);
  assert.ok(forgetful.products >= 64 * 4 - 8, `${forgetful.products} products`);
  assert.ok(forgetful.bytes < 0.5 * plain.bytes, `${forgetful.bytes} bytes of ${plain.bytes}`);
});

testOnDevices("an eager loop over a checkpoint compiles once", async () => {
  const step = grad((w: Tensor) => sum(checkpoint((w: Tensor) => tanh(mul(w, w)))(w)));
  let w = values(4, [5]);
  await data(w = add(w, step(w)));
  const before = compileCount();
  for (let i = 0; i < 3; i++) await data(w = add(w, step(w)));
  assert.equal(compileCount(), before);
});

testOnDevices("a derivative of one's own replaces the real one", async () => {
  const straight = customVjp((x: Tensor) => [round(x), null], (_, g) => [g]);
  assert.deepEqual(await toArray(grad((x: Tensor) => sum(mul(straight(x), tensor([1, 2, 3]))))(tensor([0.2, 0.7, 1.2]))), [
    1,
    2,
    3,
  ]);
  const gently = customVjp((x: Tensor) => [x, null], (_, g) => [clip(g, { min: -1, max: 1 })]);
  const loss = (x: Tensor) => sum(mul(gently(x), tensor([10, 0.5])));
  assert.deepEqual(await toArray(grad(loss)(tensor([1, 2]))), [1, 0.5]);
  assert.deepEqual(await toArray(jit(grad(loss))(tensor([1, 2]))), [1, 0.5]);
  assert.deepEqual(await toArray(vmap(grad(loss))(tensor([[1, 2], [3, 4]]))), [[1, 0.5], [1, 0.5]]);
  assert.deepEqual(await toArray(grad((x: Tensor) => sum(vmap(gently)(x)))(tensor([[3, 4]]))), [[1, 1]]);
  // Forward mode is that of the function itself.
  assert.deepEqual(await toArray(jvp(gently, [tensor(1)], [tensor(7)])[1]), 7);
});

Deno.test("a derivative that does not fit is refused, and the message says which and why", () => {
  type Backward = (saved: readonly [Tensor, Tensor], g: Tensor) => unknown;
  const gradientBy = (backward: Backward) => {
    const product = customVjp((x: Tensor, w: Tensor) => [mul(x, w), [x, w] as const], backward as () => [Tensor, Tensor]);
    return grad((x: Tensor) => sum(product(x, x)))(tensor([1, 2]));
  };
  const refused: readonly [backward: Backward, error: new (...args: never[]) => Error, message: RegExp][] = [
    [(_, g) => [g], ShapeError, /missing "1"/],
    [(_, g) => [g, g, g], ShapeError, /unexpected "2"/],
    [(_, g) => [g, { all: g }], ShapeError, /missing "1"; unexpected "1.all"/],
    [(_, g) => [null, g], ShapeError, /missing "0"/],
    [() => undefined, ShapeError, /missing "0", "1"/],
    [async (_, g) => await [g, g], TraceError, /an async function: it returned a Promise/],
    [(_, g) => g, ShapeError, /unexpected a leaf that is the whole tree/],
    [(_, g) => [g, "1"], ShapeError, /missing "1"/],
    [(_, g) => [g, NaN], ShapeError, /argument "1" of f32\[2\] needs a cotangent f32\[2\], it gave NaN/],
    [(_, g) => [sum(g), g], ShapeError, /argument "0" of f32\[2\] needs a cotangent f32\[2\], it gave f32\[\]/],
    [(_, g) => [g, reshape(g, [1, 2])], ShapeError, /argument "1" .* it gave f32\[1, 2\]/],
    [(_, g) => [g, cast(g, "i32")], DTypeError, /argument "1" of f32\[2\] needs a cotangent f32\[2\], it gave i32\[2\]/],
  ];
  for (const [backward, type, message] of refused) {
    assert.throws(() => gradientBy(backward), (error) => error instanceof type && message.test(error.message), `${backward}`);
  }
  const pairless = customVjp(((x: Tensor) => x) as never, (_, g: Tensor) => [g]);
  assert.throws(() => pairless(tensor([1])), /must return \[result, saved\]/);
});

testOnDevices("arguments without a derivative need no cotangent, and may have one", async () => {
  for (const second of [null, undefined, tensor(7), tensor(7, { dtype: "i32" }), 7]) {
    const scaled = customVjp(
      (x: Tensor, n: Tensor | number) => [mul(x, n), n],
      (n, g) => [mul(g, n), second as Tensor | number],
    );
    for (const n of [3, tensor(3, { dtype: "i32" })]) {
      assert.deepEqual(await toArray(grad((x: Tensor) => sum(scaled(x, n)))(tensor([1, 2]))), [3, 3]);
    }
  }
  // The cotangent of a scalar may be a number.
  const three = customVjp((x: Tensor) => [x, null], () => [3 as unknown as Tensor]);
  assert.equal(await toArray(grad(three)(tensor(1))), 3);
});

testOnDevices("an argument that all examples share receives the sum of their cotangents", async () => {
  const product = customVjp((x: Tensor, w: Tensor) => [mul(x, w), [x, w] as const], ([x, w], g) => [mul(g, w), mul(g, x)]);
  const ofRecords = customVjp(
    ({ x, n }: { x: Tensor; n: Tensor }, [w]: readonly [Tensor]) => [{ y: mul(x, w), n }, { x, w }],
    ({ x, w }, { y: g }) => [{ x: mul(g, w), n: null as unknown as Tensor }, [mul(g, x)] as const],
  );
  const [xs, w] = [tensor([[1, 2], [3, 4], [5, 6]]), tensor([1, 1])];
  const n = tensor([1, 2, 3], { dtype: "i32" });
  const ways: Record<string, (w: Tensor) => Tensor> = {
    captured: (w) => vmap((x: Tensor) => product(x, w))(xs),
    given: (w) => vmap(product, { inAxis: [0, null] })(xs, w),
    "along the second axis": (w) => vmap((x: Tensor) => product(x, w), { inAxis: 1, outAxis: 1 })(transpose(xs)),
    "along the last axis": (w) => vmap(product, { inAxis: [-1, null] })(transpose(xs), w),
    "in a record beside an integer": (w) => vmap(ofRecords, { inAxis: [0, null] })({ x: xs, n }, [w]).y,
    "beside a shared integer": (w) => vmap((x: Tensor) => ofRecords({ x, n: n }, [w]).y)(xs),
    "in a checkpoint": (w) => checkpoint(() => vmap((x: Tensor) => product(x, w))(xs))(),
    "around a checkpoint": (w) => vmap(checkpoint((x: Tensor) => product(x, w)))(xs),
    "examples of examples": (w) => vmap(vmap((x: Tensor) => product(x, w)))(reshape(xs, [3, 1, 2])),
    "shared by the inner batch": (w) => vmap((x: Tensor) => vmap((one: Tensor) => product(mul(x, one), w))(tensor([1])))(xs),
    "in a loop": (w) => scan((carry: Tensor, x: Tensor) => [add(carry, product(x, w)), null], tensor([0, 0]), xs)[0],
    "in a loop over parts": (w) => {
      const step = (carry: Tensor, part: Tensor) => [carry, vmap((x: Tensor) => product(x, w))(part)] as const;
      return scan(step, tensor(0), reshape(xs, [3, 1, 2]))[1];
    },
  };
  for (const [name, way] of Object.entries(ways)) {
    const f = (w: Tensor) => sum(way(w));
    for (const g of [grad(f), jit(grad(f)), jacobian(f)]) assert.deepEqual(await toArray(g(w)), [9, 12], name);
    assert.deepEqual(await toArray(vmap(grad(f))(stack([w, mul(w, 2)]))), [[9, 12], [9, 12]], name);
    assert.deepEqual(await toArray(hessian(f)(w)), [[0, 0], [0, 0]], name);
    const square = (w: Tensor) => f(product(w, w));
    assert.deepEqual(await toArray(hessian(square)(w)), [[18, 0], [0, 24]], name);
  }
});

testOnDevices("a derivative that takes from its surroundings what was not saved says so when these are gone", async () => {
  const [xs, w] = [tensor([[1, 2], [3, 4], [5, 6]]), tensor([1, 1])];
  const by = (x: Tensor) => customVjp((w: Tensor) => [mul(x, w), null], (_, g) => [mul(g, mul(x, 1))]);
  const ways: Record<string, (w: Tensor) => Tensor> = {
    vmap: (w) => vmap((x: Tensor) => by(x)(w))(xs),
    scan: (w) => scan((carry: Tensor, x: Tensor) => [carry, by(x)(w)], tensor(0), xs)[1],
    checkpoint: (w) => checkpoint((w: Tensor, x: Tensor) => by(x)(w))(w, tensor([9, 12])),
  };
  for (const [transform, way] of Object.entries(ways)) {
    const f = (w: Tensor) => sum(way(w));
    for (const g of [grad(f), jit(grad(f))]) assert.throws(() => g(w), withFacts(TraceError, { transform }));
  }
  // While they last there is nothing to say.
  assert.deepEqual(await toArray(vmap((x: Tensor) => grad((w: Tensor) => sum(by(x)(w)))(w))(xs)), await toArray(xs));
});

testOnDevices("the jacobian has every output's derivative by every input", async () => {
  const a = values(5, [3, 4]);
  await assertTrees(jacobian((x: Tensor) => matmul(a, x))(values(6, [4])), a);
  const f = ({ u, v }: { u: Tensor; v: Tensor }) => ({ p: mul(u, sum(v)), q: [dot(v, v)] as const });
  const at = { u: tensor([1, 2]), v: tensor([3, 4, 5]) };
  const { p, q: [q] } = jacobian(f)(at);
  assert.deepEqual([await toArray(p.u), await toArray(p.v)], [[[12, 0], [0, 12]], [[1, 1, 1], [2, 2, 2]]]);
  assert.deepEqual([await toArray(q.u), await toArray(q.v)], [[0, 0], [6, 8, 10]]);
  const second = jacobian((x: Tensor, y: Tensor) => mul(x, y), { argnum: 1 })(tensor([2, 3]), tensor([5, 7]));
  assert.deepEqual(await toArray(second), [[2, 0], [0, 3]]);
  assert.deepEqual(jacobian((x: Tensor) => reshape(x, [3, 2]))(values(7, [2, 3])).shape, [3, 2, 2, 3]);
  assert.throws(() => jacobian((x: Tensor) => round(x))(tensor([1], { dtype: "i32" })), DTypeError);
});

testOnDevices("derivatives by floats for storage, and of them, are f32", async () => {
  for (const dtype of storageFloats) {
    const x = tensor([1, 2], { dtype });
    const wide = (x: Tensor) => mul(cast(x, "f32"), cast(x, "f32"));
    const narrow = (x: Tensor) => cast(mul(cast(x, "f32"), 3), dtype);
    const loss = (x: Tensor) => cast(sum(wide(x)), dtype);
    const derivatives = [grad(loss)(x), jacobian(wide)(x), jacobian(narrow)(x), hessian(loss)(x), vjp(narrow, x)[1](x)[0]];
    assert.deepEqual(derivatives.map(({ dtype }) => dtype), derivatives.map(() => "f32"), dtype);
    const wanted = [[2, 4], [[2, 0], [0, 4]], [[3, 0], [0, 3]], [[2, 0], [0, 2]], [3, 6]];
    assert.deepEqual(await Promise.all(derivatives.map((each) => toArray(each))), wanted, dtype);
  }
});

testOnDevices("the hessian is the jacobian of the gradient", async () => {
  const a = values(8, [3, 3]);
  const form = (x: Tensor) => dot(x, matmul(a, x));
  await assertTrees(hessian(form)(values(9, [3])), add(a, transpose(a)));
  const blocks = hessian(({ u, v }: { u: Tensor; v: Tensor }) => mul(mul(u, u), sum(v)))({ u: tensor(2), v: tensor([3, 4]) });
  assert.deepEqual([await toArray(blocks.u.u), await toArray(blocks.u.v), await toArray(blocks.v.u), await toArray(blocks.v.v)], [
    14,
    [4, 4],
    [4, 4],
    [[0, 0], [0, 0]],
  ]);
});

/** A small convolutional classifier. */
const net = layers.serial({
  conv: layers.conv2d({ features: 3, kernel: 3 }),
  pool: withArgs(maxPool2d, { kernel: 2 }),
  act: relu,
  flatten: layers.flatten(),
  head: layers.linear({ features: 4 }),
});

testOnDevices("a gradient for each example of a batch is what a loop over the examples gives", async () => {
  const { params, state } = net.init(random.key(1), [1, 8, 8]);
  const images = values(10, [5, 1, 8, 8]);
  const labels = tensor(Int32Array.from(noiseInt(11, 5, 0, 3)));
  const loss = (p: typeof params, image: Tensor, label: Tensor) =>
    crossEntropy(net.apply(p, state, reshape(image, [1, 1, 8, 8]), layers.evalMode)[0], reshape(label, [1]));
  const each = jit(vmap(grad(loss), { inAxis: [null, 0, 0] }))(params, images, labels);
  const one = (x: Tensor, k: number) => reshape(slice(x, { start: k, stop: k + 1 }), x.shape.slice(1));
  const loop = Array.from({ length: 5 }, (_, k) => grad(loss)(params, one(images, k), one(labels, k)));
  await assertTrees(each, treeMap((...all: Tensor[]) => stack(all), loop[0], ...loop.slice(1)));
});

testOnDevices("gradients of intermediate values, and sums of gradients", async () => {
  const x = tensor([0, 1, 2]);
  // z = y^2, y = x . x: the derivative by y is that of the outer function, at y.
  const y = dot(x, x);
  const outer = (y: Tensor) => mul(y, y);
  assert.equal(await item(grad(outer)(y)), 10);
  assert.deepEqual(await toArray(grad((x: Tensor) => outer(dot(x, x)))(x)), [0, 20, 40]);
  // Both at once: what is added to y has the derivative of y.
  const [byX, byY] = vjp((x: Tensor, shift: Tensor) => outer(add(dot(x, x), shift)), x, tensor(0))[1](tensor(1));
  assert.deepEqual([await toArray(byX), await item(byY)], [[0, 20, 40], 10]);
  const [f, g] = [(x: Tensor) => dot(x, x), (x: Tensor) => sum(mul(x, 3))];
  const separately = add(grad(f)(x), grad(g)(x));
  assert.deepEqual(await toArray(separately), await toArray(grad((x: Tensor) => add(f(x), g(x)))(x)));
});

testOnDevices("checkGradients accepts what is right, and names what is not", async (_, device) => {
  const float = device === "webgpu" ? "f32" : "f64";
  const x = tensor([0.3, -1.2, 0.8], { dtype: float });
  await checkGradients(({ a, b }: { a: Tensor; b: Tensor }) => [mul(sin(a), b), { c: dot(a, b) }], [{ a: x, b: exp(x) }]);
  const wrongOnce = customVjp((x: Tensor) => [mul(x, x), x], (x, g) => [mul(x, g)]);
  await assert.rejects(
    () => checkGradients(wrongOnce, [x]),
    (error) => error instanceof GradientError && error.facts.order === 1,
  );
  const wrongTwice = customVjp((x: Tensor) => [mul(x, x), stopGradient(x)], (x, g) => [mul(mul(x, 2), g)]);
  await checkGradients(wrongTwice, [x], { order: 1 });
  await assert.rejects(
    () => checkGradients(wrongTwice, [x]),
    (error) => error instanceof GradientError && error.facts.order === 2,
  );
  await assert.rejects(() => checkGradients(stopGradient, [x]), GradientError);
  await assert.rejects(() => checkGradients(sum, [tensor([1], { dtype: "i32" })]), DTypeError);
});
