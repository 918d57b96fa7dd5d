/** Sums of products, triangles and diagonals: against plain loops, by the laws, and what they refuse. */
import assert from "node:assert/strict";
import {
  add,
  arange,
  cast,
  data,
  diag,
  diagonal,
  dot,
  DTypeError,
  einsum,
  inner,
  matmul,
  mul,
  outer,
  permute,
  reshape,
  ShapeError,
  sum,
  type Tensor,
  tensor,
  tensordot,
  toArray,
  trace,
  transpose,
  tril,
  triu,
  zeros,
} from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import { type Input, sampleInput } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const of = (name: string, shapes: readonly (readonly number[])[], f: Subject["f"]): Subject => ({
  name,
  inputs: shapes.map((shape) => float(...shape)),
  f,
});

testSubjects([
  of("einsum of a chain", [[2, 3], [3, 4], [4, 2]], (x, y, z) => einsum("ij,jk,kl->il", x, y, z)),
  of("einsum of diagonals", [[3, 2, 3], [3, 3]], (x, y) => einsum("iji,ii->j", x, y)),
  of("einsum of attention", [[2, 3, 4], [2, 5, 4]], (q, k) => einsum("bqd,bkd->bqk", q, k)),
  of("einsum with an ellipsis", [[2, 1, 3, 4], [5, 4]], (x, y) => einsum("...ij,...j->...i", x, y)),
  of("tensordot", [[2, 3, 4], [4, 3, 2]], (x, y) => tensordot(x, y, { axis: [[1, 2], [1, 0]] })),
  of("inner", [[2, 3], [4, 3]], inner),
  of("outer", [[3], [4]], outer),
  of("tril", [[2, 3, 4]], (x) => tril(x, { offset: 1 })),
  of("triu", [[4, 3]], (x) => triu(x, { offset: -1 })),
  of("diagonal", [[4, 2, 3]], (x) => diagonal(x, { axis: [0, 2], offset: -1 })),
  of("diag of a vector", [[3]], (x) => diag(x, { offset: -2 })),
  of("trace", [[2, 3, 3]], (x) => trace(x)),
  of("matmul of a vector and a batch", [[3], [2, 3, 4]], matmul),
  of("matmul of a batch and a vector", [[2, 4, 3], [3]], matmul),
  of("matmul with batches on one side", [[2, 3], [4, 3, 2]], matmul),
  of("matmul of nothing", [[2, 0], [3, 0, 2]], matmul),
]);

/** The same by the definition: a loop over the values of all letters. */
function loop(equation: string, arrays: readonly { shape: readonly number[]; values: ArrayLike<number> }[]): number[] {
  const [inputs, output] = equation.split("->");
  const terms = inputs.split(",");
  const letters = [...new Set([...output, ...inputs.replaceAll(",", "")])];
  const extents = letters.map((letter) => {
    const i = terms.findIndex((term) => term.includes(letter));
    return arrays[i].shape[terms[i].indexOf(letter)];
  });
  const offsetOf = (term: string, shape: readonly number[], at: readonly number[]) =>
    [...term].reduce((index, letter, axis) => index * shape[axis] + at[letters.indexOf(letter)], 0);
  const outShape = [...output].map((letter) => extents[letters.indexOf(letter)]);
  const result = new Array<number>(outShape.reduce((a, b) => a * b, 1)).fill(0);
  const total = extents.reduce((a, b) => a * b, 1);
  for (let n = 0; n < total; n++) {
    let rest = n;
    const at = extents.map((extent) => {
      const index = rest % extent;
      rest = Math.floor(rest / extent);
      return index;
    });
    const product = arrays.reduce((product, { shape, values }, i) => product * values[offsetOf(terms[i], shape, at)], 1);
    result[offsetOf(output, outShape, at)] += product;
  }
  return result;
}

testOnDevices("einsum is the loop over its letters", async () => {
  const extents: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, i: 3, j: 4, k: 2, l: 3 };
  const equations = [
    "i->i",
    "ij->ji",
    "ij->",
    "ij->j",
    "ii->i",
    "ii->",
    "iij->ij",
    "iii->i",
    "ijij->ji",
    "i,i->",
    "i,j->ij",
    "i,j->ji",
    "i,i->i",
    "ij,j->i",
    "ij,ij->ij",
    "ij,ij->i",
    "ij,ji->",
    "ij,jk->ik",
    "ij,jk->ki",
    "ij,kj->ik",
    "ji,jk->ik",
    "aij,ajk->aik",
    "aij,jk->aik",
    "abij,abkj->abik",
    "bia,jab->jbi",
    "ab,cd->dbca",
    "ab,cd->",
    "ijk,jil->kl",
    "ij,jk,kl->il",
    "i,i,i->i",
    "ij,ik,il->jkl",
    "a,ab,abc->c",
    "ii,ij,jj->ji",
    "bd,d,->b",
    "iab,icb->iac",
  ];
  for (const equation of equations) {
    const terms = equation.split("->")[0].split(",");
    const xs = terms.map((term, i) => sampleInput(float(...[...term].map((letter) => extents[letter])), i + 1, "f32"));
    const arrays = await Promise.all(xs.map(async (x) => ({ shape: x.shape, values: await data(x) })));
    assertClose(await data(einsum(equation, ...xs)), loop(equation, arrays), { relative: 1e-5, absolute: 1e-5 }, equation);
  }
});

testOnDevices("einsum reads equations as NumPy and PyTorch do", async () => {
  const x = reshape(cast(arange(6), "f32"), [2, 3]);
  const y = add(x, 1);
  const same = async (a: Tensor, b: Tensor, what: string) => {
    assert.deepEqual(a.shape, b.shape, what);
    assert.deepEqual(await data(a), await data(b), what);
  };
  await same(einsum("ba", x), transpose(x), "implicit output in alphabetical order");
  await same(einsum("ij,ij", x, y), sum(mul(x, y)), "repeated letters are summed");
  await same(einsum(" i j , k j -> i k ", x, y), matmul(x, transpose(y)), "spaces");
  await same(einsum("bA,bA->A", x, y), sum(mul(x, y), { axis: 0 }), "capitals");
  await same(einsum("aB", x), transpose(x), "capitals first");
  await same(einsum("...", x), x, "nothing but an ellipsis");
  await same(einsum("...->", x), sum(x), "an ellipsis that is summed over");
  await same(einsum("i...->...i", x), transpose(x), "an ellipsis in the output");
  await same(einsum("...j,j", x, tensor([1, 2, 3])), matmul(x, tensor([1, 2, 3])), "an ellipsis without an arrow");
  await same(einsum("...,...->...", x, tensor([1, 2, 3])), mul(x, tensor([1, 2, 3])), "ellipses of different rank");
  await same(
    einsum("...i,...i->...", reshape(x, [2, 1, 3]), reshape(y, [1, 2, 3])),
    matmul(x, transpose(y)),
    "ellipses that broadcast",
  );
  await same(einsum(",i", 2, tensor([1, 2])), tensor([2, 4]), "a scalar");
  await same(einsum("ij,jk->ik", zeros([2, 0]), zeros([0, 3])), zeros([2, 3]), "nothing to sum");
  const i32 = tensor([[1, 2], [3, 4]], { dtype: "i32" });
  assert.deepEqual(await toArray(einsum("ij,jk", i32, i32)), [[7, 10], [15, 22]]);
  assert.equal(einsum("ij,jk", i32, i32).dtype, "i32");
  const many = einsum("bhqd,bhkd->bhqk", zeros([2, 3, 4, 5]), permute(zeros([2, 6, 3, 5]), [0, 2, 1, 3]));
  assert.deepEqual(many.shape, [2, 3, 4, 6]);
});

Deno.test("einsum refuses what makes no sense, and says why", () => {
  const [x, y] = [zeros([2, 3]), zeros([4, 2])];
  const cases: readonly [string, readonly Tensor[], RegExp][] = [
    ["ij,jk->ik", [x], /2 inputs, but 1 operands/],
    ["ij->k", [x], /"k" of the output is in no input/],
    ["ij->ii", [x], /twice in the output/],
    ["i1->i", [x], /"1" is neither/],
    ["i..->i", [x], /"\." is neither/],
    ["......", [x], /"\." is neither/],
    ["ij->i->j", [x], /appears twice/],
    ["i->i", [x], /names 1 axes/],
    ["ijk...->i", [x], /names 3 axes/],
    ["ij,jk->ik", [x, y], /"j" stands for axes of extents 3 and 4/],
    ["ii->i", [x], /"i" names axes of extents 2 and 3/],
    ["...i,...j->...ij", [x, y], /"\.\.\." stands for axes of extents 2 and 4/],
  ];
  for (const [equation, operands, message] of cases) assert.throws(() => einsum(equation, ...operands), message, equation);
  assert.throws(() => einsum("i,i", x), TypeError);
  assert.throws(() => einsum("i", x), ShapeError);
});

testOnDevices("products by axes", async () => {
  const x = reshape(cast(arange(6), "f32"), [2, 3]);
  assert.deepEqual(await toArray(tensordot(x, x)), 55);
  assert.deepEqual(await toArray(tensordot(x, tensor([1, 1, 1]), { axis: 1 })), [3, 12]);
  assert.deepEqual(tensordot(x, x, { axis: 0 }).shape, [2, 3, 2, 3]);
  assert.deepEqual(await toArray(inner(x, x)), [[5, 14], [14, 50]]);
  assert.deepEqual(await toArray(inner(x, 2)), [[0, 2, 4], [6, 8, 10]]);
  assert.deepEqual(await toArray(dot(tensor([0, 1, 2]), tensor([0, 1, 2]))), 5);
  assert.deepEqual(await toArray(matmul(zeros([0, 2]), zeros([2, 3]))), []);
  assert.deepEqual(await toArray(matmul(zeros([2, 0]), zeros([0]))), [0, 0]);
  assert.deepEqual(matmul(zeros([3, 1, 2, 4]), zeros([5, 4, 0])).shape, [3, 5, 2, 0]);
  assert.throws(() => tensordot(x, x, { axis: 1 }), ShapeError);
  assert.throws(() => tensordot(x, x, { axis: 3 }), ShapeError);
  assert.throws(() => tensordot(x, x, { axis: -1 }), ShapeError);
  assert.throws(() => tensordot(x, x, { axis: [[0], [0, 1]] }), ShapeError);
  assert.throws(() => inner(x, zeros([2])), ShapeError);
  assert.throws(() => outer(x, zeros([2])), ShapeError);
  assert.throws(() => matmul(zeros([2, 2, 3]), zeros([3, 3, 4])), ShapeError);
  assert.throws(() => einsum("i,i", tensor([true]), tensor([true])), DTypeError);
});

testOnDevices("triangles and diagonals of every shape and offset", async () => {
  for (const [rows, columns] of [[3, 3], [2, 4], [4, 2], [1, 3], [0, 2], [2, 0]]) {
    const values = Array.from({ length: rows * columns }, (_, i) => i + 1);
    const x = tensor(values, { shape: [rows, columns], dtype: "i32" });
    for (let offset = -4; offset <= 4; offset++) {
      const what = `[${rows}, ${columns}] at ${offset}`;
      const keep = (test: (over: number) => boolean) =>
        values.map((value, i) => test(i % columns - Math.floor(i / columns)) ? value : 0);
      assert.deepEqual([...await data(tril(x, { offset }))], keep((over) => over <= offset), `tril of ${what}`);
      assert.deepEqual([...await data(triu(x, { offset }))], keep((over) => over >= offset), `triu of ${what}`);
      const on = values.filter((_, i) => i % columns - Math.floor(i / columns) === offset);
      assert.deepEqual([...await data(diagonal(x, { offset }))], on, `diagonal of ${what}`);
    }
  }
  for (const size of [0, 1, 3]) {
    const x = tensor(Array.from({ length: size }, (_, i) => i + 1), { dtype: "f32" });
    for (let offset = -2; offset <= 2; offset++) {
      const matrix = diag(x, { offset });
      assert.deepEqual(matrix.shape, [size + Math.abs(offset), size + Math.abs(offset)]);
      assert.deepEqual(await data(diag(matrix, { offset })), await data(x), `diag of ${size} at ${offset}`);
      assert.deepEqual(await data(sum(matrix)), await data(sum(x)));
    }
  }
  assert.deepEqual(await toArray(trace(tensor([[1, 2], [3, 4]]))), 5);
  assert.deepEqual(await toArray(tril(tensor([[true, true], [true, true]]))), [[true, false], [true, true]]);
  // What is not chosen does not matter, not even NaN.
  assert.deepEqual(await toArray(triu(tensor([[1, 2], [NaN, 4]]))), [[1, 2], [0, 4]]);
  assert.throws(() => tril(zeros([3])), ShapeError);
  assert.throws(() => diag(zeros([2, 2, 2])), ShapeError);
  assert.throws(() => diagonal(zeros([2, 2]), { axis: [0, -2] }), ShapeError);
  assert.throws(() => diagonal(zeros([2])), ShapeError);
  assert.throws(() => triu(zeros([2, 2]), { offset: 0.5 }), RangeError);
});
