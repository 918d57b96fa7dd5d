/** Factors, systems of equations and determinants: the laws of all functions, sizes around those of blocks, and singular matrices. */
import assert from "node:assert/strict";
import {
  abs,
  add,
  arange,
  cast,
  data,
  diag,
  div,
  type DType,
  exp,
  expandDims,
  eye,
  grad,
  iota,
  item,
  linalg,
  lt,
  matmul,
  max,
  mul,
  ones,
  outer,
  random,
  realize,
  remainder,
  stack,
  sub,
  type Tensor,
  tensor,
  toArray,
  transpose,
  tril,
  triu,
  where,
  zeros,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { deviceNames, testOnDevices } from "../support/each_device.ts";
import { testSubjects } from "../support/each_subject.ts";
import { isLong } from "../support/share.ts";
import type { Subject } from "../support/laws.ts";

const of = (name: string, shapes: readonly (readonly number[])[], f: Subject["f"]): Subject => ({
  name,
  inputs: shapes.map((shape) => ({ shape, domain: "any", dtype: "float" })),
  f,
});

/** Far enough from singular for finite differences. */
const regular = (x: Tensor) => add(x, mul(eye(x.shape.at(-1)!, { dtype: x.dtype }), 5));
const definite = (x: Tensor) => regular(matmul(x, transpose(x)));

testSubjects([
  of("cholesky", [[2, 3, 3]], (x) => linalg.cholesky(regular(x))),
  of("solveTriangular", [[3, 3], [3, 2]], (a, b) => linalg.solveTriangular(regular(a), b)),
  of("solve", [[2, 3, 3], [3, 2]], (a, b) => linalg.solve(regular(a), b)),
  of("q of qr", [[2, 4, 3]], (a) => linalg.qr(a)[0]),
  of("lstsq", [[4, 2], [2, 4, 1]], (a, b) => linalg.lstsq(a, b)),
  of("det", [[2, 3, 3]], (a) => mul(linalg.det(regular(a)), 0.01)),
]);

// The programs of the last ones have hundreds of kernels.
if (isLong) {
  testSubjects([
    of("solveTriangular upwards", [[2, 3, 3], [3]], (a, b) => linalg.solveTriangular(regular(a), b, { upper: true })),
    of("choleskySolve", [[3, 3], [2, 3, 1]], (a, b) => linalg.choleskySolve(regular(a), b)),
    of("solveTriangular with ones", [[3, 3], [2, 3, 1]], (a, b) => linalg.solveTriangular(a, b, { unitDiagonal: true })),
    of("inv", [[3, 3]], (a) => linalg.inv(regular(a))),
    of("r of qr of a wide matrix", [[3, 4]], (a) => linalg.qr(add(a, mul(eye(3, { columns: 4, dtype: a.dtype }), 5)))[1]),
    of("slogdet", [[3, 3]], (a) => linalg.slogdet(regular(a))[1]),
    of("cholesky of products", [[4, 4]], (x) => linalg.cholesky(definite(x))),
    of("solve a vector", [[4, 4], [4]], (a, b) => linalg.solve(regular(a), b)),
    of("lstsq of a wide matrix", [[2, 4], [2]], (a, b) => linalg.lstsq(a, b)),
    of("a function of eigenvalues", [[2, 3, 3]], (a) => {
      const [values, vectors] = linalg.eigh(a);
      return matmul(mul(vectors, expandDims(exp(mul(values, 0.25)), { axis: -2 })), transpose(vectors));
    }),
    of("singular values", [[4, 2]], (a) => linalg.svd(a)[1]),
    of("pinv", [[2, 3]], (a) => linalg.pinv(add(a, mul(eye(2, { columns: 3, dtype: a.dtype }), 5)))),
  ]);
}

/** Random numbers of (-1, 1), different ones for each shape. */
const numbers = (shape: readonly number[], dtype: DType) =>
  cast(random.uniform(random.key(shape.at(-1)!), shape, { min: -1, max: 1 }), dtype);

/** What has to be 0, of matrices of an extent. */
const residuals = (n: number, dtype: DType): Record<string, Tensor> => {
  const [a, b] = [numbers([2, n, n], dtype), numbers([n, 3], dtype)];
  const positive = add(matmul(a, transpose(a)), eye(n, { dtype }));
  const l = linalg.cholesky(positive);
  const triangle = regular(tril(div(a, n)));
  const [q, r] = linalg.qr(a);
  const long = numbers([2 * n, n], dtype);
  const [sign, log] = linalg.slogdet(a);
  const even = add(a, transpose(a));
  const [values, vectors] = linalg.eigh(even);
  const [u, s, vt] = linalg.svd(long);
  return {
    eigh: sub(matmul(even, vectors), mul(vectors, expandDims(values, { axis: -2 }))),
    vectors: sub(matmul(transpose(vectors), vectors), eye(n, { dtype })),
    svd: sub(matmul(mul(u, expandDims(s, { axis: -2 })), vt), long),
    left: sub(matmul(transpose(u), u), eye(n, { dtype })),
    right: sub(matmul(vt, transpose(vt)), eye(n, { dtype })),
    cholesky: sub(matmul(l, transpose(l)), positive),
    above: sub(l, tril(l)),
    lower: sub(matmul(triangle, linalg.solveTriangular(triangle, b)), b),
    upper: sub(matmul(transpose(triangle), linalg.solveTriangular(transpose(triangle), b, { upper: true })), b),
    solve: sub(matmul(a, linalg.solve(a, b)), b),
    qr: sub(matmul(q, r), a),
    orthogonal: sub(matmul(transpose(q), q), eye(n, { dtype })),
    triangle: sub(r, triu(r)),
    // The distances are orthogonal to all columns.
    lstsq: matmul(transpose(long), sub(matmul(long, linalg.lstsq(long, numbers([2 * n, 1], dtype))), numbers([2 * n, 1], dtype))),
    // Of matrices so large that theirs is 1 or -1.
    det: sub(linalg.det(mul(a, expandDims(exp(div(log, -n)), { axis: [-2, -1] }))), sign),
  };
};

// Matrices are worked on in blocks of 32: within one, at its end, and in halves of halves.
testOnDevices("factors of matrices of one block and of several give the matrix", async (_, device) => {
  for (const n of isLong ? [1, 2, 31, 32, 33, 64, 65, 97] : [97]) {
    const dtype = device === "webgpu" ? "f32" : "f64";
    for (const [name, rest] of Object.entries(realize(residuals(n, dtype)))) {
      const most = await item(max(abs(rest)));
      assert.ok(most < (dtype === "f64" ? 1e-9 : 1e-2), `${name} of ${n} x ${n}: ${most}`);
    }
  }
}, isLong ? deviceNames : ["wasm"]);

/** Matrices whose eigenvalues are equal, near each other, far apart, or 0. */
const hard: Readonly<Record<string, (n: number) => Tensor>> = {
  nothing: (n) => zeros([n, n]),
  "the identity": (n) => eye(n),
  "a rank of 1": (n) => outer(ones([n]), ones([n])),
  "half of rank 2": (n) => mul(outer(arange(n, { dtype: "f32" }), ones([n])), cast(lt(iota([n, n], 0), n / 2), "f32")),
  "two values": (n) => diag(where(lt(arange(n), n / 2), 1, 1 + 1e-12)),
  "all sizes": (n) => diag(exp(mul(arange(n, { dtype: "f32" }), -0.5))),
  "second differences": (n) => sub(mul(eye(n), 2), add(eye(n, { offset: 1 }), eye(n, { offset: -1 }))),
  "pairs that touch": (n) =>
    add(diag(abs(sub(remainder(arange(n, { dtype: "f32" }), 10), 4.5))), add(eye(n, { offset: 1 }), eye(n, { offset: -1 }))),
};

Deno.test("vectors are orthonormal and give the matrix, whatever its eigenvalues and singular values are", async () => {
  const n = 12;
  const a = cast(stack(Object.values(hard).map((make) => make(n))), "f64");
  const even = add(a, transpose(a));
  const [values, vectors] = linalg.eigh(even);
  const [u, s, vt] = linalg.svd(a);
  const { values: ascending, s: descending, ...rests } = realize({
    values,
    s,
    eigh: sub(matmul(even, vectors), mul(vectors, expandDims(values, { axis: -2 }))),
    vectors: sub(matmul(transpose(vectors), vectors), eye(n)),
    svd: sub(matmul(mul(u, expandDims(s, { axis: -2 })), vt), a),
    left: sub(matmul(transpose(u), u), eye(n)),
    right: sub(matmul(vt, transpose(vt)), eye(n)),
    pinv: sub(matmul(matmul(a, linalg.pinv(a)), a), a),
  });
  const sizes = await data(max(abs(a), { axis: [1, 2] }));
  for (const [what, rest] of Object.entries(rests)) {
    const most = await data(max(abs(rest), { axis: [1, 2] }));
    for (const [i, name] of Object.keys(hard).entries()) {
      assert.ok(most[i] < 1e-14 * n * Math.max(1, sizes[i]), `${what} of ${name}: ${most[i]}`);
    }
  }
  for (const [i, each] of (await toArray(ascending) as number[][]).entries()) {
    assert.deepEqual(each, each.toSorted((x, y) => x - y), `eigenvalues of ${Object.keys(hard)[i]}`);
  }
  for (const [i, each] of (await toArray(descending) as number[][]).entries()) {
    assert.deepEqual(each, each.toSorted((x, y) => y - x), `singular values of ${Object.keys(hard)[i]}`);
    assert.ok(each.every((value) => value >= 0));
  }
});

Deno.test("derivatives of determinants of singular matrices are their cofactors", async () => {
  const cofactors = [
    [[[1, 2], [2, 4]], [[4, -2], [-2, 1]]],
    [[[0, 0], [0, 0]], [[0, 0], [0, 0]]],
    [[[1, 1, 0], [1, 1, 0], [0, 0, 1]], [[1, -1, 0], [-1, 1, 0], [0, 0, 0]]],
    [[[0, 1, 2], [0, 3, 5], [0, 1, 1]], [[-2, 0, 0], [1, 0, 0], [-1, 0, 0]]],
    [[[1, 1, 1], [1, 1, 1], [1, 1, 1]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]],
    [[[0]], [[1]]],
  ];
  for (const [a, expected] of cofactors) {
    const found = await data(grad(linalg.det)(tensor(a, { dtype: "f64" })));
    assertClose(found, expected.flat(), { relative: 1e-14, absolute: 0 }, "cofactors");
  }
});

Deno.test("what cannot be solved is infinite or NaN, and without the root of a negative number", async () => {
  const singular = tensor([[1, 2], [2, 4]]);
  assert.ok((await data(linalg.solve(singular, ones([2])))).every((each) => !Number.isFinite(each)));
  assert.ok((await data(linalg.inv(singular))).every((each) => !Number.isFinite(each)));
  assert.deepEqual(await toArray(linalg.slogdet(singular)[1]), -Infinity);
  assert.deepEqual(await toArray(linalg.cholesky(tensor([[4, 0], [0, -1]]))), [[2, 0], [0, NaN]]);
  assert.ok((await data(linalg.det(tensor([[1, NaN], [2, 4]])))).every(Number.isNaN));
});

Deno.test("matrices that are none, or do not fit, are refused", () => {
  const square = { name: "ShapeError", message: /the matrix must be square, it has 2 rows and 3 columns/ };
  for (const f of [linalg.cholesky, linalg.inv, linalg.det, linalg.slogdet]) {
    assert.throws(() => f(ones([2, 3])), square);
    assert.throws(() => f(ones([3])), { name: "ShapeError", message: /a matrix is needed/ });
  }
  for (const f of [linalg.solve, linalg.solveTriangular, linalg.choleskySolve]) {
    assert.throws(() => f(ones([2, 3]), ones([2])), square);
    assert.throws(() => f(ones([2, 2]), ones([3])), {
      name: "ShapeError",
      message: /it needs 2 rows, or to be a vector of as many/,
    });
    assert.throws(() => f(ones([5, 2, 2]), ones([3, 2, 1])), { name: "ShapeError", message: /batches of/ });
  }
  assert.throws(() => linalg.lstsq(ones([4, 2]), ones([2])), { name: "ShapeError", message: /it needs 4 rows/ });
  assert.throws(() => linalg.eigh(ones([2, 3])), square);
  for (const f of [linalg.qr, linalg.svd, linalg.pinv]) {
    assert.throws(() => f(ones([3])), { name: "ShapeError", message: /a matrix is needed/ });
  }
});

Deno.test("integers are taken as f32, and an empty matrix has the determinant 1", async () => {
  const whole = tensor([[2, 1], [1, 3]], { dtype: "i32" });
  assert.equal(linalg.inv(whole).dtype, "f32");
  assert.equal(linalg.solve(eye(2, { dtype: "f64" }), whole).dtype, "f64");
  assert.deepEqual(await toArray(linalg.det(zeros([2, 0, 0]))), [1, 1]);
  assert.deepEqual(linalg.solve(zeros([0, 0]), zeros([0, 3])).shape, [0, 3]);
  assert.deepEqual(linalg.qr(zeros([3, 0])).map(({ shape }) => shape), [[3, 0], [0, 0]]);
  assert.deepEqual(linalg.qr(zeros([0, 2])).map(({ shape }) => shape), [[0, 0], [0, 2]]);
  assert.deepEqual(linalg.svd(zeros([2, 0])).map(({ shape }) => shape), [[2, 0], [0], [0, 0]]);
  assert.deepEqual(linalg.eigh(zeros([2, 0, 0])).map(({ shape }) => shape), [[2, 0], [2, 0, 0]]);
  assert.deepEqual(linalg.pinv(zeros([3, 0])).shape, [0, 3]);
});
