/**
 * Sizes: what cannot be held is refused before anything is allocated for it, whatever function is asked, and reading it is an
 * OutOfMemoryError on every device.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  add,
  arange,
  at,
  broadcastTo,
  chunk,
  concat,
  data,
  datasets,
  diag,
  type DType,
  eye,
  full,
  globalAvgPool2d,
  interpolate,
  item,
  jacobian,
  linspace,
  matmul,
  meshgrid,
  mul,
  oneHot,
  ones,
  OutOfMemoryError,
  pad,
  polygamma,
  random,
  repeat,
  reshape,
  scan,
  setAt,
  ShapeError,
  split,
  sum,
  type Tensor,
  tensor,
  tile,
  tril,
  unstack,
  vmap,
  zeros,
} from "../../../mod.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { withFacts } from "../../support/with_facts.ts";

const key = random.key(0);
const row = ones([1, 3]);
const image = ones([1, 1, 2, 3]);

/** Everything that makes tensors as large as a number says. */
const functions: Readonly<Record<string, (n: number) => unknown>> = {
  zeros: (n) => zeros([n]),
  full: (n) => full([2, n], 3),
  eye: (n) => eye(n),
  arange: (n) => arange(n),
  "arange of floats": (n) => arange(0, n, 0.5),
  "arange of doubles": (n) => arange(0, 2 * n, 2, { dtype: "f64" }),
  "arange beyond 2^31": (n) => arange(2 ** 40, 2 ** 40 + n, 1, { dtype: "f32" }),
  linspace: (n) => linspace(0, 1, n),
  "linspace of bools": (n) => linspace(0, 1, n, { dtype: "bool" }),
  meshgrid: (n) => meshgrid([zeros([n]), zeros([n])])[0],
  oneHot: (n) => oneHot(tensor([1], { dtype: "i32" }), n),
  broadcastTo: (n) => broadcastTo(row, [n, 3]),
  repeat: (n) => repeat(row, n),
  "repeat by position": (n) => repeat(row, [n, 1, 1], { axis: 1 }),
  tile: (n) => tile(row, [n, 2]),
  pad: (n) => pad(row, { low: [0, n], high: [0, 0] }),
  "pad between": (n) => pad(row, { low: [0, 0], high: [0, 0], interior: [0, n] }),
  "pad by what is at the edge": (n) => pad(row, { low: [0, n], high: [0, 0], mode: "replicate" }),
  "diag of a vector": (n) => diag(reshape(row, [3]), { offset: n }),
  tril: (n) => tril(zeros([n, n])),
  concat: (n) => concat([broadcastTo(row, [n, 3]), broadcastTo(row, [n, 3])]),
  matmul: (n) => matmul(zeros([n, 1]), zeros([1, n])),
  split: (n) => split(zeros([0]), n),
  chunk: (n) => chunk(zeros([0]), n),
  unstack: (n) => unstack(broadcastTo(row, [n, 3])),
  "setAt beyond the end": (n) => setAt(row, [0, n], 1),
  "at beyond the end": (n) => at(row, [n]),
  interpolate: (n) => interpolate(image, { size: n }),
  "interpolate along one axis": (n) => interpolate(image, { size: [2, n] }),
  "interpolate bilinear": (n) => interpolate(image, { size: [n, 2], mode: "bilinear" }),
  "interpolate no images": (n) => interpolate(ones([0, 1, 2, 2]), { size: [n, 3], mode: "bilinear" }),
  "interpolate by a factor": (n) => interpolate(image, { scaleFactor: n + 0.1 }),
  adaptiveAvgPool2d: (n) => adaptiveAvgPool2d(image, [n, 1]),
  adaptiveMaxPool2d: (n) => adaptiveMaxPool2d(image, [1, n]),
  globalAvgPool2d: (n) => globalAvgPool2d(zeros([n, n, 1, 1])),
  "random.bits": (n) => random.bits(key, [n]),
  "random.uniform of many axes": (n) => random.uniform(key, [2, n]),
  "random.normal": (n) => random.normal(key, [n, 2]),
  "random.split": (n) => random.split(key, n),
  "random.permutation": (n) => random.permutation(key, n),
  scan: (n) => scan((c: Tensor) => [c, c], tensor(0), null, { length: n }),
  "scan without results": (n) => scan((c: Tensor) => [add(c, 1), null], tensor(0), null, { length: n }),
  vmap: (n) => vmap((x: Tensor) => mul(x, 2))(broadcastTo(row, [n, 3])),
  jacobian: (n) => jacobian((x: Tensor) => broadcastTo(x, [n, 3]))(row),
  polygamma: (n) => polygamma(row, n),
  "transforms.resize": (n) => datasets.transforms.resize([n, 2])(image),
  "transforms.resize, nearest": (n) => datasets.transforms.resize(n, { interpolation: "nearest" })(image),
  syntheticDigits: (n) => datasets.syntheticDigits({ train: n, test: 0 }),
};

/** Whether an error says what is wrong with a size. */
function isOurs(error: unknown): boolean {
  return error instanceof ShapeError || error instanceof OutOfMemoryError ||
    error instanceof RangeError && !/Invalid|call stack/.test(error.message) ||
    // A number that is no safe integer is none of the kind that a list takes.
    error instanceof TypeError && /^Cannot call /.test(error.message);
}

Deno.test("what is too large is refused before anything is allocated", () => {
  for (const [name, make] of Object.entries(functions)) {
    for (const n of [2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER, 2 ** 60, 1e300]) {
      assert.throws(() => make(n), (error) => isOurs(error), `${name} of ${n}`);
    }
  }
});

Deno.test("an error of memory says how much was asked for, and what there is", () => {
  const limit = 2 ** 32;
  const cases: readonly (readonly [() => unknown, number, DType?])[] = [
    [() => linspace(0, 1, 2 ** 31), 2 ** 33, "f32"],
    [() => linspace(0, 1, 2 ** 31, { dtype: "f64" }), 2 ** 34, "f64"],
    [() => interpolate(image, { size: [2 ** 31, 1] }), 2 ** 33, "f32"],
    [() => interpolate(image, { size: 2 ** 31 }), 2 ** 64, "f32"],
    [() => adaptiveAvgPool2d(image, [2 ** 31, 2]), 2 ** 34, "f32"],
    [() => adaptiveMaxPool2d(image, [2 ** 30 + 1, 1]), 2 ** 32 + 4, "f32"],
  ];
  for (const [run, bytes, dtype] of cases) assert.throws(run, withFacts(OutOfMemoryError, { bytes, limit, dtype }));
  assert.throws(() => zeros([2 ** 31]), withFacts(ShapeError, { shape: [2 ** 31] }));
  assert.throws(() => zeros([2 ** 30, 2 ** 30]), withFacts(ShapeError, { shape: [2 ** 30, 2 ** 30] }));
});

testOnDevices("reading more than a device has is an error, and what comes next is right", async (_, device) => {
  const large: Readonly<Record<string, () => Tensor>> = {
    constants: () => zeros([2 ** 31 - 1]),
    "a range": () => arange(2 ** 31 - 1),
    "a broadcast": () => broadcastTo(row, [2 ** 30, 3]),
    "random numbers": () => random.uniform(key, [2 ** 31 - 1]),
    "a padded row": () => pad(row, { low: [0, 2 ** 30], high: [2 ** 3, 0] }),
    "a product": () => matmul(ones([2 ** 16, 1]), ones([1, 2 ** 16])),
    "bools": () => full([2 ** 31 - 1], true),
  };
  for (const [name, make] of Object.entries(large)) {
    const error = await Promise.try(() => data(make())).then(() => undefined, (error) => error);
    assert.ok(error instanceof OutOfMemoryError, `${name} on ${device}: ${error}`);
    const { bytes, limit } = error.facts as { bytes: number; limit: number };
    assert.ok(bytes >= 2 ** 31 - 1 && limit > 0 && bytes > limit, `${name} on ${device}: ${bytes} of ${limit}`);
    assert.deepEqual([...await data(mul(row, 2))], [2, 2, 2]);
  }
  // What is not held needs no memory.
  assert.equal(await item(sum(broadcastTo(tensor([1]), [2 ** 20]))), 2 ** 20);
});
