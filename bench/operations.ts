/**
 * The operations of `bench:ops`, by themselves: the same as `peers/torch_ops.py` has.
 *
 * @module
 */
import {
  add,
  conv2d,
  cos,
  cumsum,
  data,
  exp,
  eye,
  interpolate,
  jit,
  layerNorm,
  linalg,
  matmul,
  maxPool2d,
  mul,
  neg,
  random,
  realize,
  reshape,
  type Shape,
  sin,
  slice,
  softmax,
  sort,
  sum,
  take,
  tanh,
  type Tensor,
  transpose,
  vjp,
} from "../mod.ts";
import { InvalidArgumentError } from "../dev_deps.ts";

/** What is computed of inputs of some shapes, which are normal numbers. */
interface Operation {
  readonly inputs: readonly Shape[];
  readonly compute: (...inputs: Tensor[]) => Tensor;
  /** Floats that it reads and writes at least, where moving them is what takes the time. */
  readonly moved?: number;
}

type Maker = (...numbers: number[]) => Operation;

const wholeRows = 4096;

/** A convolution, and its gradients by the images and by the filters, with half the window as padding. */
function convolution(part: "forward" | "images" | "filters"): Maker {
  return (n, c, size, o, kernel, stride = 1, groups = 1) => {
    const options = { stride, padding: kernel >> 1, groups };
    const out = Math.floor((size + 2 * (kernel >> 1) - kernel) / stride) + 1;
    const shapes = { x: [n, c, size, size], w: [o, c / groups, kernel, kernel], g: [n, o, out, out] };
    const { x, w, g } = shapes;
    if (part === "forward") return { inputs: [x, w], compute: (x, w) => conv2d(x, w, options) };
    if (part === "filters") {
      return { inputs: [x, w, g], compute: (x, w, g) => vjp((w: Tensor) => conv2d(x, w, options), w)[1](g)[0] };
    }
    return { inputs: [x, w, g], compute: (x, w, g) => vjp((x: Tensor) => conv2d(x, w, options), x)[1](g)[0] };
  };
}

/** A pool of maxima, and its gradient, with half the window as padding. */
function pool(gradient: boolean): Maker {
  return (n, c, size, kernel, stride = kernel) => {
    const of = (x: Tensor) => maxPool2d(x, { kernel, stride, padding: kernel >> 1 });
    const out = Math.floor((size + 2 * (kernel >> 1) - kernel) / stride) + 1;
    const x: Shape = [n, c, size, size];
    if (!gradient) return { inputs: [x], compute: of };
    return { inputs: [x, [n, c, out, out]], compute: (x, g) => vjp(of, x)[1](g)[0] };
  };
}

/** What is computed of one symmetric, positive definite matrix. */
function ofDefinite(compute: (a: Tensor) => Tensor): Maker {
  return (n) => {
    const x = random.normal(random.key(9), [n, n]);
    const a = realize(add(matmul(x, transpose(x)), eye(n)));
    return { inputs: [], compute: () => compute(a) };
  };
}

const makers: Readonly<Record<string, Maker>> = {
  matmul: (n) => ({ inputs: [[n, n], [n, n]], compute: matmul }),
  batched: (b, n) => ({ inputs: [[b, n, n], [b, n, n]], compute: matmul }),
  matvec: (n) => ({ inputs: [[n, n], [n]], compute: matmul }),
  softmax: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => softmax(x), moved: 2 * rows * n }),
  softmaxFirst: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => softmax(x, { axis: 0 }), moved: 2 * rows * n }),
  layerNorm: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => layerNorm(x), moved: 2 * rows * n }),
  transpose: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => transpose(x), moved: 2 * rows * n }),
  sum: (n) => ({ inputs: [[n]], compute: (x) => sum(x), moved: n }),
  cumsum: (rows, n) => ({ inputs: [[rows, n]], compute: (x) => cumsum(x, { axis: 1 }), moved: 2 * rows * n }),
  take: (rows, n) => {
    const chosen = random.randint(random.key(9), [wholeRows], { max: rows });
    realize(chosen);
    return { inputs: [[rows, n]], compute: (x) => take(x, chosen), moved: 2 * wholeRows * n };
  },
  bilinear: (n, c, size) => ({
    inputs: [[n, c, size, size]],
    compute: (x) => interpolate(x, { scaleFactor: 2, mode: "bilinear" }),
    moved: 5 * n * c * size * size,
  }),
  sort: (n) => ({ inputs: [[n]], compute: (x) => sort(x) }),
  chain: (n) => ({ inputs: [[n]], compute: (x) => mul(exp(mul(x, 0.5)), tanh(sin(cos(x)))) }),
  cholesky: ofDefinite(linalg.cholesky),
  eigh: ofDefinite((a) => linalg.eigh(a)[1]),
  solve: (n, columns) => ({ inputs: [[n, n], [n, columns]], compute: linalg.solve }),
  qr: (m, n) => ({ inputs: [[m, n]], compute: (x) => linalg.qr(x)[0] }),
  svd: (m, n) => ({ inputs: [[m, n]], compute: (x) => linalg.svd(x)[0] }),
  conv: convolution("forward"),
  convImages: convolution("images"),
  convFilters: convolution("filters"),
  maxPool: pool(false),
  maxPoolGrad: pool(true),
};

/** Numbers of a convolution: images, channels, width, features, window, stride, groups; of a pool: images, channels, width, window, stride. */
export const defaultOperations: readonly string[] = [
  "matmul:512",
  "matmul:2048",
  "batched:64:128",
  "matvec:4096",
  "softmax:2048:2048",
  "layerNorm:4096:512",
  "transpose:2048:2048",
  "sum:10000000",
  "cumsum:1000:1000",
  "take:32000:256",
  "sort:1000000",
  "chain:10000000",
  "cholesky:256",
  "eigh:256",
  "solve:256:8",
  "qr:512:128",
  "svd:256:128",
  "maxPool:32:64:16:3:2",
  "maxPoolGrad:32:64:16:3:2",
  ...[
    "32:64:8:64:3",
    "32:128:4:128:3",
    "32:256:2:256:3",
    "32:512:1:512:3",
    "1:64:56:64:3",
    "1:256:14:256:3",
    "32:64:8:128:3:2",
    "32:64:8:128:1:2",
    "32:3:32:64:7:2",
    "32:128:16:128:1",
    "32:128:16:128:3:1:128",
    "256:64:8:64:3",
  ].flatMap((numbers) => [`conv:${numbers}`, `convImages:${numbers}`, `convFilters:${numbers}`]),
];

/** Reads operations, separated by commas. */
export function operationsOf(text: string): string[] {
  const names = text.split(",");
  names.forEach(operationOf);
  return names;
}

function operationOf(name: string): Operation {
  const [kind, ...numbers] = name.split(":");
  const make = makers[kind];
  if (!make || numbers.length === 0 || !numbers.every((each) => Number.isInteger(Number(each)) && Number(each) > 0)) {
    throw new InvalidArgumentError(`"${name}" is no operation of ${Object.keys(makers).join(", ")} with its extents.`);
  }
  return make(...numbers.map(Number));
}

/** A function that computes an operation once, and waits for it. */
export function callOf(name: string): () => Promise<void> {
  return callsOf(operationOf(name));
}

/** A function that only moves as many floats as an operation must, half of them read and half written; for those that wait for memory. */
export function moveOf(name: string): (() => Promise<void>) | undefined {
  const { moved } = operationOf(name);
  return moved === undefined ? undefined : callsOf({ inputs: [[moved >> 1]], compute: (x) => neg(x) });
}

function callsOf({ inputs: shapes, compute }: Operation): () => Promise<void> {
  const inputs = realize(shapes.map((shape, i) => random.normal(random.foldIn(random.key(0), i), shape)));
  const run = jit(compute);
  const corner = jit((z: Tensor) => slice(reshape(z, [-1]), { stop: 1 }));
  return async () => {
    using result = run(...inputs);
    // The work has only been submitted to a GPU: this waits for it.
    using first = corner(result);
    await data(first);
  };
}
