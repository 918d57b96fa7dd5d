/** The transforms by themselves and inside each other: grad, vjp, jvp, vmap. */
import assert from "node:assert/strict";
import {
  abs,
  add,
  cast,
  checkpoint,
  clip,
  cos,
  cumsum,
  data,
  DTypeError,
  grad,
  gt,
  hessian,
  type InAxis,
  item,
  jacobian,
  jit,
  jvp,
  matmul,
  max,
  maximum,
  mean,
  minimum,
  mul,
  ones,
  pow,
  realize,
  remainder,
  ShapeError,
  sin,
  slice,
  sort,
  square,
  stack,
  sum,
  take,
  tanh,
  type Tensor,
  tensor,
  toArray,
  TraceError,
  valueAndGrad,
  valueAndGradAux,
  vjp,
  vmap,
  where,
  zeros,
} from "../../../mod.ts";
import { assertClose, type Tolerance } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { noise } from "../../support/noise.ts";

/** A few operations in f32 on values of the order of one. */
const close: Tolerance = { relative: 1e-5, absolute: 1e-6 };

async function assertTensors(actual: Tensor, expected: Tensor, what: string): Promise<void> {
  assert.deepEqual([actual.shape, actual.dtype], [expected.shape, expected.dtype], what);
  assertClose(await data(actual), await data(expected), close, what);
}

const random = (seed: number, shape: readonly number[]) =>
  tensor(noise(seed, shape.reduce((product, extent) => product * extent, 1)), { shape });

/** One layer and a squared error: what is differentiated below. */
const loss = (w: Tensor, x: Tensor, y: Tensor): Tensor => {
  const error = add(tanh(matmul(x, w)), mul(y, -1));
  return mean(mul(error, error));
};

testOnDevices("grad nests: derivatives of sin up to the fourth", async () => {
  const x = tensor(0.7);
  const first = grad((x: Tensor) => sin(x));
  const second = grad(first);
  const third = grad(second);
  const values = await Promise.all([first, second, third, grad(third)].map((f) => item(f(x))));
  assertClose(values, [Math.cos(0.7), -Math.sin(0.7), -Math.cos(0.7), Math.sin(0.7)], close, "derivatives");
});

testOnDevices("an inner grad sees the outer variable as a constant, and the outer one sees through the inner", async () => {
  // d/dx [x * d/dy (x y^2)] at y = 2 is d/dx (4 x^2) = 8 x.
  const f = (x: Tensor) => mul(x, grad((y: Tensor) => mul(x, mul(y, y)))(tensor(2)));
  assert.equal(await item(grad(f)(tensor(3))), 24);
  // The same variable in both: the classic confusion of perturbations. d/dx [x * d/dy (x + y)] = 1.
  assert.equal(await item(grad((x: Tensor) => mul(x, grad((y: Tensor) => add(x, y))(tensor(1))))(tensor(5))), 1);
  const forward = (x: Tensor) => mul(x, jvp((y: Tensor) => add(x, y), [tensor(1)], [tensor(1)])[1]);
  assert.equal(await item(jvp(forward, [tensor(5)], [tensor(1)])[1]), 1);
});

testOnDevices("grad of jit, jit of grad, and grad alone agree", async () => {
  const [w, x, y] = [random(1, [4, 3]), random(2, [5, 4]), random(3, [5, 3])];
  const expected = grad(loss)(w, x, y);
  await assertTensors(jit(grad(loss))(w, x, y), expected, "jit of grad");
  await assertTensors(grad(jit(loss))(w, x, y), expected, "grad of jit");
  await assertTensors(jit(grad(jit(loss)))(w, x, y), expected, "jit of grad of jit");
  const [value, grads] = jit(valueAndGrad(loss))(w, x, y);
  await assertTensors(value, loss(w, x, y), "value");
  await assertTensors(grads, expected, "gradient beside the value");
});

testOnDevices("vmap of grad gives every example's own gradient", async () => {
  const w = random(1, [4, 3]);
  const [xs, ys] = [random(2, [6, 5, 4]), random(3, [6, 5, 3])];
  const one = (x: Tensor, i: number) => slice(x, { start: i, stop: i + 1 });
  const loop = Array.from({ length: 6 }, (_, i) => grad(loss)(w, one(xs, i), one(ys, i)));
  // The loop's examples keep an axis of extent 1, which the mean does not mind.
  await assertTensors(vmap(grad(loss), { inAxis: [null, 0, 0] })(w, xs, ys), stack(loop), "vmap of grad");
  await assertTensors(jit(vmap(grad(loss), { inAxis: [null, 0, 0] }))(w, xs, ys), stack(loop), "jit of vmap of grad");
  const total = grad((w: Tensor) => sum(vmap(loss, { inAxis: [null, 0, 0] })(w, xs, ys)))(w);
  await assertTensors(total, sum(stack(loop), { axis: 0 }), "grad through vmap adds them up");
});

testOnDevices("vmap nests, over any axes, in and out", async () => {
  const [a, b] = [random(1, [3]), random(2, [4])];
  const outer = vmap((x: Tensor) => vmap((y: Tensor) => mul(x, add(x, y)))(b))(a);
  const expected = stack(Array.from({ length: 3 }, (_, i) => {
    const x = slice(a, { start: i, stop: i + 1 });
    return mul(x, add(x, b));
  }));
  await assertTensors(outer, expected, "nested");
  const matrix = random(3, [2, 5, 3]);
  const columns = vmap((x: Tensor) => sum(mul(x, x), { axis: 0 }), { inAxis: 1, outAxis: 1 })(matrix);
  await assertTensors(
    columns,
    stack(
      Array.from({ length: 5 }, (_, i) => {
        const x = slice(matrix, { axis: 1, start: i, stop: i + 1 });
        return sum(mul(x, x), { axis: [0, 1] });
      }),
      { axis: 1 },
    ),
    "axes",
  );
  await assertTensors(
    vmap((_: Tensor) => tensor([1, 2]))(a),
    tensor([[1, 2], [1, 2], [1, 2]]),
    "a result that is always the same",
  );
});

testOnDevices("vmap says which argument does not fit", () => {
  const f = vmap((x: { a: Tensor; b: Tensor }) => add(x.a, x.b));
  assert.throws(
    () => f({ a: zeros([3]), b: zeros([4]) }),
    (error) => error instanceof ShapeError && error.facts.path === "b" && error.facts.argument === 0,
  );
  assert.throws(() => vmap((x: Tensor) => x, { inAxis: [null] })(zeros([3])), ShapeError);
  const parts = (axes: InAxis) => () =>
    vmap((p: { a: Tensor; b: Tensor[] }) => p.a, { inAxis: [axes] })({ a: zeros([3]), b: [zeros([3])] });
  assert.throws(parts({ a: 0 }), { name: "RangeError", message: /there is none for "b.0"/ });
  assert.throws(parts({ a: 0, b: [0, null] }), { name: "RangeError", message: /it has no "b.1"/ });
  assert.throws(parts({ a: 0, b: "0" as unknown as null }), { name: "TypeError", message: /a tree of them for each argument/ });
  assert.throws(() => vmap((x: Tensor) => x)(zeros([])), ShapeError);
}, ["reference"]);

testOnDevices("jvp of grad is the Hessian times a vector", async () => {
  const f = (x: Tensor) => sum(mul(sin(x), mul(x, x)));
  const x = tensor([0.3, -1.1, 2]);
  const v = tensor([1, 0.5, -2]);
  const [, forward] = jvp(grad(f), [x], [v]);
  const backward = grad((x: Tensor) => sum(mul(grad(f)(x), v)))(x);
  await assertTensors(forward, backward, "forward over reverse against reverse over reverse");
});

testOnDevices("pull of vjp may be used several times, also after the value was read", async () => {
  const x = tensor([1, 2, 3]);
  const [y, pull] = vjp((x: Tensor) => mul(sin(x), x), x);
  await data(y);
  const expected = Array.from([1, 2, 3], (x) => Math.sin(x) + x * Math.cos(x));
  assertClose(await data(pull(tensor([1, 1, 1]))[0]), expected, close, "first");
  assertClose(await data(pull(tensor([2, 0, 1]))[0]), [2 * expected[0], 0, expected[2]], close, "again");
  assert.throws(() => pull(tensor([1, 2])), ShapeError);
  // Through the pull: d/dx of sum(pull(1)) is the second derivative.
  const second = grad((x: Tensor) => sum(vjp((x: Tensor) => mul(sin(x), x), x)[1](tensor([1, 1, 1]))[0]))(x);
  assertClose(await data(second), Array.from([1, 2, 3], (x) => 2 * Math.cos(x) - x * Math.sin(x)), close, "second derivative");
});

testOnDevices("values may be read inside grad, and the derivative stays", async () => {
  const read: number[] = [];
  const reading: Promise<unknown>[] = [];
  const f = (x: Tensor) => {
    const y = sin(x);
    reading.push(item(y).then((value) => read.push(value)));
    realize(y);
    return mul(y, x);
  };
  const dx = grad(f)(tensor(0.5));
  await Promise.all(reading);
  assertClose(read, [Math.sin(0.5)], close, "what was read");
  assertClose([await item(dx)], [Math.sin(0.5) + 0.5 * Math.cos(0.5)], close, "derivative");
  assertClose([await item(grad(grad(f))(tensor(0.5)))], [2 * Math.cos(0.5) - 0.5 * Math.sin(0.5)], close, "second derivative");
});

testOnDevices("gradients have the form of the argument; what nothing depends on has zeros", async () => {
  const params = { layer: { weight: tensor([1, 2]), bias: tensor(3) }, unused: [tensor([5, 6])], name: "net" };
  const { value, aux, grads } = valueAndGradAux((p: typeof params) => {
    const y = add(sum(mul(p.layer.weight, p.layer.weight)), p.layer.bias);
    return [y, { doubled: mul(y, 2) }] as const;
  })(params);
  assert.equal(await item(value), 8);
  assert.equal(await item(aux.doubled), 16);
  assert.deepEqual(await toArray(grads.layer.weight), [2, 4]);
  assert.equal(await item(grads.layer.bias), 1);
  assert.deepEqual(await toArray(grads.unused[0]), [0, 0]);
  assert.equal(grads.name, "net");
  const constant = grad((_: Tensor) => tensor(1))(tensor([1, 2]));
  assert.deepEqual(await toArray(constant), [0, 0]);
  assert.deepEqual(await toArray(grad((x: Tensor) => sum(x))(zeros([0]))), []);
});

testOnDevices("vmap takes an axis for each part of an argument", async () => {
  type Params = { w: Tensor; rest: [Tensor, Tensor] };
  const f = ({ w, rest: [a, b] }: Params, x: Tensor) => sum(mul(add(mul(w, x), a), b));
  const [w, a, b] = [tensor([[1, 2, 3], [4, 5, 6]]), tensor([7, 8]), tensor([[1, 2], [3, 4], [5, 6]])];
  const x = tensor([9, 10]);
  const expected = stack([0, 1, 2].map((i) => f({ w: take(w, i, { axis: 1 }), rest: [a, take(b, i)] }, x)));
  const params: Params = { w, rest: [a, b] };
  await assertTensors(vmap(f, { inAxis: [{ w: 1, rest: [null, 0] }, null] })(params, x), expected, "parts");
  const shared = { w: take(w, 0, { axis: 1 }), rest: [a, take(b, 0)] } as Params;
  const xs = tensor([[1, 2], [3, 4]]);
  await assertTensors(
    vmap(f, { inAxis: [{ w: null, rest: null }, 0] })(shared, xs),
    vmap(f, { inAxis: [null, 0] })(shared, xs),
    "shared",
  );
});

testOnDevices("grad by another argument", async () => {
  const f = (x: Tensor, y: Tensor) => mul(x, pow(y, 3));
  assert.equal(await item(grad(f, { argnum: 1 })(tensor(2), tensor(3))), 54);
});

testOnDevices("derivatives by several arguments are lists, each as by that argument alone, under every transform", async () => {
  const f = (p: { w: Tensor }, n: Tensor, x: Tensor) => sum(mul(mul(p.w, pow(x, 2)), cast(n, "f32")));
  const args = [{ w: tensor([2, 3]) }, tensor([1, 2], { dtype: "i32" }), tensor([5, 7])] as const;
  const [byX, byW]: [Tensor, { w: Tensor }] = grad(f, { argnum: [2, 0] })(...args);
  assert.deepEqual(await toArray(byX), await toArray(grad(f, { argnum: 2 })(...args)));
  assert.deepEqual(await toArray(byW.w), await toArray(grad(f)(...args).w));
  const [value, [alone]] = jit(valueAndGrad(f, { argnum: [2] }))(...args);
  assert.deepEqual([await item(value), await toArray(alone)], [344, [20, 84]]);
  const { aux, grads } = valueAndGradAux((x: Tensor, y: Tensor) => [sum(mul(x, y)), "aux"], { argnum: [1, 0] })(
    args[2],
    args[0].w,
  );
  assert.deepEqual([aux, await toArray(grads[0]), await toArray(grads[1])], ["aux", [5, 7], [2, 3]]);
  const product = (x: Tensor, y: Tensor) => mul(x, pow(y, 2));
  const [dx, dy] = jacobian(product, { argnum: [0, 1] })(tensor([2, 3]), tensor([5, 7]));
  assert.deepEqual([await toArray(dx), await toArray(dy)], [[[25, 0], [0, 49]], [[20, 0], [0, 42]]]);
  const second = hessian(product, { argnum: [0, 1] })(tensor(2), tensor(5));
  assert.deepEqual(await Promise.all(second.flat().map(item)), [0, 10, 10, 4]);
  const each = vmap(grad(product, { argnum: [0, 1] }))(tensor([2, 3]), tensor([5, 7]));
  assert.deepEqual([await toArray(each[0]), await toArray(each[1])], [[25, 49], [20, 42]]);
  assert.throws(() => grad(product, { argnum: [0, 2] as unknown as [0, 1] })(tensor(1), tensor(1)), {
    name: "RangeError",
    message: /argument 2: the function is called with 2/,
  });
  assert.throws(() => grad(product, { argnum: [1, 1] })(tensor(1), tensor(1)), { message: /argument 1 twice/ });
  for (const f of [grad(product, { argnum: [] }), jacobian(product, { argnum: [] })]) {
    assert.throws(() => f(tensor(1), tensor(1)), { name: "RangeError", message: /no argument/ });
  }
});

testOnDevices("grad of a function that takes numbers too is by a tensor, and gives one", async () => {
  const x = tensor([1, 2]);
  const [value, gradient]: [Tensor, Tensor] = valueAndGrad(sum)(x);
  assert.equal(await item(value), 3);
  assert.deepEqual(gradient.shape, grad(sum)(x).shape);
  const second: Tensor = grad(grad(square))(tensor(3));
  assert.equal(await item(second), 2);
});

testOnDevices("grad refuses what has no gradient, and says why", () => {
  const square = (x: Tensor) => sum(mul(x, x));
  assert.throws(
    () => grad(square)(tensor([1, 2], { dtype: "i32" })),
    (error) => error instanceof DTypeError && error.facts.dtype === "i32" && /cast/.test(error.message),
  );
  assert.throws(
    () => grad((p: { a: Tensor; n: Tensor }) => square(p.a))({ a: tensor([1]), n: tensor([1], { dtype: "u32" }) }),
    (error) => error instanceof DTypeError && error.facts.path === "n",
  );
  assert.throws(() => grad((x: Tensor) => mul(x, x))(tensor([1, 2])), {
    name: "TypeError",
    message:
      /^Cannot take grad of a function returning shape \[2\]: the output must be a scalar, reduce it with mean or use vjp$/,
  });
  assert.throws(() => grad((x: Tensor) => [x] as unknown as Tensor)(tensor(1)), /returning an array/);
  assert.throws(() => grad((x: Tensor) => cast(sum(x), "i32"))(tensor([1])), DTypeError);
  assert.throws(() => grad(square)(2 as unknown as Tensor), /make numbers tensors/);
  const weights = new Map([["w", tensor(1)]]);
  assert.throws(() => grad((p: typeof weights) => square(p.get("w")!))(weights), /is no plain record or list/);
  assert.throws(() => grad(square, { argnum: 1 as 0 })(tensor([1, 2])), RangeError);
  assert.throws(() => jvp(square, [tensor([1, 2])], [tensor([1])]), ShapeError);
}, ["reference"]);

testOnDevices("values cannot be read inside vmap", () => {
  const f = vmap((x: Tensor) => {
    data(x);
    return x;
  });
  assert.throws(
    () => f(zeros([2, 3])),
    (error) => error instanceof TraceError && error.facts.transform === "vmap" && error.facts.reader === "data",
  );
}, ["reference"]);

testOnDevices("a transform that failed leaves nothing behind", async () => {
  assert.throws(() =>
    grad((_: Tensor): Tensor => {
      throw new Error("inside");
    })(tensor(1)), /inside/);
  const x = add(tensor(1), 1);
  assert.equal(await item(x), 2);
  assertClose([await item(grad((x: Tensor) => cos(x))(tensor(1)))], [-Math.sin(1)], close, "the next derivative");
}, ["reference"]);

testOnDevices("a path through integers has no derivative, whatever is done with them", async () => {
  const x = tensor([1.5, -2, 3.7]);
  const integers: Readonly<Record<string, (i: Tensor) => Tensor>> = {
    maximum: (i) => maximum(i, 0),
    minimum: (i) => minimum(2, i),
    clip: (i) => clip(i, { min: 0, max: 2 }),
    multiply: (i) => mul(i, add(i, 1)),
    square,
    absolute: abs,
    remainder: (i) => remainder(i, 2),
    where: (i) => where(gt(i, 1), i, 7),
    sum: (i) => cumsum(i),
    sort: (i) => sort(i),
    largest: (i) => max(i),
    taken: (i) => take(i, tensor([2, 0, 1], { dtype: "i32" })),
  };
  for (const [name, f] of Object.entries(integers)) {
    const factor = (x: Tensor) => f(cast(x, "i32"));
    const expected = await toArray(mul(cast(factor(x), "f32"), ones([3])));
    for (const inside of [(a: Tensor, i: Tensor) => mul(a, i), checkpoint((a: Tensor, i: Tensor) => mul(a, i))]) {
      const loss = (x: Tensor) => sum(inside(x, factor(x)));
      assert.deepEqual(await toArray(grad(loss)(x)), expected, name);
      assert.deepEqual(await toArray(jit(grad(loss))(x)), expected, `${name}, jit`);
    }
  }
});
