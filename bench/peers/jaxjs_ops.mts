/**
 * jax-js's times for the rows of bench:ops.
 *
 * Run: deno run -A --no-config --no-lock jaxjs_ops.mts --rows matmul:512,conv:32:64:8:64:3 --device wasm --seconds 1
 *
 * It is loaded by a specifier that is no literal, so that this project's lock and type check do not depend on it. Prints one JSON object
 * per row. A row is called at least twice after the first time, however long it takes.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";

const specifier = "npm:@jax-js/jax@0.1.25";
const { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy: np, random, vjp } = await import(specifier);

/** What is used of its arrays; operations consume them unless `ref` is taken. */
interface Value {
  readonly ref: Value;
  mul(x: Value | number): Value;
  dispose(): void;
}

/** Shapes of inputs, which are normal numbers, and what is computed of them. */
interface Operation {
  readonly inputs: readonly (readonly number[])[];
  readonly compute: (...inputs: Value[]) => Value;
}

type Maker = (...numbers: number[]) => Operation;

function convolution(part: "forward" | "images" | "filters"): Maker {
  return (n, c, size, o, kernel, stride = 1, groups = 1) => {
    const pad = kernel >> 1;
    const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
    const [x, w, g] = [[n, c, size, size], [o, c / groups, kernel, kernel], [n, o, out, out]];
    const conv = (x: Value, w: Value): Value =>
      lax.convGeneralDilated(x, w, [stride, stride], [[pad, pad], [pad, pad]], { featureGroupCount: groups });
    if (part === "forward") return { inputs: [x, w], compute: conv };
    const of = part === "images" ? 0 : 1;
    const gradient = (x: Value, w: Value, g: Value): Value => {
      const [value, transposed] = vjp(conv, [x, w]);
      value.dispose();
      const both: Value[] = transposed(g);
      both[1 - of].dispose();
      return both[of];
    };
    return { inputs: [x, w, g], compute: gradient };
  };
}

const makers: Readonly<Record<string, Maker>> = {
  matmul: (n) => ({ inputs: [[n, n], [n, n]], compute: np.matmul }),
  batched: (b, n) => ({ inputs: [[b, n, n], [b, n, n]], compute: np.matmul }),
  matvec: (n) => ({ inputs: [[n, n], [n]], compute: np.matmul }),
  softmax: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => nn.softmax(x, -1) }),
  layerNorm: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => nn.standardize(x, -1) }),
  transpose: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => np.transpose(x).mul(1) }),
  sum: (n) => ({ inputs: [[n]], compute: (x) => np.sum(x) }),
  cumsum: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => np.cumsum(x, 1) }),
  take: (rows, n) => {
    const chosen = np.array(Int32Array.from({ length: 4096 }, () => Math.floor(Math.random() * rows)), { dtype: np.int32 });
    return { inputs: [[rows, n]], compute: (x) => np.take(x, chosen.ref, 0) };
  },
  sort: (n) => ({ inputs: [[n]], compute: (x) => np.sort(x) }),
  chain: (n) => ({ inputs: [[n]], compute: (x) => np.exp(x.ref.mul(0.5)).mul(np.tanh(np.sin(np.cos(x)))) }),
  conv: convolution("forward"),
  convImages: convolution("images"),
  convFilters: convolution("filters"),
};

const { values: { rows, device, seconds } } = parseArgs({
  options: {
    rows: { type: "string", default: "matmul:512" },
    device: { type: "string", default: "wasm" },
    seconds: { type: "string", default: "1" },
    threads: { type: "string" }, // of no use: it decides itself
  },
});
await init(device);
defaultDevice(device);

const round = (x: number) => Number(x.toPrecision(4));
for (const row of rows.split(",")) {
  const [kind, ...numbers] = row.split(":");
  const { inputs: shapes, compute } = makers[kind](...numbers.map(Number));
  const inputs: Value[] = shapes.map((shape, i) => random.normal(random.key(i), shape));
  await blockUntilReady(inputs);
  const run = jit(compute);
  const call = async () => {
    const start = performance.now();
    const value: Value = run(...inputs.map((x) => x.ref));
    await blockUntilReady(value);
    value.dispose();
    return performance.now() - start;
  };
  const firstMs = await call();
  const times: number[] = [];
  for (let left = Number(seconds) * 1e3; left > 0 || times.length < 2; left -= times.at(-1)!) times.push(await call());
  times.sort((a, b) => a - b);
  const [msMedian, msMin] = [times[times.length >> 1], times[0]].map(round);
  const peakMB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ engine: "jax-js", device, row, msMedian, msMin, firstMs: round(firstMs), peakMB }));
}
// Its workers would keep the process alive.
Deno.exit(0);
