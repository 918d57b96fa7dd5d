/**
 * Optimizers: descent, trees of any form, what is compiled, clipping, schedules, refusals. (Paths against PyTorch: tests/parity/.)
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  applyUpdates,
  compileCount,
  data,
  DTypeError,
  grad,
  item,
  jit,
  l1Penalty,
  l2Penalty,
  type Mask,
  mul,
  ones,
  optimizers,
  ShapeError,
  sub,
  sum,
  type Tensor,
  tensor,
  treeLeaves,
  treeMap,
  zeros,
  zerosLike,
} from "../../mod.ts";
import { assertClose, exact, type Tolerance } from "../support/close.ts";
import { testOnDevices } from "../support/each_device.ts";
import { share } from "../support/share.ts";

const { accumulateGradients, adadelta, adagrad, adam, adamW, addDecayedWeights, chain, clipByGlobalNorm, clipByValue } =
  optimizers;
const { exponentialMovingAverage, setToZero, globalNorm, lion, masked, partition, rmsprop, schedules, sgd } = optimizers;
type Optimizer = optimizers.Optimizer;

const close: Tolerance = { relative: 2e-6, absolute: 1e-9 };

/** One optimizer of each kind, with a rate with which it solves the problems below. */
const table: Readonly<Record<string, Optimizer>> = {
  "sgd": sgd({ learningRate: 0.1 }),
  "sgd with momentum": sgd({ learningRate: 0.02, momentum: 0.9 }),
  "sgd with Nesterov momentum": sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true }),
  "sgd with a schedule": sgd({ learningRate: schedules.cosineDecay({ from: 0.2, steps: 300 }) }),
  "adam": adam({ learningRate: 0.1 }),
  "adam with a schedule": adam({ learningRate: schedules.warmup(0.1, { steps: 10 }) }),
  "adamW": adamW({ learningRate: 0.1, weightDecay: 1e-4 }),
  "adadelta": adadelta({ learningRate: 0.5, epsilon: 1e-3 }),
  "adadelta with a schedule": adadelta({ learningRate: schedules.constant(0.5), epsilon: 1e-3 }),
  "adagrad": adagrad({ learningRate: 0.5 }),
  "adagrad with a schedule": adagrad({ learningRate: schedules.constant(0.5) }),
  "rmsprop": rmsprop({ learningRate: schedules.linear({ from: 0.05, to: 0, steps: 300 }) }),
  "rmsprop, centered, with momentum": rmsprop({
    learningRate: schedules.linear({ from: 0.02, to: 0, steps: 300 }),
    centered: true,
    momentum: 0.5,
    epsilon: 0.01,
  }),
  "lion": lion({ learningRate: schedules.linear({ from: 0.05, to: 0, steps: 300 }), beta2: 0.9, weightDecay: 1e-4 }),
  "sgd with dampening": sgd({ learningRate: 0.1, momentum: 0.5, dampening: 0.5 }),
  "accumulated": accumulateGradients(sgd({ learningRate: 0.03, momentum: 0.5 }), 3),
  "in parts": partition((path) => path.startsWith("rest") ? "rest" : "first", {
    first: sgd({ learningRate: 0.1 }),
    rest: adam({ learningRate: schedules.constant(0.1) }),
  }),
  "clipped by value": chain(masked(clipByValue(1), { x: true, rest: false }), sgd({ learningRate: 0.1 })),
  "clipped": chain(clipByGlobalNorm(1), sgd({ learningRate: 0.1 })),
};

interface Point {
  readonly x: Tensor;
  readonly rest: readonly [Tensor, { readonly y: Tensor }];
}

const square = (x: Tensor) => sum(mul(x, x));

/** 0 at x = [1, -2], rest = [3, { y: 0.5 }]; the axes have different curvature. */
function bowl({ x, rest: [a, { y }] }: Point): Tensor {
  return add(add(square(sub(x, tensor([1, -2]))), square(sub(a, 3))), mul(4, square(sub(y, 0.5))));
}

testOnDevices("every optimizer descends, and a second step compiles nothing", async (t, device) => {
  for (const [name, optimizer] of share(device, Object.entries(table), () => "all", 7)) {
    await t.step(name, async () => {
      const step = jit((params: Point, state: optimizers.OptimizerState) => {
        const [updates, next] = optimizer.update(grad(bowl)(params), state, params);
        return [applyUpdates(params, updates), next] as const;
      }, { donate: [0, 1] });
      let params: Point = { x: zeros([2]), rest: [zeros([]), { y: zeros([1]) }] };
      let state = optimizer.init(params);
      [params, state] = step(params, state);
      const compiled = compileCount();
      for (let i = 1; i < 300; i++) [params, state] = step(params, state);
      assert.equal(compileCount(), compiled);
      const found = [...await data(params.x), await item(params.rest[0]), await item(params.rest[1].y)];
      assertClose(found, [1, -2, 3, 0.5], { relative: 0, absolute: 0.01 }, "the minimum");
    });
  }
});

testOnDevices("Adam's steps are as long as the rate while the gradient stays, from the first on", async () => {
  const optimizer = adam({ learningRate: 0.25, epsilon: 0 });
  const step = jit((state: optimizers.OptimizerState) => optimizer.update({ x: tensor([3, -0.01]) }, state, { x: zeros([2]) }));
  let state = optimizer.init({ x: zeros([2]) });
  for (let i = 0; i < 50; i++) {
    const [updates, next] = step(state);
    state = next;
    assertClose(await data(updates.x), [-0.25, 0.25], { relative: 3e-6, absolute: 0 }, `step ${i + 1}`);
  }
});

testOnDevices("a step has a derivative by the gradient, also where no gradient has been", async () => {
  const params = { x: tensor([1, 2, 3]), rest: zeros([2]) };
  for (const [name, optimizer] of Object.entries(table)) {
    const length = (x: Tensor) => sum(optimizer.update({ ...params, x }, optimizer.init(params), params)[0].x);
    const slope = Array.from(await data(grad(length)(tensor([0, 1, 0]))));
    assert.ok(slope.every(Number.isFinite), `${name}: ${slope}`);
  }
  // -rate g / (sqrt(g^2) + epsilon) has the slope -rate / epsilon at 0, whose root has none.
  const slope = grad((g: Tensor) =>
    sum(adagrad({ learningRate: 0.5, epsilon: 0.25 }).update([g], { accumulator: [zeros([2])] }, [g])[0][0])
  );
  assertClose(await data(slope(zeros([2]))), [-2, -2], close, "adagrad");
});

Deno.test("states hold what is needed and nothing else", () => {
  const params = { a: zeros([2]), b: [zeros([3])] };
  const paths = (optimizer: Optimizer) => treeLeaves(optimizer.init(params)).map(({ path }) => path);
  assert.deepEqual(paths(sgd({ learningRate: 1 })), []);
  assert.deepEqual(paths(sgd({ learningRate: 1, momentum: 0.5 })), ["velocity.a", "velocity.b.0"]);
  assert.deepEqual(paths(sgd({ learningRate: schedules.constant(1) })), ["step"]);
  assert.deepEqual(paths(adam({ learningRate: 1 })), ["step", "mu.a", "mu.b.0", "nu.a", "nu.b.0"]);
  assert.deepEqual(paths(adagrad({ learningRate: 1 })), ["accumulator.a", "accumulator.b.0"]);
  assert.deepEqual(paths(rmsprop({ learningRate: 1, centered: true })), ["nu.a", "nu.b.0", "mu.a", "mu.b.0"]);
  assert.deepEqual(paths(lion({ learningRate: 1 })), ["mu.a", "mu.b.0"]);
  assert.deepEqual(paths(accumulateGradients(sgd({ learningRate: 1 }), 2)), ["count", "sum.a", "sum.b.0"]);
  assert.deepEqual(paths(chain(clipByGlobalNorm(1), sgd({ learningRate: 1, momentum: 0.5 }))), [
    "1.velocity.a",
    "1.velocity.b.0",
  ]);
});

testOnDevices("a rate that is an argument of a jitted step compiles once", async () => {
  const step = jit((params: { x: Tensor }, rate: number | Tensor) => {
    const optimizer = sgd({ learningRate: rate });
    const [updates] = optimizer.update({ x: ones([1]) }, optimizer.init(params), params);
    return applyUpdates(params, updates);
  });
  const params = { x: ones([1]) };
  assertClose(await data(step(params, 0.25).x), [0.75], close, "first");
  const compiled = compileCount();
  assertClose(await data(step(params, 0.5).x), [0.5], close, "second");
  assert.equal(compileCount(), compiled);
});

Deno.test("a schedule sees the number of steps done", async () => {
  const optimizer = sgd({ learningRate: (step) => add(step, 1) });
  let state = optimizer.init({ x: zeros([]) });
  for (const expected of [-1, -2, -3]) {
    const [updates, next] = optimizer.update({ x: ones([]) }, state, { x: zeros([]) });
    assert.equal(await item(updates.x), expected);
    state = next;
  }
});

Deno.test("chain passes updates on: decay after clipping", async () => {
  const optimizer = chain(clipByGlobalNorm(1), sgd({ learningRate: 1, weightDecay: 0.5 }));
  const params = { x: tensor([2, 0]) };
  const [updates] = optimizer.update({ x: tensor([0, 10]) }, optimizer.init(params), params);
  assertClose(await data(updates.x), [-1, -1], close, "updates");
});

testOnDevices("clipByGlobalNorm shortens what is too long and leaves the rest", async () => {
  const clip = clipByGlobalNorm(5);
  const clipped = async (x: number[], y: number) => {
    const grads = { x: tensor(x), y: tensor(y) };
    const [updates] = clip.update(grads, clip.init(grads), grads);
    return [...await data(updates.x), await item(updates.y)];
  };
  assertClose(await clipped([3, 0], 4), [3, 0, 4], close, "at the limit");
  assertClose(await clipped([6, 0], 8), [3, 0, 4], close, "above");
  assert.deepEqual(await clipped([0, 0], 0), [0, 0, 0]);
  assertClose(await clipped([NaN, 1], 1), [NaN, NaN, NaN], close, "what is not a number shows");
});

testOnDevices("clipByValue limits each number", async () => {
  const clip = clipByValue(2);
  const grads = { x: tensor([3, -5, 1]), y: tensor(NaN) };
  const [updates] = clip.update(grads, clip.init(grads), grads);
  assertClose([...await data(updates.x), await item(updates.y)], [2, -2, 1, NaN], exact, "updates");
});

const layered = { conv1: { weight: ones([2, 2]), bias: ones([2]) }, head: [{ weight: ones([1, 2]) }] };
const none = treeMap(zerosLike, layered);

Deno.test("masks choose by path, by kind, by a tree of booleans", async () => {
  const chosen = async (mask: Mask) => {
    const decay = addDecayedWeights(1, { mask });
    const [updates] = decay.update(none, decay.init(layered), layered);
    const found: string[] = [];
    for (const { path, value } of treeLeaves(updates)) if ((await data(value as Tensor))[0] === 1) found.push(path);
    return found;
  };
  assert.deepEqual(await chosen(true), ["conv1.weight", "conv1.bias", "head.0.weight"]);
  assert.deepEqual(await chosen((_, x) => x.rank > 1), ["conv1.weight", "head.0.weight"]);
  assert.deepEqual(await chosen((path) => path.startsWith("conv1.")), ["conv1.weight", "conv1.bias"]);
  assert.deepEqual(await chosen({ conv1: { weight: true, bias: false }, head: true }), ["conv1.weight", "head.0.weight"]);
  assert.deepEqual(await chosen({ conv1: false, head: [{ weight: true }] }), ["head.0.weight"]);
  const partial = addDecayedWeights(1, { mask: { conv1: { weight: true } } });
  assert.throws(
    () => partial.update(none, {}, layered),
    (error) => error instanceof ShapeError && error.facts.path === "conv1.bias",
  );
});

Deno.test("every optimizer decays what its mask says", async () => {
  const makers: Readonly<Record<string, (options: optimizers.DecayOptions) => Optimizer>> = {
    sgd: (options) => sgd({ learningRate: 0.1, ...options }),
    adam: (options) => adam({ learningRate: 0.1, ...options }),
    adamW: (options) => adamW({ learningRate: 0.1, ...options }),
    adadelta: (options) => adadelta({ ...options }),
    adagrad: (options) => adagrad({ learningRate: 0.1, ...options }),
    rmsprop: (options) => rmsprop({ learningRate: 0.1, ...options }),
    lion: (options) => lion({ learningRate: 0.1, ...options }),
  };
  for (const [name, make] of Object.entries(makers)) {
    const optimizer = make({ weightDecay: 0.5, decayMask: (_, x) => x.rank > 1 });
    const [updates] = optimizer.update(none, optimizer.init(layered), layered);
    assert.ok((await data(updates.conv1.weight)).every((x) => x < 0), `${name}: the weight shrinks`);
    assert.ok((await data(updates.head[0].weight)).every((x) => x < 0), `${name}: the weight of the head shrinks`);
    assert.ok((await data(updates.conv1.bias)).every((x) => x === 0), `${name}: the bias stays`);
  }
});

Deno.test("l1Penalty and l2Penalty sum over a tree; the second is weight decay", async () => {
  const params = { a: tensor([1, -2]), b: [tensor([[3], [-4]])] };
  const mask: Mask = (_, x) => x.rank > 1;
  assert.deepEqual([await item(l1Penalty(params)), await item(l1Penalty(params, { mask }))], [10, 7]);
  assert.deepEqual([await item(l2Penalty(params)), await item(l2Penalty(params, { mask })), await item(l2Penalty({}))], [
    30,
    25,
    0,
  ]);
  const slope = grad((p: typeof params) => mul(0.25, l2Penalty(p)))(params);
  const [updates] = sgd({ learningRate: 1, weightDecay: 0.5 }).update(treeMap(zerosLike, params), {}, params);
  assert.deepEqual((await data(updates.a)).map((x) => -x), await data(slope.a));
  assert.deepEqual([...await data(grad((p: typeof params) => l1Penalty(p))(params).a)], [1, -1]);
});

Deno.test("partition gives parameters to optimizers by name; frozen ones stay", async () => {
  const optimizer = partition((path) => path.startsWith("head") ? "trained" : "fixed", {
    trained: sgd({ learningRate: 0.5, momentum: 0.5 }),
    fixed: setToZero(),
    unused: adam({ learningRate: 1 }),
  });
  const state = optimizer.init(layered);
  assert.deepEqual(treeLeaves((state as Record<string, unknown>).trained).map(({ path }) => path), ["velocity.head.0.weight"]);
  const [updates, next] = optimizer.update(layered, state, layered);
  assert.deepEqual([...await data(updates.head[0].weight), ...await data(updates.conv1.bias)], [-0.5, -0.5, 0, 0]);
  assert.deepEqual(treeLeaves(next).map(({ path }) => path), treeLeaves(state).map(({ path }) => path));
  assert.throws(
    () => partition(() => "other", { one: setToZero() }).init(layered),
    /"conv1.weight" to the optimizer "other": there are "one"/,
  );
  const more = { ...layered, extra: ones([1]) };
  assert.throws(() => optimizer.update(more, state, layered as typeof more), ShapeError);
});

testOnDevices("accumulateGradients makes one step of several gradients, and compiles once", async () => {
  const optimizer = accumulateGradients(sgd({ learningRate: (step) => add(step, 1), momentum: 0.5 }), 3);
  const step = jit((params: { x: Tensor }, state: optimizers.OptimizerState, g: Tensor) => {
    const [updates, next] = optimizer.update({ x: g }, state, params);
    return [applyUpdates(params, updates), next] as const;
  }, { donate: [0, 1] });
  let params = { x: zeros([2]) };
  let state = optimizer.init(params);
  [params, state] = step(params, state, tensor([1, 0]));
  const path = [await item(sum(params.x))];
  const compiled = compileCount();
  for (const g of [10, 100, 1, 1, NaN]) {
    [params, state] = step(params, state, tensor([g, g]));
    path.push(await item(sum(params.x)));
  }
  assert.equal(compileCount(), compiled);
  // The sums 111 and 110 at rate 1; nothing while gradients are accumulated; what is not a number shows when the step is due.
  assert.deepEqual(path, [0, 0, -221, -221, -221, NaN]);
});

Deno.test("the mean of accumulated gradients is that of the whole batch", async () => {
  const optimizer = accumulateGradients(adam({ learningRate: 0.1 }), 2, { reduction: "mean" });
  const params = { x: tensor([1, 2]) };
  let state = optimizer.init(params);
  let updates = params;
  for (const g of [[1, -4], [3, 2]]) [updates, state] = optimizer.update({ x: tensor(g) }, state, params);
  const whole = adam({ learningRate: 0.1 });
  const [expected] = whole.update({ x: tensor([2, -1]) }, whole.init(params), params);
  assert.deepEqual(await data(updates.x), await data(expected.x));
});

testOnDevices("exponentialMovingAverage follows its formula", async () => {
  const values = [4, 2, 8];
  for (const debias of [false, true]) {
    const ema = exponentialMovingAverage({ decay: 0.75, debias });
    const update = jit(ema.update, { donate: [0] });
    let state = ema.init({ x: tensor([10]) });
    let [mean, weight] = debias ? [0, 0] : [10, 1];
    for (const [i, value] of values.entries()) {
      state = update(state, { x: tensor([value]) }) as typeof state;
      [mean, weight] = [0.75 * mean + 0.25 * value, 0.75 * weight + 0.25];
      assertClose(await data(ema.average(state).x), [mean / weight], close, `debias ${debias}, step ${i + 1}`);
    }
  }
});

Deno.test("an average of parameters that are donated is its own", async () => {
  const ema = exponentialMovingAverage({ decay: 0.5 });
  const step = jit((s: { params: { x: Tensor }; average: optimizers.AverageState<{ x: Tensor }> }) => {
    const params = { x: add(s.params.x, 1) };
    return { params, average: ema.update(s.average, params) };
  }, { donate: [0] });
  const params = { x: zeros([3]) };
  let state = { params, average: ema.init(params) };
  for (let i = 0; i < 3; i++) state = step(state);
  assertClose(await data(ema.average(state.average).x), [2.125, 2.125, 2.125], close, "average");
  assertClose(await data(state.params.x), [3, 3, 3], close, "parameters");
});

Deno.test("globalNorm of a tree", async () => {
  assert.equal(await item(globalNorm({ a: tensor([1, 2]), b: [tensor([[4]]), tensor(10)] })), 11);
  assert.equal(await item(globalNorm({})), 0);
});

Deno.test("updates keep the parameters' type", () => {
  const params = { x: ones([2], { dtype: "f64" }) };
  for (const [name, optimizer] of Object.entries(table)) {
    const [updates, state] = optimizer.update({ x: ones([2], { dtype: "f64" }) }, optimizer.init(params), params);
    assert.equal(applyUpdates(params, updates).x.dtype, "f64", name);
    const types = (tree: unknown) => treeLeaves(tree).map(({ value }) => (value as Tensor).dtype);
    assert.deepEqual(types(state), types(optimizer.init(params)), name);
  }
});

testOnDevices("schedules have the values of their formulas", async (t) => {
  const { constant, cosineDecay, exponentialDecay, join, linear, multiStepDecay, polynomial, stepDecay, warmup } = schedules;
  const quarter = (1 + Math.SQRT1_2) / 2;
  const cases: Record<string, [optimizers.Schedule, Record<number, number>]> = {
    constant: [constant(0.3), { 0: 0.3, 1000: 0.3 }],
    linear: [linear({ from: 1, to: 0.5, steps: 4 }), { 0: 1, 1: 0.875, 4: 0.5, 9: 0.5 }],
    "linear upwards": [linear({ from: 0, to: 1, steps: 4 }), { 0: 0, 3: 0.75, 4: 1, 5: 1 }],
    polynomial: [polynomial({ from: 1.1, to: 0.1, power: 2, steps: 10 }), { 0: 1.1, 5: 0.35, 10: 0.1, 20: 0.1 }],
    "a root": [polynomial({ from: 1, to: 0, power: 0.5, steps: 4 }), { 0: 1, 3: 0.5, 4: 0 }],
    exponentialDecay: [exponentialDecay({ from: 2, factor: 0.25, steps: 2 }), { 0: 2, 1: 1, 2: 0.5, 4: 0.125 }],
    stepDecay: [stepDecay({ from: 1, factor: 0.5, every: 3 }), { 0: 1, 2: 1, 3: 0.5, 5: 0.5, 6: 0.25, 9: 0.125, 10: 0.125 }],
    multiStepDecay: [multiStepDecay({ from: 1, milestones: [2, 5] }), { 0: 1, 1: 1, 2: 0.1, 4: 0.1, 5: 0.01, 99: 0.01 }],
    cosineDecay: [cosineDecay({ from: 1, steps: 8 }), { 0: 1, 2: quarter, 4: 0.5, 8: 0, 100: 0 }],
    "cosineDecay to a rate": [cosineDecay({ from: 1, to: 0.5, steps: 8 }), { 0: 1, 4: 0.75, 8: 0.5 }],
    warmup: [warmup(linear({ from: 1, to: 0, steps: 10 }), { steps: 4 }), { 0: 0, 1: 0.25, 4: 1, 9: 0.5, 14: 0 }],
    "warmup to a rate": [warmup(0.8, { steps: 2, from: 0.4 }), { 0: 0.4, 1: 0.6, 2: 0.8, 50: 0.8 }],
    join: [
      join([constant(1), linear({ from: 2, to: 4, steps: 2 }), constant(7)], { boundaries: [2, 5] }),
      { 0: 1, 1: 1, 2: 2, 3: 3, 4: 4, 5: 7, 6: 7 },
    ],
  };
  for (const [name, [schedule, values]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const compiled = jit((step: Tensor) => schedule(step));
      for (const [step, expected] of Object.entries(values)) {
        const tolerance = { relative: 1e-5, absolute: 1e-6 };
        assertClose([await item(schedule(Number(step)))], [expected], tolerance, `step ${step}`);
        assertClose(
          [await item(compiled(tensor(Number(step), { dtype: "i32" })))],
          [expected],
          tolerance,
          `step ${step}, jitted`,
        );
      }
    });
  }
});

Deno.test("options out of their ranges are refused when an optimizer is made", () => {
  const rate = { learningRate: 0.1 };
  const wrong: (() => unknown)[] = [
    () => sgd({ learningRate: -1 }),
    () => sgd({ learningRate: NaN }),
    () => sgd({ ...rate, momentum: 1.5 }),
    () => sgd({ ...rate, nesterov: true }),
    () => sgd({ ...rate, weightDecay: -1 }),
    () => adam({ ...rate, beta1: 1 }),
    () => adam({ ...rate, beta2: -0.1 }),
    () => adam({ ...rate, epsilon: -1 }),
    () => adamW({ ...rate, weightDecay: Infinity }),
    () => adadelta({ rho: 1.5 }),
    () => adadelta({ epsilon: -1 }),
    () => clipByGlobalNorm(0),
    () => clipByValue(-1),
    () => sgd({ ...rate, momentum: 0.5, dampening: 2 }),
    () => sgd({ ...rate, momentum: 0.5, dampening: 0.1, nesterov: true }),
    () => adagrad({ ...rate, initialAccumulatorValue: -1 }),
    () => rmsprop({ ...rate, alpha: 1.5 }),
    () => lion({ ...rate, beta1: 1 }),
    () => addDecayedWeights(-1),
    () => accumulateGradients(sgd(rate), 0),
    () => accumulateGradients(sgd(rate), 2, { reduction: "max" as "sum" }),
    () => exponentialMovingAverage({ decay: 1 }),
    () => schedules.cosineRestarts({ from: 1, steps: 0 }),
    () => schedules.oneCycle({ peak: 1, steps: 3 }),
    () => schedules.reduceOnPlateau({ from: 1, factor: 1 }),
    () => schedules.reduceOnPlateau({ from: 1, mode: "most" as "max" }),
    () => schedules.cosineDecay({ from: 1, steps: 0 }),
    () => schedules.stepDecay({ from: 1, every: 1.5 }),
    () => schedules.exponentialDecay({ from: 1, factor: 0 }),
    () => schedules.join([schedules.constant(1)], { boundaries: [3] }),
    () => schedules.join([schedules.constant(1), schedules.constant(1), schedules.constant(1)], { boundaries: [3, 3] }),
  ];
  for (const each of wrong) assert.throws(each, RangeError, `${each}`);
  assert.throws(() => sgd({ learningRate: ones([2]) }), ShapeError);
  assert.throws(() => sgd({ learningRate: ones([], { dtype: "i32" }) }), DTypeError);
  const misfit = sgd({ learningRate: () => ones([2]) });
  assert.throws(() => misfit.update({ x: ones([2]) }, misfit.init({ x: ones([2]) }), { x: ones([2]) }), ShapeError);
});

Deno.test("arguments in another order are refused, and the error names the order", () => {
  const [params, adam] = [{ w: zeros([2]) }, optimizers.adam({ learningRate: 0.1 })];
  assert.throws(
    () => adam.update(params, params as never, adam.init(params) as never),
    /Cannot call update of adam, which takes \(grads, state, params\): params is no tree like grads: missing "w"; unexpected /,
  );
});

Deno.test("a state of other parameters is refused by every optimizer, though it would broadcast", () => {
  const params: Point = { x: zeros([2]), rest: [zeros([]), { y: zeros([3]) }] };
  const others: Point = { ...params, rest: [zeros([]), { y: zeros([1]) }] };
  const fewer: Point = { ...params, rest: [zeros([])] as never };
  const shapes = (state: unknown) => JSON.stringify(treeLeaves(state).map(({ path, value }) => [path, (value as Tensor).shape]));
  let remembering = 0;
  for (const [name, optimizer] of Object.entries(table)) {
    const state = optimizer.init(params);
    optimizer.update(params, state, params);
    assert.throws(() => optimizer.update(others, state, params), /no tree like grads: "rest.1.y" is of shape/, name);
    for (const other of [others, fewer]) {
      const strange = optimizer.init(other);
      // Where nothing is remembered of what differs, the state fits.
      if (shapes(strange) === shapes(state)) continue;
      remembering++;
      assert.throws(() => optimizer.update(params, strange, params), /the state is not of these parameters: /, name);
    }
  }
  assert.ok(remembering > 10);
});

Deno.test("trees that do not fit are refused with the path", () => {
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  const params = { conv1: { weight: ones([2]) } };
  const grads = { conv2: { weight: ones([2]) } } as unknown as typeof params;
  assert.throws(
    () => optimizer.update(grads, optimizer.init(params), params),
    (error) => error instanceof ShapeError && error.facts.path === "conv2.weight",
  );
  // @ts-expect-error updates must have the form of the parameters
  assert.throws(() => applyUpdates(params, { conv1: {} }), ShapeError);
  const wide = { conv1: { weight: ones([2]) } };
  assert.throws(
    () => applyUpdates(wide, { conv1: { weight: ones([4, 2]) } }),
    (error) => error instanceof ShapeError && error.facts.path === "conv1.weight",
  );
});
