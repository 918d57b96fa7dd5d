/** Axes of loops: merged, moved, cut; and kernels over merged axes. */
import assert from "node:assert/strict";
import { isContiguous, mergeAxes, tileInner, withInner, withPoint } from "../../../core/ir/axes.ts";
import { binary, type Expr } from "../../../core/ir/expr.ts";
import { mergeMap, mergeReduce } from "../../../core/ir/merged_axes.ts";
import { contiguousStrides } from "../../../core/shape.ts";

Deno.test("axes that everything runs over evenly become one", () => {
  const shape = [2, 3, 4];
  const whole = contiguousStrides(shape);
  assert.deepEqual(mergeAxes(shape, [whole, whole]), { extents: [24], strides: [[1], [1]] });
  // A row for all points of the first axis: two loops.
  assert.deepEqual(mergeAxes(shape, [whole, [0, 4, 1]]), { extents: [2, 12], strides: [[12, 1], [0, 1]] });
  // The same number for all: one loop.
  assert.deepEqual(mergeAxes(shape, [whole, [0, 0, 0]]), { extents: [24], strides: [[1], [0]] });
  // Transposed: none merge.
  assert.deepEqual(mergeAxes([3, 4], [[4, 1], [1, 3]]), { extents: [3, 4], strides: [[4, 1], [1, 3]] });
  // Backwards, evenly.
  assert.deepEqual(mergeAxes([3, 4], [[-4, -1]]), { extents: [12], strides: [[-1]] });
});

Deno.test("axes of one point are dropped, the last one kept if asked", () => {
  assert.deepEqual(mergeAxes([1, 5, 1], [[7, 2, 9]]), { extents: [5], strides: [[2]] });
  assert.deepEqual(mergeAxes([2, 5, 1], [[5, 1, 0]], true), { extents: [10, 1], strides: [[1, 0]] });
  assert.deepEqual(mergeAxes([2, 5], [[5, 1]], true), { extents: [2, 5], strides: [[5, 1]] });
  assert.deepEqual(mergeAxes([], [[]]), { extents: [], strides: [[]] });
  assert.deepEqual(mergeAxes([1, 1], [[3, 1]]), { extents: [], strides: [[]] });
});

Deno.test("merged axes visit the same addresses in the same order", () => {
  const shape = [2, 1, 3, 4];
  for (const strides of [[12, 0, 4, 1], [4, 9, 8, 1], [0, 0, 4, 1], [1, 5, 2, 6]]) {
    const merged = mergeAxes(shape, [strides]);
    assert.deepEqual(addresses(merged.extents, merged.strides[0]), addresses(shape, strides));
  }
});

function addresses(extents: readonly number[], strides: readonly number[]): number[] {
  return extents.reduce<number[]>(
    (list, extent, axis) => list.flatMap((at) => Array.from({ length: extent }, (_, i) => at + i * strides[axis])),
    [0],
  );
}

Deno.test("loops are put in another order", () => {
  const axes = { extents: [2, 3, 6], strides: [[18, 6, 1]] };
  assert.deepEqual(withInner(axes, 0), { extents: [3, 6, 2], strides: [[6, 1, 18]] });
  assert.deepEqual(withInner({ extents: [], strides: [[]] }, 0), { extents: [1], strides: [[0]] });
  assert.deepEqual(withPoint(axes), { extents: [2, 3, 6, 1], strides: [[18, 6, 1, 0]] });
  assert.deepEqual(tileInner(axes, 2), { extents: [3, 2, 3, 2], strides: [[2, 18, 6, 1]] });
});

Deno.test("contiguous is what runs through memory in order, whatever the strides of single points", () => {
  assert.ok(isContiguous([2, 3], [3, 1]));
  assert.ok(isContiguous([1, 3], [99, 1]));
  assert.ok(!isContiguous([2, 3], [1, 2]));
  assert.ok(!isContiguous([2, 3], [4, 1]));
  assert.ok(isContiguous([], []));
});

Deno.test("a kernel over merged axes: accesses and positions", () => {
  const index: Expr = { kind: "index", type: "i32", offset: 5, strides: [12, 4, 1] };
  const load: Expr = { kind: "load", type: "i32", slot: 0 };
  const whole = [12, 4, 1];
  const merged = mergeMap({
    kind: "map",
    shape: [2, 3, 4],
    operands: [],
    loads: [{ buffer: 0, offset: 1, strides: whole }],
    stores: [{ buffer: 1, offset: 2, strides: whole, value: binary("add", load, index) }],
  });
  assert.deepEqual(merged, {
    shape: [24],
    loads: [{ buffer: 0, offset: 1, strides: [1] }],
    stores: [{ buffer: 1, offset: 2, strides: [1], value: binary("add", load, { ...index, strides: [1] }) }],
  });
  const result: Expr = { kind: "result", type: "i32", slot: 0 };
  const reduced = mergeReduce({
    kind: "reduce",
    shape: [2, 3],
    window: [4, 5],
    operands: [{ buffer: 0, offset: 0, strides: [60, 20, 5, 1] }],
    reductions: [{ op: "sum", value: load }],
    loads: [],
    stores: [{ buffer: 1, offset: 0, strides: [3, 1], value: result }],
  });
  assert.deepEqual([reduced.shape, reduced.window], [[6], [20]]);
  assert.deepEqual(reduced.operands[0].strides, [20, 1]);
  assert.deepEqual(reduced.stores[0].strides, [1]);
});
