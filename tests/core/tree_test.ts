/**
 * Trees: paths are unique, and wherever two trees meet, leaves are matched by key.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  applyUpdates,
  checkpoint,
  customVjp,
  data,
  grad,
  hessian,
  jacobian,
  jit,
  jvp,
  layers,
  mapLeaves,
  mul,
  optimizers,
  random,
  scan,
  ShapeError,
  sin,
  sum,
  Tensor,
  tensor,
  toArray,
  treeLeaves,
  treeMap,
  treeMapWithPath,
  vjp,
  vmap,
} from "../../mod.ts";
import { dottedName, nestLeaves } from "../../core/tree.ts";
import { testOnDevices } from "../support/each_device.ts";
import { withFacts } from "../support/with_facts.ts";

/** The same tree, its records with their keys in the opposite order. */
function reordered<T>(tree: T): T {
  if (Array.isArray(tree)) return tree.map(reordered) as T;
  if (typeof tree !== "object" || tree === null || tree instanceof Tensor) return tree;
  return Object.fromEntries(Object.entries(tree).reverse().map(([key, value]) => [key, reordered(value)])) as T;
}

/** The numbers of a tree by path. */
async function numbers(tree: unknown): Promise<Record<string, unknown>> {
  const found: [string, unknown][] = [];
  for (const { path, value } of treeLeaves(tree)) found.push([path, value instanceof Tensor ? await toArray(value) : value]);
  return Object.fromEntries(found.sort(([a], [b]) => a < b ? -1 : 1));
}

interface Params {
  readonly w: Tensor;
  readonly inner: { readonly a: Tensor; readonly b: readonly [Tensor, { readonly y: Tensor; readonly x: Tensor }] };
}

/** A tree whose leaves are all of one shape: what is taken for another is not noticed. */
function like(from: number): Params {
  const next = (i: number) => tensor([from + i, from - 2 * i]);
  return { w: next(1), inner: { a: next(2), b: [next(3), { y: next(4), x: next(5) }] } };
}

const params = like(0.5);
const grads = like(8);

/** Another factor for each leaf. */
const f = (p: Params): Params => ({
  w: mul(p.w, p.w),
  inner: { a: mul(p.inner.a, 3), b: [mul(p.inner.b[0], p.w), { y: sin(p.inner.b[1].y), x: mul(p.inner.b[1].x, 5) }] },
});

const own = customVjp((p: Params) => [f(p), p], (p, g) => [treeMap((x, y) => mul(x, y), p, g)]);

const step = (carry: Params, x: Tensor) => [treeMap((c) => mul(c, x), f(carry)), carry.inner.a] as const;

/** Two steps of an optimizer: updates and states. */
function steps(optimizer: optimizers.Optimizer, order: Order): unknown {
  const [first, state] = optimizer.update(order(grads), order(optimizer.init(params)), params);
  return optimizer.update(grads, order(state), order(applyUpdates(params, order(first))));
}

type Order = <T>(tree: T) => T;

const { accumulateGradients, adam, adamW, adadelta, adagrad, chain, clipByValue, lion, masked, partition, rmsprop, sgd } =
  optimizers;

/** Everything that takes two trees, of which `order` changes the order of keys. */
const meetings: Readonly<Record<string, (order: Order) => unknown>> = {
  "vjp's cotangents": (order) => vjp(f, params)[1](order(grads)),
  "vjp's outputs": (order) => vjp((p: Params) => order(f(p)), params)[1](grads),
  "vjp's cotangents of a checkpoint": (order) => vjp(checkpoint((p: Params) => order(f(p))), params)[1](grads),
  "jvp's tangents": (order) => jvp(f, [params], [order(grads)]),
  "jvp's primals": (order) => jvp(f, [order(params)], [grads]),
  "customVjp's cotangents of results": (order) => vjp(own, params)[1](order(grads)),
  "customVjp's cotangents of arguments": (order) =>
    vjp(customVjp((p: Params) => [f(p), p], (_, g) => [order(g)]), params)[1](grads),
  "scan's state": (order) => scan((c: Params, x: Tensor) => order(step(c, x)), params, tensor([[1, 2], [3, 4], [5, 6]])),
  "scan's state of numbers": (order) =>
    scan((c: { a: unknown; b: unknown }) => [order({ a: c.b, b: c.a }), null], { a: 1, b: 2 } as never, null, { length: 3 })[0],
  "a derivative through scan": (order) =>
    grad((p: Params) =>
      treeLeaves(scan((c: Params, x: Tensor) => order(step(c, x)), p, tensor([[1, 2], [3, 4]]))[0])
        .map(({ value }) => sum(value as Tensor)).reduce((a, b) => add(a, b))
    )(params),
  "vmap of a pullback": (order) => vmap((p: Params, g: Params) => vjp(f, p)[1](order(g)))(params, grads),
  "jacobian": (order) => jacobian((p: Params) => order(f(p)))(order(params)),
  "hessian": (order) => hessian((p: Params) => sum(mul(f(p).inner.b[0], f(p).w)))(order(params)),
  "treeMap": (order) => treeMap((x, y, z) => add(mul(x, y), z), params, order(grads), order(params)),
  "treeMapWithPath": (order) => treeMapWithPath((path, x, y) => mul(mul(x, y), path.length), params, order(grads)),
  "applyUpdates": (order) => applyUpdates(params, order(grads)),
  "jit": (order) => {
    const g = jit((p: Params, q: Params) => treeMap((x, y) => mul(x, add(y, 1)), p, q), { donate: [] });
    return [g(params, grads), g(order(params), grads), g(params, order(grads)), g(order(params), order(grads))];
  },
  "jit of a function that reorders": (order) => jit((p: Params) => order(f(order(p))))(order(params)),
  "exponentialMovingAverage": (order) => {
    const { init, update, average } = optimizers.exponentialMovingAverage({ decay: 0.5, debias: true });
    return average(update(order(update(init(params), order(grads))), params));
  },
  "sgd": (order) => steps(sgd({ learningRate: 0.5, momentum: 0.5, nesterov: true, weightDecay: 0.5 }), order),
  "adam": (order) => steps(adam({ learningRate: 0.5, weightDecay: 0.5 }), order),
  "adamW": (order) => steps(adamW({ learningRate: 0.5, weightDecay: 0.5 }), order),
  "adadelta": (order) => steps(adadelta({ learningRate: 0.5 }), order),
  "adagrad": (order) => steps(adagrad({ learningRate: 0.5 }), order),
  "rmsprop": (order) => steps(rmsprop({ learningRate: 0.5, centered: true, momentum: 0.5 }), order),
  "lion": (order) => steps(lion({ learningRate: 0.5, weightDecay: 0.5 }), order),
  "chain": (order) => steps(chain(clipByValue(2), sgd({ learningRate: 0.5, momentum: 0.5 })), order),
  "accumulateGradients": (order) => steps(accumulateGradients(sgd({ learningRate: 0.5, momentum: 0.5 }), 2), order),
  "masked": (order) => steps(masked(adam({ learningRate: 0.5 }), order({ w: true, inner: { a: false, b: true } })), order),
  "partition": (order) =>
    steps(
      partition((path) => path.endsWith("x") || path === "w" ? "one" : "two", {
        one: adam({ learningRate: 0.5 }),
        two: sgd({ learningRate: 0.5, momentum: 0.5 }),
      }),
      order,
    ),
  "loadStateDict": (order) => layers.loadStateDict({ params, state: {} }, order(layers.stateDict(grads))),
};

for (const [name, meet] of Object.entries(meetings)) {
  testOnDevices(`leaves are matched by key: ${name}`, async () => {
    const expected = await numbers(meet((tree) => tree));
    const found = await numbers(meet(reordered));
    assert.deepEqual(found, expected);
    assert.ok(Object.keys(found).length > 0);
  });
}

/** The same tree with one of its keys under another name. */
function renamed<T extends object>(tree: T, from: keyof T & string): T {
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key === from ? "other" : key, value])) as T;
}

/** Everything that takes two trees, of which the second lacks `inner.a` and has `inner.other`. */
const misfit = { ...grads, inner: renamed(grads.inner, "a") };
const refusals: Readonly<Record<string, readonly [run: () => unknown, prefix?: string, swapped?: boolean]>> = {
  "vjp": [() => vjp(f, params)[1](misfit)],
  "jvp": [() => jvp(f, [params], [misfit]), "0."],
  "customVjp": [() => vjp(customVjp((p: Params) => [f(p), p], () => [misfit]), params)[1](grads), "0."],
  "scan": [() => scan(() => [misfit, null], params, null, { length: 2 })],
  "treeMap": [() => treeMap((x, y) => add(x, y), params, misfit)],
  "treeMapWithPath": [() => treeMapWithPath((_, x, y) => add(x, y), params, misfit)],
  "applyUpdates": [() => applyUpdates(params, misfit)],
  "sgd's gradients": [() => sgd({ learningRate: 1, momentum: 0.5 }).update(misfit, { velocity: params }, params), "", true],
  "sgd's parameters": [() => sgd({ learningRate: 1, weightDecay: 0.5 }).update(params, {}, misfit)],
  "adam's state": [
    () =>
      adam({ learningRate: 1 }).update(params, { step: tensor(0, { dtype: "i32" }), mu: misfit, nu: params } as never, params),
    "mu.",
  ],
  "exponentialMovingAverage": [() => optimizers.exponentialMovingAverage({ decay: 0.5 }).update({ average: params }, misfit)],
};

Deno.test("trees that do not match are refused, with what is missing and what is too much", () => {
  for (const [name, [run, prefix = "", swapped = false]] of Object.entries(refusals)) {
    const [missing, unexpected] = [[`${prefix}inner.a`], [`${prefix}inner.other`]];
    const facts = swapped ? { missing: unexpected, unexpected: missing } : { missing, unexpected };
    assert.throws(run, withFacts(ShapeError, facts), name);
  }
  assert.throws(() => treeMap((x, y) => add(x, y), params, grads.w), withFacts(ShapeError, { unexpected: [""] }));
  assert.throws(() => vjp((x: Tensor) => x, params.w)[1]({ a: params.w } as never), withFacts(ShapeError, { missing: [""] }));
  // A tensor where the first tree has none is one too many.
  assert.throws(() => treeMap((x, y) => add(x, y), { a: params.w, b: 1 }, { a: params.w, b: params.w }), ShapeError);
});

Deno.test("leaves without derivatives need no counterpart", async () => {
  const count = tensor([1, 2], { dtype: "i32" });
  const mixed = (p: { x: Tensor; n: Tensor }) => ({ y: mul(p.x, 2), n: add(p.n, 1), note: "text" });
  const [, pullback] = vjp(mixed, { x: params.w, n: count });
  assert.deepEqual(await toArray(pullback({ y: grads.w } as never)[0].x), [18, 12]);
  const [, tangent] = jvp(mixed, [{ x: params.w, n: count }], [{ x: grads.w }] as never);
  assert.deepEqual(await toArray(tangent.y), [18, 12]);
});

Deno.test("vmap needs an axis for every argument", () => {
  const pair = (x: Tensor, y: Tensor) => add(x, y);
  for (const inAxis of [[0], [0, null, 0]]) {
    assert.throws(() => vmap(pair, { inAxis })(params.w, params.w), /inAxis/);
  }
});

/** Keys that could be taken for something else. */
const keys = ["a", "b", "a.b", "a~b", "a~1b", "a~0b", "~", ".", "", "0", "a.", ".a", "__proto__", "~1", "constructor"];

/** Trees two and three deep of these keys. */
function strange(): unknown {
  const x = tensor(1);
  const record = (below: (key: string) => unknown) => Object.fromEntries(keys.map((key) => [key, below(key)]));
  return record((key) =>
    key.length > 1 ? x : record((inner) => inner === "" ? record(() => x) : inner === "a" ? [x, { 0: x }] : x)
  );
}

Deno.test("no two leaves have one path, and a tree can be made again from its leaves", () => {
  const tree = strange();
  const paths = treeLeaves(tree).map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length);
  assert.deepEqual(treeLeaves(nestLeaves(treeLeaves(tree))).map(({ path }) => path).sort(), [...paths].sort());
  let i = 0;
  const numbered = mapLeaves(tree, () => tensor(i++)) as object;
  assert.deepEqual(treeLeaves(numbered).map(({ path }) => path), paths);
  assert.deepEqual(paths.length, i);
  assert.deepEqual(treeLeaves({ "a.b": 1, a: { b: 2 } }).map(({ path }) => path), ["a~1b", "a.b"]);
  assert.equal(dottedName("a~1b.~01"), "a.b.~1");
});

testOnDevices("trees of any keys go through transforms and optimizers unharmed", async () => {
  let i = 0;
  const tree = mapLeaves(strange(), () => tensor([++i, -i])) as object;
  const expected = await numbers(treeMap((x) => mul(x, 2), tree));
  const square = (p: object) =>
    treeLeaves(p).map(({ value }) => sum(mul(value as Tensor, value as Tensor))).reduce((a, b) => add(a, b));
  assert.deepEqual(await numbers(grad(square)(tree)), expected);
  assert.deepEqual(await numbers(jit((p: object) => treeMap((x) => mul(x, 2), p))(tree)), expected);
  assert.deepEqual(await numbers(treeMap((x, y) => add(x, y), tree, reordered(tree))), expected);
  const optimizer = partition((path) => path.length % 2 === 0 ? "even" : "odd", {
    even: sgd({ learningRate: 1, momentum: 0.5 }),
    odd: sgd({ learningRate: 1, weightDecay: 0, decayMask: (path) => path.length % 2 === 1 }),
  });
  const [updates] = optimizer.update(tree, optimizer.init(tree), tree);
  assert.deepEqual(await numbers(updates), await numbers(treeMap((x) => mul(x, -1), tree)));
});

Deno.test("a part of a partition sees the paths of the whole", () => {
  const seen: string[] = [];
  const spy: optimizers.Optimizer = {
    init: (params) => (seen.push(...treeLeaves(params).map(({ path }) => path)), {}),
    update: (grads, state) => [grads, state],
  };
  partition((path) => path.startsWith("inner.b") ? "spy" : "rest", { spy, rest: spy }).init(params);
  assert.deepEqual(seen.sort(), treeLeaves(params).map(({ path }) => path).sort());
});

Deno.test("state dicts have dotted names, and no name twice", async () => {
  assert.deepEqual(Object.keys(layers.stateDict(params)), ["w", "inner.a", "inner.b.0", "inner.b.1.y", "inner.b.1.x"]);
  assert.deepEqual(Object.keys(layers.stateDict({ "conv1.weight": params.w })), ["conv1.weight"]);
  const twice = { "a.b": params.w, a: { b: grads.w } };
  for (const each of [twice, { meanOf: params.w, mean_of: params.w }]) {
    assert.throws(() => layers.stateDict(each), ShapeError);
  }
  assert.throws(() => layers.stateDict({ a: params.w }, { a: params.w }), withFacts(ShapeError, { name: "a" }));
  const loaded = layers.loadStateDict({ params: twice, state: {} }, { "a.b": params.w });
  assert.ok(loaded._tag === "Left");
  assert.deepEqual(loaded.left.mismatched.map(({ name }) => name), ["a.b"]);
  const flat = layers.loadStateDict({ params: { "conv1.weight": params.w }, state: {} }, { "conv1.weight": grads.w });
  assert.ok(flat._tag === "Right");
  assert.deepEqual([...await data(flat.right.params["conv1.weight"])], [...await data(grads.w)]);
});

Deno.test("a layer finds its parameters by name", async () => {
  const model = layers.serial({ fc1: layers.linear({ features: 3 }), fc2: layers.linear({ features: 3 }) });
  const { params, state } = model.init(random.key(0), [3]);
  const x = tensor([[1, 2, 3]]);
  const run = (p: typeof params) => model.apply(p, state, x, layers.evalMode)[0];
  assert.deepEqual(await toArray(run(reordered(params))), await toArray(run(params)));
});
