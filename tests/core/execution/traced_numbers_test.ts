/** `jit(f)` equals `f` for numbers: as literals of any type, as indices, in trees, under other transforms; what they cannot be is told. */
import assert from "node:assert/strict";
import {
  add,
  at,
  bitwiseAnd,
  cast,
  checkpoint,
  compileCount,
  customVjp,
  debug,
  type DType,
  dynamicSlice,
  dynamicUpdateSlice,
  eq,
  full,
  fullLike,
  grad,
  gt,
  item,
  jit,
  jvp,
  maximum,
  mul,
  optimizers,
  pow,
  random,
  rem,
  type Scalar,
  scan,
  setAt,
  shiftLeft,
  smoothL1Loss,
  square,
  stack,
  sum,
  take,
  type Tensor,
  tensor,
  type TensorLike,
  toArray,
  TraceError,
  treeMap,
  valueAndGrad,
  vmap,
  where,
  zeros,
} from "../../../mod.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { exactly, outcomeOf, roughly } from "../../support/outcome.ts";
import { isLong } from "../../support/share.ts";
import { withFacts } from "../../support/with_facts.ts";

/** Functions that the tests call with anything. */
// deno-lint-ignore no-explicit-any
type Anything = (...args: any[]) => any;

/** Asserts that a jitted function does what the function does, errors included. */
async function assertSame(f: Anything, args: readonly unknown[], what: string, write = exactly): Promise<void> {
  const plain = await outcomeOf(() => f(...args), write);
  assert.equal(await outcomeOf(() => jit(f)(...args), write), plain, what);
}

/** How many programs `body` compiles. */
async function compiles(body: () => unknown): Promise<number> {
  const before = compileCount();
  await body();
  return compileCount() - before;
}

const dtypes: readonly DType[] = ["bool", "u8", "i32", "u32", "f16", "bf16", "f32", "f64"];
const awkward = [
  0,
  -0,
  1,
  -1,
  2,
  0.5,
  0.1,
  -2.5,
  255,
  256,
  16777217,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32 - 1,
  2 ** 53,
  1e300,
  NaN,
  Infinity,
  -Infinity,
];

testOnDevices("a number is the literal that it is without jit, in the type of what it meets", async (_, device) => {
  const functions: Readonly<Record<string, Anything>> = {
    add,
    "add from the left": (x: Tensor, n: Scalar) => add(n, x),
    mul,
    maximum,
    eq,
    gt,
    rem,
    bitwiseAnd,
    shiftLeft,
    where: (x: Tensor, n: Scalar) => where(gt(x, 1), x, n),
    setAt: (x: Tensor, n: Scalar) => setAt(x, 0, n),
    full: (x: Tensor, n: Scalar) => full([2], n, { dtype: x.dtype }),
    fullLike,
    cast: (x: Tensor, n: Scalar) => cast(n, x.dtype),
    tensor: (x: Tensor, n: Scalar) => tensor(n, { dtype: x.dtype }),
    "tensor of a list": (x: Tensor, n: Scalar) => tensor([[1, n], [n, 0]], { dtype: x.dtype }),
    "tensor of a list, typed by its numbers": (_: Tensor, n: Scalar) => tensor([n, 0.5], { shape: [2, 1] }),
  };
  // Each number of a function and type is a program: on webgpu fewer. Signs of zero and what drivers make of infinite literals are other
  // tests' matter.
  const onWebgpu = device === "webgpu";
  const isFinite = (n: number) => !Object.is(n, -0) && Number.isFinite(Math.fround(n));
  for (const dtype of onWebgpu ? (["u8", "i32", "f32"] as const) : dtypes) {
    const x = tensor(dtype === "bool" ? [0, 1] : [1, 3], { dtype });
    for (const [i, [name, f]] of Object.entries(functions).entries()) {
      // One function for all numbers: what is asked about one must not hold for another.
      const jitted = jit(f);
      for (const n of onWebgpu ? awkward.filter((n, k) => isFinite(n) && (isLong || (i + k) % 6 === 0)) : awkward) {
        const plain = await outcomeOf(() => f(x, n));
        assert.equal(await outcomeOf(() => jitted(x, n)), plain, `${name} of ${dtype} and ${n}`);
      }
    }
  }
});

testOnDevices("a power of a traced number is the power of the number", async () => {
  const power = jit((x: Tensor, n: Scalar) => pow(x, n));
  const slope = jit(grad((x: Tensor, n: Scalar) => sum(pow(x, n))));
  const x = tensor([0.5, 2, 11, 3.25]);
  for (const n of [-2, -1, 0, 0.5, 1, 2, 3, 4]) {
    assert.deepEqual(await toArray(power(x, n)), await toArray(pow(x, n)), `${n}`);
    assert.equal(
      await outcomeOf(() => slope(x, n), roughly),
      await outcomeOf(() => grad((x: Tensor) => sum(pow(x, n)))(x), roughly),
      `${n}`,
    );
  }
  assert.equal(await compiles(() => [0.7, 1.7, 2.7].map((n) => toArray(power(x, n)))), 1);
});

testOnDevices("a number is an index wherever one is taken, and what is out of range is an error", async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  const functions: Readonly<Record<string, Anything>> = {
    at,
    "at a column": (x: Tensor, n: Scalar) => at(x, [":", n]),
    "at both": (x: Tensor, n: Scalar) => at(x, [n, null, n]),
    "at beside a list": (x: Tensor, n: Scalar) => at(x, [n, [2, 0]]),
    "at with a list between": (x: Tensor, n: Scalar) => at(stack([x, x]), [n, ":", [0, 1]]),
    "at a list": (x: Tensor, n: Scalar) => at(x, [":", [[n, 0], [-1, n]]]),
    setAt: (x: Tensor, n: Scalar) => setAt(x, [":", n], 9),
    take,
    "take of columns": (x: Tensor, n: Scalar) => take(x, n, { axis: 1 }),
    dynamicSlice: (x: Tensor, n: Scalar) => dynamicSlice(x, [n, 0], [1, 2]),
    dynamicUpdateSlice: (x: Tensor, n: Scalar) => dynamicUpdateSlice(x, zeros([1, 1]), [0, n]),
    "a key of a number": (_: Tensor, n: Scalar) => random.foldIn(random.key(0), n),
  };
  for (const [name, f] of Object.entries(functions)) {
    const jitted = jit(f);
    for (const n of [0, 1, -1, 2, -2, 5, -5, 0.5, NaN, 2 ** 31, 2 ** 32 - 1, 2 ** 53]) {
      assert.equal(await outcomeOf(() => jitted(x, n)), await outcomeOf(() => f(x, n)), `${name} ${n}`);
    }
  }
});

testOnDevices("another number compiles nothing, unless the type that it gives is another", async () => {
  const f = jit((x: Tensor, n: Scalar) => add(x, n));
  const i = tensor([1, 2], { dtype: "i32" });
  assert.equal(await compiles(() => toArray(f(i, 1))), 1);
  assert.equal(await compiles(() => [2, -7, 0, -0, 2 ** 31 - 1].map((n) => f(i, n))), 0);
  assert.equal(await compiles(() => [0.5, 0.25, NaN].map((n) => f(i, n))), 1, "integers and a fraction are floats");
  assert.equal(await compiles(() => [3, 0.75].map((n) => f(i, n))), 0, "both are known");
  const row = jit((x: Tensor, n: Scalar) => at(x, n));
  const x = tensor([[1, 2], [3, 4], [5, 6]]);
  row(x, 0);
  assert.equal(await compiles(() => [0, 1, 2, -1, -3].map((n) => row(x, n))), 0);
  const noise = jit((key: Tensor, { rate, step }: { rate: Scalar; step: Scalar }) => {
    return random.normal(random.foldIn(key, step), [2], { std: rate });
  });
  noise(random.key(0), { rate: 0.1, step: 0 });
  assert.equal(await compiles(() => [1, 2, 3].map((step) => noise(random.key(step), { rate: 0.1 / step, step }))), 0);
});

testOnDevices("arguments named in static are numbers inside, and each value has a program of its own", async () => {
  let traces = 0;
  const f = jit((x: Tensor, n: number, { axes, mode, deep }: { axes: number[]; mode: string; deep: { on: boolean } }) => {
    traces++;
    const y = sum(x, { axis: axes });
    return [n === 2 ? add(y, n * 10) : zeros([n]), mode, deep.on, `${n}`, [10, 20, 30][n]] as const;
  }, { static: [1, 2] });
  const options = (axes: number[], mode = "a", on = true) => ({ axes, mode, deep: { on } });
  const x = tensor([[1, 2], [3, 4]]);
  const [y, mode, on, text, chosen] = f(x, 2, options([0]));
  assert.deepEqual([await toArray(y), mode, on, text, chosen], [[24, 26], "a", true, "2", 30]);
  assert.deepEqual(await toArray(f(x, 1, options([0]))[0]), [0]);
  assert.deepEqual(await toArray(f(x, 2, options([1]))[0]), [23, 27]);
  assert.equal(f(x, 2, options([1], "b", false))[1], "b");
  assert.equal(traces, 4);
  assert.equal(await compiles(() => [f(x, 2, options([0])), f(x, 1, options([0])), f(x, 2, options([1], "b", false))]), 0);
  assert.equal(traces, 4, "compared by value, in new records and arrays");
  const reciprocal = jit((x: Tensor, n: number) => mul(x, 1 / n), { static: [1] });
  const one = tensor([1]);
  for (const n of [0, -0, NaN, Infinity]) {
    assert.equal(await outcomeOf(() => reciprocal(one, n)), await outcomeOf(() => mul(one, 1 / n)), exactly(n));
  }
}, ["reference", "wasm"]);

Deno.test("positions of static arguments are whole numbers from 0 on", () => {
  for (const wrong of [[-1], [0.5], ["1"], 1]) assert.throws(() => jit(add, { static: wrong as number[] }), /static/, `${wrong}`);
});

testOnDevices("a traced number that is used as a JavaScript number is an error that names its argument and static", () => {
  const uses: Readonly<Record<string, Anything>> = {
    "n > 0": (x, n) => n > 0 ? x : add(x, 1),
    "n <= 0": (x, n) => n <= 0 ? x : add(x, 1),
    "n == 1": (x, n) => n == 1 ? x : add(x, 1),
    "n + 1": (x, n) => add(x, n + 1),
    "-n": (x, n) => add(x, -n),
    "n % 2": (x, n) => add(x, n % 2),
    "Math.sqrt": (x, n) => add(x, Math.sqrt(n)),
    "in a list": (x, n) => add(x, [10, 20][n]),
    "as a key": (x, n) => add(x, ({ 1: 3 })[n as 1]),
    "as text": (x, n) => [x, `${n}`],
    "joined": (x, n) => [x, [n].join()],
    "JSON": (x, n) => [x, JSON.stringify({ n })],
    "a method": (x, n) => [x, n.toFixed(2)],
    "an extent": (_, n) => zeros([n]),
    "an axis": (x, n) => sum(x, { axis: n }),
    "axes": (x, n) => sum(x, { axis: [n] }),
    "a count": (_, n) => random.split(random.key(0), n),
    "a loop": (x, n) => {
      for (let i = 0; i < n; i++) x = add(x, i);
      return x;
    },
    "an option that must be known": (x, n) => smoothL1Loss(x, x, { beta: n }),
  };
  for (const [what, use] of Object.entries(uses)) {
    const f = jit((x: Tensor, { deep }: { deep: Scalar[] }) => use(x, deep[1]));
    assert.throws(
      () => f(tensor([1]), { deep: [0, 1] }),
      (error) => {
        assert.match((error as Error).message, /argument 1 at "deep.1".*jit\(f, \{ static: \[1\] \}\)/, what);
        return withFacts(TraceError, { transform: "jit", argument: 1, path: "deep.1" })(error);
      },
      what,
    );
  }
}, ["reference"]);

testOnDevices("in trees numbers are no tensors, as without jit, and are returned as numbers", async () => {
  const functions: Readonly<Record<string, Anything>> = {
    "handed through": (x, n) => ({ x, n, list: [n, x] }),
    treeMap: (x, n) => treeMap((y) => mul(y, 2), { x, n }),
    "gradients of what holds one": (x, n) => grad((p: { x: Tensor; n: Scalar }) => sum(mul(p.x, p.n)))({ x, n }),
    "a gradient by one": (x, n) => (grad as Anything)((n: Tensor) => sum(mul(x, n)))(n),
    "several gradients": (x, n) => valueAndGrad((x: Tensor, n: Scalar) => sum(mul(square(x), n)))(x, n),
    vmap: (x, n) => (vmap as Anything)((x: Tensor, n: Scalar) => mul(x, n))(x, n),
    "vmap with axes": (x, n) => (vmap as Anything)((x: Tensor, n: Scalar) => mul(x, n), { inAxis: [0, null] })(x, n),
    jvp: (x, n) => jvp((x: Tensor) => mul(square(x), n), [x], [x]),
    "a carried number": (x, n) => scan((c: Tensor, y: Tensor) => [add(c, y), mul(c, n)] as const, n as unknown as Tensor, x),
    checkpoint: (x, n) => grad(checkpoint((x: Tensor) => sum(mul(square(x), n))))(x),
    customVjp: (x, n) => {
      const f = customVjp((x: Tensor) => [mul(x, n), null] as const, (_, g) => [mul(g, n)]);
      return grad((x: Tensor) => sum(f(x)))(x);
    },
    "jit inside": (x, n) => jit((x: Tensor, n: Scalar) => [mul(x, n), n] as const)(x, n),
    "jit of what is known inside": (x, n) => add(x, jit((y: Tensor, n: Scalar) => mul(y, n))(tensor([1, 2, 3]), n)),
    "an optimizer": (x, n) =>
      optimizers.adamW({ learningRate: n }).update({ x }, optimizers.adamW({ learningRate: n }).init({ x }), { x }),
    "booleans and text": (x, _n) => [x, true, "text", null, undefined],
  };
  const x = tensor([1, 2, 3]);
  for (const [what, f] of Object.entries(functions)) {
    for (const n of [2, 0.1, -1]) await assertSame(f, [x, n], `${what} ${n}`, roughly);
  }
});

testOnDevices("under other transforms a jitted function sees the numbers themselves", async () => {
  const f = jit((x: Tensor, n: Scalar) => mul(square(x), n));
  const x = tensor([1, 2]);
  assert.deepEqual(await toArray(vmap(f, { inAxis: [0, null] })(x, 3)), [3, 12]);
  assert.deepEqual(await toArray(grad((x: Tensor, n: Scalar) => sum(f(x, n)))(x, 3)), [6, 12]);
  assert.deepEqual(await toArray(scan((c: Tensor, y: Tensor) => [add(c, f(y, 3)), null] as const, tensor(0), x)[0]), 15);
});

testOnDevices("what looks at values at run time sees the numbers of the call", async () => {
  const seen: unknown[] = [];
  const f = jit((x: Tensor, n: Scalar) => {
    debug.callback((given) => seen.push(given.n), { n });
    return scan(
      (c: Tensor, y: Tensor) => {
        debug.callback((n, _) => seen.push(n), n, y);
        return [add(c, y), null] as const;
      },
      tensor(0),
      x,
    )[0];
  });
  for (const n of [0.1, 16777217]) await item(f(tensor([1, 2]), n));
  // Where values have to be waited for, effects run when they have come.
  while (seen.length < 6) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(seen, [0.1, 0.1, 0.1, 16777217, 16777217, 16777217]);
});

testOnDevices("an error comes from the first number that f does not accept, and costs no program", async () => {
  const f = jit((x: Tensor, n: Scalar) => add(x, n));
  const x = tensor([1], { dtype: "u8" });
  assert.deepEqual(await toArray(f(x, 7)), [8]);
  assert.throws(() => f(x, 2 ** 40), /Cannot combine a tensor of type u8 with 1099511627776/);
  assert.equal(await compiles(() => f(x, 9)), 0);
}, ["reference", "wasm"]);

testOnDevices("what can change without being another value is no argument", () => {
  const f = jit((x: Tensor, _: unknown) => x);
  for (const [name, value] of Object.entries({ Float32Array: new Float32Array(2), Map: new Map(), Set: new Set() })) {
    assert.throws(() => f(tensor(1), { deep: value }), new RegExp(`a ${name} to a jitted function \\(argument 1 at "deep"\\)`));
  }
  assert.throws(() => f(tensor(1), new ArrayBuffer(8)), /an? ArrayBuffer .*tensor\(values\)/);
}, ["reference"]);

Deno.test("types refuse numbers where JavaScript could calculate with them", () => {
  const x = tensor([1]);
  const named = jit((x: Tensor, n: number) => mul(x, n));
  // @ts-expect-error n is a number inside
  named(x, 1);
  const record = jit((x: Tensor, p: { deep: { rates: readonly number[] } }) => mul(x, p.deep.rates[0]));
  // @ts-expect-error so are these
  record(x, { deep: { rates: [1] } });
  const optional = jit((x: Tensor, n?: number) => n === undefined ? x : mul(x, n));
  optional(x);
  // @ts-expect-error and this one
  optional(x, 1);
  const scalar = jit((x: Tensor, n: Scalar, m: TensorLike, o: { n: Scalar }, k: number | Tensor) =>
    add(mul(x, n), mul(m, add(o.n, k)))
  );
  scalar(x, 1, 2, { n: 3 }, 4);
  const statics = jit((x: Tensor, n: number, o: { axis: number }) => sum(mul(x, n), o), { static: [1, 2] });
  statics(x, 1, { axis: 0 });
  // What is generic, or holds numbers where there may be none, stays as it is.
  const generic = <P extends object>(p: P) => jit((p: P, n: Scalar) => treeMap((x) => mul(x, n), p))(p, 2);
  const same: { x: Tensor } = generic({ x });
  const wrapped = <A extends unknown[], R>(f: (...args: A) => R) => (...args: A): R => jit(f)(...args);
  const product: Tensor = wrapped(mul)(x, 2);
  const total: Tensor = jit(sum)(x);
  const { y }: { y: Tensor } = jit(<T>(x: T) => ({ y: x }))(x);
  assert.ok([same.x, product, total, y].every((each) => each.dtype === "f32"));
  // Inside, types refuse what a number could do.
  jit((x: Tensor, n: Scalar) => {
    const uses = () => [
      // @ts-expect-error it may be compared by operations only
      n > 0,
      // @ts-expect-error and calculated with
      n + 1,
      // @ts-expect-error it is no index of JavaScript
      [1][n],
      // @ts-expect-error nor an extent
      zeros([n]),
    ];
    assert.ok(uses);
    return mul(x, n);
  })(x, 1);
});
