/** Compiled functions: what compiles and what does not, what may be passed and returned, donated memory. */
import assert from "node:assert/strict";
import {
  add,
  argmax,
  cast,
  compileCount,
  data,
  deviceInfo,
  DonatedError,
  eq,
  exp,
  gt,
  item,
  jit,
  linspace,
  logicalAnd,
  matmul,
  mean,
  mul,
  pow,
  realize,
  relu,
  reshape,
  type Scalar,
  sub,
  sum,
  type Tensor,
  tensor,
  toArray,
  TraceError,
  treeMap,
  valueAndGrad,
  where,
  zeros,
} from "../../../mod.ts";
import { currentDevice } from "../../../core/execution/current_device.ts";
import { assertClose, exact } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { noise } from "../../support/noise.ts";

/** How many programs `body` compiles. */
async function compiles(body: () => unknown): Promise<number> {
  const before = compileCount();
  await body();
  return compileCount() - before;
}

testOnDevices("a form of arguments is compiled once; new values, also of numbers, compile nothing", async () => {
  let traces = 0;
  const f = jit((x: Tensor, by: Scalar, { mode }: { mode: string }) => {
    traces++;
    return mode === "add" ? add(x, by) : mul(x, by);
  });
  const x = tensor([1, 2]);
  assert.equal(await compiles(async () => assert.deepEqual(await toArray(f(x, 2, { mode: "add" })), [3, 4])), 1);
  assert.equal(await compiles(async () => assert.deepEqual(await toArray(f(x, 0.5, { mode: "add" })), [1.5, 2.5])), 0);
  assert.equal(await compiles(async () => assert.deepEqual(await toArray(f(tensor([5, 6]), 3, { mode: "mul" })), [15, 18])), 1);
  assert.equal(await compiles(async () => assert.deepEqual(await toArray(f(tensor([5]), 3, { mode: "mul" })), [15])), 1);
  assert.equal(await compiles(() => data(f(cast(x, "i32"), 1, { mode: "add" }))), 2, "the cast, and a new type");
  assert.equal(traces, 4);
  assert.equal(await compiles(() => data(f(x, -1, { mode: "add" }))), 0, "the first form is still known");
  assert.equal(traces, 4);
});

testOnDevices("functions and booleans are static, by identity and value", async () => {
  const f = jit((x: Tensor, activation: (x: Tensor) => Tensor, twice: boolean, nothing?: undefined) => {
    assert.equal(nothing, undefined);
    return twice ? activation(activation(x)) : activation(x);
  });
  const x = tensor([-1, 2]);
  assert.deepEqual(await toArray(f(x, relu, false)), [0, 2]);
  assert.deepEqual(await toArray(f(x, (x) => mul(x, 2), true)), [-4, 8]);
  assert.equal(await compiles(() => data(f(x, relu, false))), 0);
  const double = (x: Tensor) => mul(x, 2);
  f(x, double, true);
  assert.equal(await compiles(() => data(f(x, double, true))), 0);
});

testOnDevices(
  "what is returned may be an argument, a constant, a captured tensor, the same tensor twice, or no tensor",
  async () => {
    const outside = tensor([7, 8]);
    const f = jit((x: Tensor, n: Scalar) => {
      const y = add(x, 1);
      return {
        x,
        n,
        y,
        again: y,
        constant: zeros([2]),
        outside,
        sum: add(outside, x),
        text: "static",
        list: [null, true],
        half: 0.5,
      };
    });
    const x = tensor([1, 2]);
    for (const n of [3, 4]) {
      const result = f(x, n);
      assert.equal(result.x, x);
      assert.equal(result.outside, outside);
      assert.deepEqual([result.text, result.list, result.half], ["static", [null, true], 0.5]);
      assert.equal(result.n, n);
      for (const y of [result.y, result.again]) assert.deepEqual(await toArray(y), [2, 3]);
      assert.deepEqual(await toArray(result.constant), [0, 0]);
      assert.deepEqual(await toArray(result.sum), [8, 10]);
    }
    assert.equal(await compiles(() => assert.equal(jit(() => 5)(), 5)), 0, "nothing to compute");
  },
);

testOnDevices("empty tensors go in and come out", async () => {
  const f = jit((x: Tensor) => [mul(x, 2), sum(x), reshape(x, [0, 7])]);
  const [doubled, total, reshaped] = f(zeros([3, 0]));
  assert.deepEqual([doubled.shape, await toArray(doubled)], [[3, 0], [[], [], []]]);
  assert.equal(await item(total), 0);
  assert.deepEqual(reshaped.shape, [0, 7]);
});

testOnDevices("jit inside jit is part of the outer program", async () => {
  const inner = jit((x: Tensor, n: Scalar) => mul(x, n));
  const outer = jit((x: Tensor) => add(inner(x, 3), inner(x, 4)));
  assert.equal(await compiles(async () => assert.deepEqual(await toArray(outer(tensor([1, 2]))), [7, 14])), 1);
  // Of concrete tensors it computes at once, and the result is a captured tensor.
  const outside = tensor([1, 1]);
  const mixed = jit((x: Tensor) => add(x, inner(outside, 5)));
  for (const x of [1, 2]) assert.deepEqual(await toArray(mixed(tensor([x, x]))), [x + 5, x + 5]);
});

testOnDevices("numbers stay literals inside: they take the type of what they meet", async () => {
  const f = jit((x: Tensor, a: Scalar, b: Scalar) => [logicalAnd(gt(a, 0), gt(b, 0)), where(gt(x, a), x, b)]);
  const [both, chosen] = f(tensor([1, 5]), 2, -1);
  assert.deepEqual([both.dtype, await item(both)], ["bool", 0]);
  assert.deepEqual(await toArray(chosen), [-1, 5]);
});

testOnDevices("reading values while tracing is an error that names the function and the tensor", async () => {
  const reader = (read: (x: Tensor) => unknown) => () =>
    jit((x: Tensor) => {
      read(x);
      return x;
    })(zeros([2, 1]));
  for (const [name, read] of Object.entries({ data, toArray, realize })) {
    assert.throws(reader(read), (error) => {
      assert.ok(error instanceof TraceError);
      assert.deepEqual(error.facts, { transform: "jit", shape: [2, 1], dtype: "f32", reader: name });
      return true;
    });
  }
  assert.throws(() => jit((x: Tensor) => (item(x), x))(zeros([])), {
    message:
      `Cannot read values of a tensor inside jit: "item" was called on f32[] while tracing, return it from the function instead, ` +
      `or look at it with debug.print`,
  });
  // What does not depend on an argument has values.
  const outside = tensor(3);
  const read: Promise<number>[] = [];
  jit((x: Tensor) => {
    read.push(item(mul(outside, 2)));
    return x;
  })(zeros([1]));
  assert.equal(await read[0], 6);
}, ["reference", "wasm"]);

testOnDevices("an async function cannot be compiled", async () => {
  assert.throws(() => jit(async (x: Tensor) => await Promise.resolve(x))(zeros([1])), TraceError);
  assert.throws(() => jit(async (x: Tensor) => add(x, await item(x)))(zeros([])), /async/);
  // The failure inside must not surface a second time as an unhandled rejection.
  await new Promise((resolve) => setTimeout(resolve, 0));
}, ["reference"]);

testOnDevices("a donated tensor cannot be used any more", async () => {
  const f = jit((x: Tensor, y: Tensor) => add(x, y), { donate: [0] });
  const [x, y] = realize([mul(tensor([1, 2]), 3), tensor([1, 1])]);
  assert.deepEqual(await toArray(f(x, y)), [4, 7]);
  assert.deepEqual(await toArray(y), [1, 1]);
  assert.throws(
    () => data(x),
    (error) => error instanceof DonatedError && error.facts.size === 2 && error.facts.dtype === "f32",
  );
  assert.throws(() => data(add(x, 1)), DonatedError);
  assert.throws(() => f(x, y), DonatedError);
});

testOnDevices("a tensor donated as one argument and used as another keeps its values there", async () => {
  const computed = () => realize(mul(tensor([1, 2, 3]), 2));
  const both = jit((x: Tensor, y: Tensor) => [add(x, 1), mul(x, y), sub(y, 1)], { donate: [0] });
  const x = computed();
  assert.deepEqual(await Promise.all(both(x, x).map(toArray)), [[3, 5, 7], [4, 16, 36], [1, 3, 5]]);
  assert.throws(() => data(x), DonatedError);

  const captured = computed();
  const withCaptured = jit((x: Tensor) => [add(x, 1), mul(captured, 10)], { donate: [0] });
  assert.deepEqual(await Promise.all(withCaptured(computed()).map(toArray)), [[3, 5, 7], [20, 40, 60]]);
  assert.deepEqual(await Promise.all(withCaptured(captured).map(toArray)), [[3, 5, 7], [20, 40, 60]]);

  const through = jit((x: Tensor, y: Tensor) => [add(x, 1), y], { donate: [0, 1] });
  const z = computed();
  const [, same] = through(z, z);
  assert.deepEqual(await toArray(same), [2, 4, 6], "what is passed through is not given away");
  assert.deepEqual(await toArray(through(computed(), computed())[0]), [3, 5, 7]);
});

testOnDevices(
  "what a function returns of the outside, as positions that were made while it was traced, outlives its results",
  async () => {
    const made = jit(() => linspace(0, 3, 4));
    for (let i = 0; i < 2; i++) {
      using points = made();
      assert.deepEqual(await toArray(points), [0, 1, 2, 3]);
    }
    const step = jit((x: Tensor) => add(x, 1), { donate: [0] });
    for (let i = 0; i < 2; i++) assert.deepEqual(await toArray(step(made())), [1, 2, 3, 4]);
  },
);

testOnDevices("tensors that came out of one value do not lose it when another is donated", async () => {
  const [x, y] = jit((x: Tensor) => {
    const y = mul(x, 2);
    return [y, y];
  })(tensor([1, 2]));
  const f = jit((x: Tensor) => add(x, 1), { donate: [0] });
  assert.deepEqual(await toArray(f(x)), [3, 5]);
  assert.deepEqual(await toArray(y), [2, 4]);
  // Equal expressions are computed once; each is a value of its own all the same.
  const [p, q] = realize([add(tensor([1]), 0), zeros([3])]);
  const zero = realize(zeros([3]));
  f(q);
  f(p);
  assert.deepEqual(await toArray(zero), [0, 0, 0]);
  const source = tensor([4]);
  const copy = realize(add(source, 0));
  f(copy);
  assert.deepEqual(await toArray(source), [4]);
});

testOnDevices("several outputs in the memory of their inputs, each made from both", async () => {
  const f = jit((x: Tensor, y: Tensor) => [mul(y, 2), add(x, 1), add(mul(x, 10), y)], { donate: [0, 1] });
  const [x, y] = realize([mul(tensor([1, 2]), 1.5), mul(tensor([3, 4]), 1.5)]);
  assert.deepEqual(await Promise.all(f(x, y).map(toArray)), [[9, 12], [2.5, 4], [19.5, 36]]);
});

interface State {
  readonly params: { readonly w1: Tensor; readonly w2: Tensor };
  readonly velocity: { readonly w1: Tensor; readonly w2: Tensor };
  readonly step: Tensor;
}

const loss = ({ w1, w2 }: State["params"], x: Tensor, y: Tensor): Tensor => {
  const error = sub(matmul(relu(matmul(x, w1)), w2), y);
  return mean(mul(error, error));
};

function trainingStep({ params, velocity, step }: State, x: Tensor, y: Tensor, rate: Scalar): [Tensor, State] {
  const [value, grads] = valueAndGrad(loss)(params, x, y);
  // Momentum with weight decay: each output is made from several of the donated inputs.
  const faster = treeMap((v, g, p) => add(mul(v, 0.9), add(g, mul(p, 1e-3))), velocity, grads, params);
  const moved = treeMap((p, v) => sub(p, mul(v, rate)), params, faster);
  return [value, { params: moved, velocity: faster, step: add(step, 1) }];
}

function firstState(): State {
  const params = { w1: tensor(noise(1, 8 * 16, 0.5), { shape: [8, 16] }), w2: tensor(noise(2, 16 * 3, 0.5), { shape: [16, 3] }) };
  return { params, velocity: treeMap((p) => mul(p, 0), params), step: tensor(0, { dtype: "i32" }) };
}

const [x, y] = [tensor(noise(3, 32 * 8), { shape: [32, 8] }), tensor(noise(4, 32 * 3), { shape: [32, 3] })];

testOnDevices("fifty donated steps of training equal the undonated and the eager ones", async () => {
  const run = async (step: typeof trainingStep, rate: (i: number) => number) => {
    let state = firstState();
    const losses: number[] = [];
    for (let i = 0; i < 50; i++) {
      const [value, next] = step(state, x, y, rate(i));
      state = next;
      losses.push(await item(value));
    }
    return { losses, w1: await data(state.params.w1), step: await item(state.step) };
  };
  const rate = (i: number) => 0.5 / (1 + 0.1 * i);
  const donated = await run(jit(trainingStep, { donate: [0] }), rate);
  const undonated = await run(jit(trainingStep), rate);
  assertClose(donated.losses, undonated.losses, exact, "losses with and without donation");
  assertClose(donated.w1, undonated.w1, exact, "weights with and without donation");
  assert.equal(donated.step, 50);
  assert.ok(donated.losses[49] < 0.7 * donated.losses[0], `${donated.losses}`);
  const eager = await run(trainingStep, rate);
  assertClose(eager.losses, donated.losses, { relative: 1e-3, absolute: 1e-5 }, "eager losses");
});

testOnDevices("after its first steps an eager loop compiles nothing, also with another rate at each step", async () => {
  let state = firstState();
  const step = async (i: number) => {
    const [value, next] = trainingStep(state, x, y, 0.05 / (1.1 + i));
    state = realize(next);
    await item(value);
  };
  await step(0);
  await step(1);
  assert.equal(
    await compiles(async () => {
      for (let i = 2; i < 6; i++) await step(i);
    }),
    0,
  );
});

testOnDevices("results are computed once, also if they are equal to inputs", async () => {
  const x = tensor([1, 2]);
  assert.deepEqual(await toArray(add(x, 0)), [1, 2]);
  assert.deepEqual(await toArray(mul(reshape(reshape(x, [2, 1]), [2]), 1)), [1, 2]);
  assert.equal(await item(tensor(0.3)), Math.fround(0.3));
  assert.equal(await item(argmax(tensor(4))), 0);
  assert.equal(await item(cast(eq(x, x), "f32").shape.length === 1 ? sum(cast(eq(x, x), "i32")) : x), 2);
  const y = exp(x);
  await data(y);
  assert.equal(await compiles(() => data(y)), 0);
});

testOnDevices("a synchronous loop of donated steps takes no more device memory", () => {
  const step = jit((state: { x: Tensor; m: Tensor; bias: Tensor }, rate: Scalar) => {
    const m = add(mul(0.5, state.m), state.x);
    const bias = sub(state.bias, rate);
    return [mean(m), { x: sub(state.x, mul(rate, m)), m, bias }] as const;
  }, { donate: [0] });
  let state = { x: zeros([100]), m: zeros([100]), bias: zeros([1]) };
  for (let i = 0; i < 3; i++) state = step(state, 0.1)[1];
  const before = deviceInfo().bytesInUse;
  for (let i = 0; i < 100; i++) state = step(state, 0.1)[1];
  assert.equal(deviceInfo().bytesInUse, before);
}, ["wasm"]);

testOnDevices("sums and products of numbers round as without jit, where these numbers are inputs and no literals", async () => {
  const x = tensor(noise(1, 4096, 3));
  const cube = (x: Tensor) => mul(x, mul(x, x));
  const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    "a b x": (x) => mul(0.797, mul(0.044715, x)),
    "a + b + x": (x) => add(0.797, add(0.044715, x)),
    "a - (x - b)": (x) => sub(0.797, sub(x, 0.044715)),
    "a x^3": (x) => mul(0.044715, cube(x)),
    "a (x + b x^3)": (x) => mul(0.797, add(x, mul(0.044715, cube(x)))),
    "a (x + b pow(x, 3))": (x) => mul(0.797, add(x, mul(0.044715, pow(x, 3)))),
  };
  for (const [name, f] of Object.entries(functions)) assert.deepEqual(await data(jit(f)(x)), await data(f(x)), name);
});

testOnDevices("arguments that are pending are computed while the function is traced, which may use them otherwise", async () => {
  const size = 300_000;
  const argument = () => exp(tensor(noise(1, size)));
  const want = await data(add(argument(), 1));
  const x = argument();
  const step = jit((y: Tensor) => {
    // The same tensor as a captured one, and another one computed in between.
    realize(x);
    return add(y, mul(realize(tensor([1])), 1));
  });
  assertClose(await data(step(x)), want, exact, "the sum");
  assertClose(await data(x), await data(argument()), exact, "the argument");
  const z = argument();
  const failing = jit((): Tensor => {
    throw new RangeError("by the function");
  });
  assert.throws(() => (failing as (z: Tensor) => Tensor)(z), /by the function/);
  assertClose(await data(z), await data(argument()), exact, "after a failure");
});

testOnDevices("equal constants that a step overwrites have memory of their own from the start", () => {
  const device = currentDevice();
  const { copy } = device;
  let copies = 0;
  device.copy = (buffer) => {
    copies++;
    return copy.call(device, buffer);
  };
  try {
    const step = jit((s: { readonly a: Tensor; readonly b: Tensor }) => treeMap((x) => add(x, 1), s), { donate: [0] });
    const momenta = () => ({ a: zeros([50_000]), b: zeros([50_000]) });
    for (let i = 0; i < 2; i++) step(step(momenta()));
    assert.equal(copies, 0);
  } finally {
    device.copy = copy;
  }
});
