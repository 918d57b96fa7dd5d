/**
 * Rows added up by index, in the order of the indices.
 *
 * Few indices are looked through by every element of the result: simple, and right for the sizes of a batch. Many are sorted first, so
 * that those of a row lie together, still in order, and every element finds its own by binary search.
 *
 * @module
 */
import type { ScatterAddRowsKernel } from "../../../../ir/kernel.ts";
import { type Dispatch, type KernelCode, type KernelContext, singleDispatch } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { scalarOf } from "../shader/elements.ts";
import { writeEpilogue } from "../shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader } from "../shader/shader.ts";
import { type Sorted, sortRows } from "../sort/merge_sort.ts";
import { rowAt } from "./row_index.ts";

/** Up to this number of comparisons indices are not sorted. */
const mostComparisons = 2 ** 24;

/** The shaders of the sums. */
export function generateScatterAddRows(context: KernelContext<ScatterAddRowsKernel>): KernelCode {
  const { outer, size, inner, count } = context.kernel;
  return outer * size * inner * count <= mostComparisons ? singleDispatch(addByScan(context)) : addBySort(context);
}

/** The sum of one element of the result per invocation. */
interface ElementSum {
  readonly shader: Shader;
  /** The row of the result. */
  readonly row: Coordinate;
  /** Writes the declaration of the sum. */
  declare(): void;
  /** Adds the element of row k of the list. */
  add(k: Coordinate): void;
  /** Writes the epilogue. */
  dispatch(): Dispatch;
}

function elementSum(context: KernelContext<ScatterAddRowsKernel>): ElementSum {
  const { kernel, program, target } = context;
  const { outer, size, inner, count, operands: [source] } = kernel;
  const total = outer * size * inner;
  const shader = new Shader(context, "scatterAddRows", independentWorkgroup(target, total), "u32");
  const type = scalarOf(program.buffers[source.buffer].dtype);
  const { id, workgroups } = invocationIndex(shader, total);
  const [o, row, i] = decompose(shader, id, [outer, size, inner]);
  return {
    shader,
    row,
    declare: () => shader.line(`var total = ${type}(0);`),
    add: (k) => {
      const at = shader.define(address(source.offset, [count * inner, inner, 1], [o, k, i]), "a");
      shader.line(`total += ${shader.load(source.buffer, at)};`);
    },
    dispatch: () => {
      writeEpilogue(shader, kernel, [o, row, i], 1, () => "total");
      return shader.dispatch(workgroups);
    },
  };
}

function addByScan(context: KernelContext<ScatterAddRowsKernel>): Dispatch {
  const { size, count, operands: [, indices] } = context.kernel;
  const sum = elementSum(context);
  sum.declare();
  sum.shader.loop("0u", `${count}u`, 1, (k) => {
    const index = rowAt(sum.shader, indices, k, size);
    sum.shader.when([`${index} == ${sum.row}`], () => sum.add(k));
  });
  return sum.dispatch();
}

/** The keys to sort are the indices. */
function addBySort(context: KernelContext<ScatterAddRowsKernel>): KernelCode {
  const { size, count, operands: [, indices] } = context.kernel;
  const sorted = sortRows({
    context,
    label: "scatterAddRows sort",
    rows: 1,
    n: count,
    key: (shader, _, k) => rowAt(shader, indices, k, size),
  });
  return { dispatches: [...sorted.dispatches, addSorted(context, sorted)], scratchBytes: sorted.scratchBytes };
}

function addSorted(context: KernelContext<ScatterAddRowsKernel>, { keys, indices }: Sorted): Dispatch {
  const { count } = context.kernel;
  const sum = elementSum(context);
  const { shader, row } = sum;
  const keyAt = (at: string) => shader.load("scratch", address(keys, [1], [at]));
  shader.line("var low = 0u;");
  shader.line(`var high = ${count}u;`);
  shader.line("while (low < high) {");
  const middle = shader.define("(low + high) >> 1u", "m");
  const isBefore = shader.define(`${keyAt(middle)} < ${row}`);
  shader.line(`low = select(low, ${middle} + 1u, ${isBefore});`);
  shader.line(`high = select(${middle}, high, ${isBefore});`);
  shader.line("}");
  sum.declare();
  shader.loop("low", `${count}u`, 1, (at) => {
    shader.line(`if (${keyAt(at)} != ${row}) { break; }`);
    sum.add(shader.define(shader.load("scratch", address(indices, [1], [at])), "k"));
  });
  return sum.dispatch();
}
