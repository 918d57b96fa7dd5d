/**
 * COTANGENT_DEBUG=nan: of every operation the first NaN or infinity is caught, by its name, wherever the operation is applied and for
 * whatever reason; numbers that stay finite raise no alarm.
 */
import assert from "node:assert/strict";
import {
  add,
  binaryCrossEntropyWithLogits,
  checkpoint,
  cosineSimilarity,
  crossEntropy,
  cumsum,
  customVjp,
  data,
  div,
  elu,
  exp,
  full,
  ge,
  gelu,
  grad,
  hypot,
  jit,
  jvp,
  layerNorm,
  layers,
  log,
  logSoftmax,
  logSumExp,
  max,
  maxPool2d,
  mish,
  mul,
  NonFiniteError,
  norm,
  onesLike,
  pow,
  random,
  reshape,
  scaledDotProductAttention,
  scan,
  selu,
  setDevice,
  show,
  silu,
  softmax,
  softplus,
  sort,
  sqrt,
  std,
  sub,
  sum,
  type Tensor,
  tensor,
  toArray,
  vmap,
  where,
  zeros,
} from "../../../mod.ts";
import { checkNumbers, parts } from "../../../core/execution/nan_checks.ts";
import { apply } from "../../../core/ops/define.ts";
import { allOps } from "../../../core/ops/mod.ts";
import type { Op } from "../../../core/tensor.ts";
import { isFloat, tangentType } from "../../../core/dtype.ts";
import { casesOf, type OpCase, sampleInput } from "../../support/op_cases.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { withFacts } from "../../support/with_facts.ts";

/** With the checks on, what a function throws. */
function caught(run: () => unknown): unknown {
  checkNumbers(true);
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    checkNumbers(false);
  }
}

function assertCaught(run: () => unknown, facts: Record<string, unknown>, what = "nothing was caught"): void {
  const error = caught(run);
  assert.ok(error !== undefined, what);
  withFacts(NonFiniteError, facts)(error);
}

/** Finite numbers where functions end. */
const extremes = [0, 1, -1, 2, 100, -100, 3e38, -3e38, 1e-45];

/** Up to as many ways to fill arguments are tried. */
const mostFills = 90;

/** Arguments of a case: floats filled with extremes in all combinations, the others as they are sampled. */
function* fills({ inputs }: OpCase): Generator<Tensor[]> {
  const floats = inputs.filter(({ dtype }) => dtype === "float").length;
  const count = Math.min(mostFills, extremes.length ** floats);
  for (let n = 0; n < count; n++) {
    let rest = n;
    yield inputs.map((input, i) => {
      const sampled = sampleInput(input, i + 1, "f32");
      if (input.dtype !== "float") return sampled;
      const value = extremes[rest % extremes.length];
      rest = Math.floor(rest / extremes.length);
      return tensor(new Float32Array(sampled.size).fill(value), { shape: sampled.shape });
    });
  }
}

/** Cases of a record whose result is a float, for storage or not, and made of floats. */
function floatCases(op: Op): OpCase[] {
  return casesOf(op).filter(({ inputs, attrs }) => {
    const tensors = inputs.map((input, i) => sampleInput(input, i + 1, "f32"));
    return inputs.some(({ dtype }) => dtype === "float") && tensors.every(({ size }) => size > 0) &&
      tangentType(apply(op, tensors, attrs).dtype) !== undefined;
  });
}

/** The first of these for each type of result. */
function firstCases(op: Op): OpCase[] {
  const dtype = ({ inputs, attrs }: OpCase) => apply(op, inputs.map((input, i) => sampleInput(input, i + 1, "f32")), attrs).dtype;
  return [...Map.groupBy(floatCases(op), dtype).values()].map(([first]) => first);
}

Deno.test("what any operation makes of finite numbers is caught by its name if, and only if, it is not finite", async () => {
  await setDevice("wasm");
  const found = new Map<string, Set<string>>();
  for (const op of allOps) {
    for (const one of firstCases(op)) {
      const compiled = jit((...xs: Tensor[]) => apply(op, xs, one.attrs));
      // Traced when it is called first, with the checks.
      const checked = jit((...xs: Tensor[]) => apply(op, xs, one.attrs));
      for (const xs of fills(one)) {
        const values = await data(compiled(...xs));
        const bad = values.some(Number.isNaN) ? "A NaN" : values.every(Number.isFinite) ? undefined : "An infinity";
        const what = `${op.name}, ${one.note}, of ${xs.map(show)}`;
        for (const run of [() => apply(op, xs, one.attrs), () => checked(...xs)]) {
          const error = caught(run);
          assert.equal(error === undefined, bad === undefined, `${what}: ${error}`);
          if (bad === undefined) continue;
          withFacts(NonFiniteError, { op: op.name })(error);
          assert.ok((error as Error).message.startsWith(bad), `${what}: ${error}`);
          found.set(op.name, (found.get(op.name) ?? new Set()).add(bad));
        }
      }
    }
  }
  assert.ok(found.size >= 30, `only ${[...found.keys()]}`);
  for (const name of ["cast", "div", "exp", "log", "matmul", "mul", "pow", "sqrt", "sum"]) assert.ok(found.has(name), name);
});

Deno.test("no operation raises an alarm where it is at home, nor its derivative", async () => {
  await setDevice("wasm");
  for (const op of allOps) {
    for (const { inputs, attrs, note } of floatCases(op)) {
      const xs = inputs.map((input, i) => sampleInput(input, i + 1, "f32"));
      const floats = xs.flatMap(({ dtype }, i) => isFloat(dtype) ? [i] : []);
      const f = (...given: Tensor[]) =>
        sum(apply(op, xs.map((x, i) => floats.includes(i) ? given[floats.indexOf(i)] : x), attrs));
      const error = caught(() => jit(grad((given: Tensor[]) => f(...given)))(floats.map((i) => xs[i])));
      assert.equal(error, undefined, `${op.name} ${note}: ${error}`);
    }
  }
});

Deno.test("nor do functions of several operations, nor their derivatives, at zero, with ties or with large arguments", async () => {
  await setDevice("wasm");
  const mixed = tensor(Float32Array.from({ length: 24 }, (_, i) => (i * 7 % 24 - 11) / 8), { shape: [4, 6] });
  const large = mul(mixed, 300);
  const zero = zeros([4, 6]);
  const labels = tensor([0, 1, 2, 5], { dtype: "i32" });
  const heads = (x: Tensor) => reshape(x, [1, 1, 4, 6]);
  const anywhere: Record<string, (x: Tensor) => Tensor> = {
    softmax: (x) => softmax(x),
    logSoftmax: (x) => logSoftmax(x),
    logSumExp: (x) => logSumExp(x),
    gelu,
    silu,
    mish,
    softplus,
    elu: (x) => elu(x),
    selu,
    std: (x) => std(x),
    norm: (x) => norm(x),
    max: (x) => max(x),
    sort: (x) => sort(x),
    hypot: (x) => hypot(x, x),
    cumsum: (x) => cumsum(x),
    crossEntropy: (x) => crossEntropy(x, labels),
    binaryCrossEntropyWithLogits: (x) => binaryCrossEntropyWithLogits(x, onesLike(x)),
    cosineSimilarity: (x) => cosineSimilarity(x, mixed),
    layerNorm: (x) => layerNorm(x),
    maxPool2d: (x) => maxPool2d(heads(x), { kernel: 3, padding: 1 }),
    attention: (x) => scaledDotProductAttention(heads(x), heads(x), heads(x), { causal: true }),
    powers: (x) => pow(x, 3),
    "powers of tensors": (x) => pow(x, full([4, 6], 2)),
    masked: (x) => softmax(where(ge(x, 0), x, -Infinity)),
  };
  for (const [name, f] of Object.entries(anywhere)) {
    const gradient = jit(grad((x: Tensor) => sum(f(x))));
    for (const x of [zero, mixed, large]) {
      const error = caught(() => gradient(x));
      assert.equal(error, undefined, `${name} of ${show(x)}: ${error}`);
    }
  }
});

/** The place in this file where a function applies its operation. */
function here(): RegExp {
  return /nan_checks_test.ts:\d+:\d+$/;
}

/** Sums of functions of x that have a pole at 0, in their value or in their derivative; made anew, as each use is traced. */
const logarithms = (x: Tensor) => sum(log(x));
const roots = (x: Tensor) => sum(sqrt(x));
const loop = (f: (x: Tensor) => Tensor) => (xs: Tensor) =>
  scan((total: Tensor, x: Tensor) => [add(total, f(x)), null], tensor(0), xs)[0];
const pole = tensor([1, 0, 2]);
const poles = tensor([[1, 2, 3], [1, 0, 2]]);

testOnDevices("under all transforms the operation of the user's line is caught", () => {
  const value: Record<string, () => unknown> = {
    plain: () => logarithms(pole),
    jit: () => jit(logarithms)(pole),
    "jit of jit": () => jit((x: Tensor) => jit(logarithms)(x))(pole),
    grad: () => grad(logarithms)(pole),
    "jit of grad": () => jit(grad(logarithms))(pole),
    vmap: () => vmap(logarithms)(poles),
    "jit of vmap": () => jit(vmap(logarithms))(poles),
    scan: () => loop(logarithms)(poles),
    "jit of scan": () => jit(loop(logarithms))(poles),
    "vmap of scan": () => vmap(loop((x) => log(x)))(poles),
    "jit of grad of scan": () => jit(grad(loop(logarithms)))(poles),
    checkpoint: () => checkpoint(logarithms)(pole),
    "jit of grad of checkpoint": () => jit(grad(checkpoint(logarithms)))(pole),
    customVjp: () => customVjp((x: Tensor) => [logarithms(x), null], (_, g) => [onesLike(g)])(pole),
  };
  for (const [how, run] of Object.entries(value)) assertCaught(run, { op: "log", derivative: undefined }, how);
  const derivative: Record<string, () => unknown> = {
    grad: () => grad(roots)(pole),
    "jit of grad": () => jit(grad(roots))(pole),
    "grad of vmap": () => grad((x: Tensor) => sum(vmap(roots)(x)))(poles),
    "jit of vmap of grad": () => jit(vmap(grad(roots)))(poles),
    "grad of scan": () => grad(loop(roots))(poles),
    "jit of vmap of grad of scan": () => jit(vmap(grad(loop((x) => sqrt(x)))))(poles),
    "jit of grad of checkpoint": () => jit(grad(checkpoint(roots)))(pole),
    jvp: () => jvp(roots, [pole], [onesLike(pole)]),
    "jvp of scan": () => jvp(loop(roots), [poles], [onesLike(poles)]),
  };
  for (const [how, run] of Object.entries(derivative)) {
    const error = caught(run) as NonFiniteError;
    assert.ok(error instanceof NonFiniteError, `${how}: ${error}`);
    assert.equal(error.facts.derivative, "sqrt", how);
    assert.match(`${error.facts.location}`, here(), how);
  }
});

Deno.test("the line of the error is the user's, of derivatives that of the function", async () => {
  await setDevice("wasm");
  const lineOf = (run: () => unknown) => Number(/:(\d+):\d+$/.exec(`${(caught(run) as NonFiniteError).facts.location}`)?.[1]);
  const [first] = (new Error().stack ?? "").split("\n").flatMap((line) => /nan_checks_test.ts:(\d+):/.exec(line)?.[1] ?? []);
  const f = (x: Tensor) => {
    const y = sub(x, 1);
    return sum(
      mul(sqrt(y), 2),
    );
  };
  const at = Number(first) + 4;
  for (
    const run of [() => grad(f)(tensor([1])), () => jit(grad(f))(tensor([1])), () => f(tensor([0])), () => jit(f)(tensor([0]))]
  ) {
    assert.equal(lineOf(run), at);
  }
});

Deno.test("lines of all parts of the package are the library's", () => {
  const root = new URL("../../../", import.meta.url);
  const { publish } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const isPart = ({ name, isDirectory }: Deno.DirEntry) =>
    isDirectory && !publish.exclude.includes(name) &&
    [...Deno.readDirSync(new URL(`${name}/`, root))].some(({ name }) => /\.ts$/.test(name));
  const folders = [...Deno.readDirSync(root)].filter(isPart).map(({ name }) => `${name}/`);
  assert.deepEqual([...parts].sort(), [...folders, "mod.ts"].sort());
});

Deno.test("layers are named by their path, in values and gradients", async () => {
  await setDevice("wasm");
  const model = layers.serial({
    fc: layers.linear({ features: 2 }),
    body: layers.serial({ shift: (x: Tensor) => mul(x, 0), act: (x: Tensor) => sqrt(x) }),
  });
  const { params, state } = model.init(random.key(0), [3]);
  const x = tensor([[1, 2, 3]]);
  const loss = (p: typeof params) => sum(model.apply(p, state, x, layers.evalMode)[0]);
  assert.equal(caught(() => loss(params)), undefined);
  for (const run of [() => grad(loss)(params), () => jit(grad(loss))(params)]) {
    assertCaught(run, { layer: "body.act", derivative: "sqrt" });
  }
});

testOnDevices("infinities that were given, and those of others, are nobody's", async () => {
  const given = tensor([Infinity, NaN, 1]);
  assert.equal(caught(() => jit((x: Tensor) => exp(add(x, 1)))(given)), undefined);
  assertCaught(() => sub(tensor([Infinity]), tensor([Infinity])), { op: "sub" });
  assert.equal(caught(() => where(tensor([true, false]), tensor([1, 2]), -Infinity)), undefined);
  // Nor are those in derivatives that nobody asked for: here that by the exponent.
  for (const gradient of [grad((x: Tensor) => sum(pow(x, 3))), jit(grad((x: Tensor) => sum(pow(x, tensor([3, 3])))))]) {
    assert.equal(caught(() => gradient(tensor([-1, 0]))), undefined);
  }
  // The first one of several is told.
  assertCaught(() => jit((x: Tensor) => exp(div(1, log(x))))(tensor([1])), { op: "div" });
  assert.deepEqual(await toArray(log(tensor([0]))), [-Infinity], "without the checks nothing stops");
});

testOnDevices("an error of a check changes nothing", async () => {
  const step = jit((x: Tensor) => log(x), { donate: [0] });
  const x = mul(tensor([0, 0.5]), 2);
  assertCaught(() => step(x), { op: "log" });
  assert.deepEqual(await toArray(x), [0, 1]);
});

Deno.test("COTANGENT_DEBUG=nan stops a program at its line", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const program = `import { grad, jit, log, sub, sum, tensor, setDevice } from "${new URL("../../../mod.ts", import.meta.url)}";
await setDevice("wasm");
const loss = (x) =>
  sum(log(sub(x, 3)));
jit(grad(loss))(tensor([4, 3]));
console.log("not reached");`;
    await Deno.writeTextFile(`${folder}/train.js`, program);
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-env", "train.js"],
      cwd: folder,
      env: { COTANGENT_DEBUG: "nan", NO_COLOR: "1", XDG_RUNTIME_DIR: "/tmp" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /NonFiniteError: An infinity came out of log \(f32\[2\]\), whose inputs had none: file:.*\/train.js:4:7\n/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
