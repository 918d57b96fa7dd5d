/**
 * The indices of each row's first elements in sorted order: all are sorted. Floats are compared as integers of the same order.
 *
 * @module
 */
import type { ArgsortKernel } from "../../../../ir/kernel.ts";
import type { KernelCode, KernelContext } from "../kernel_code.ts";
import { address } from "../shader/coordinates.ts";
import { scalarOf } from "../shader/elements.ts";
import { writeEpilogue } from "../shader/epilogue.ts";
import type { Shader } from "../shader/shader.ts";
import { sortRows } from "./merge_sort.ts";

/** The shaders of `argsort`; the last one ends in the stores. */
export function generateArgsort(context: KernelContext<ArgsortKernel>): KernelCode {
  const { kernel, program } = context;
  const { shape: [rows, count], n, operands: [source], descending } = kernel;
  const type = scalarOf(program.buffers[source.buffer].dtype);
  const { dispatches, scratchBytes } = sortRows({
    context,
    label: "argsort",
    rows,
    n,
    key: (shader, row, at) => {
      const from = shader.define(address(source.offset, source.strides, [row, at]), "a");
      const key = orderedBits(shader, type, shader.load(source.buffer, from));
      return shader.define(descending ? `~${key}` : key, "key");
    },
    epilogue: (shader, row, to, from) => {
      if (count < n) shader.line(`if (${to} < ${count}u) {`);
      writeEpilogue(shader, kernel, [row, to], 1, () => `bitcast<i32>(${from})`);
      if (count < n) shader.line("}");
    },
  });
  return { dispatches, scratchBytes };
}

/** A number as an unsigned integer of the same order. */
function orderedBits(shader: Shader, type: string, x: string): string {
  switch (type) {
    case "f32":
      return `${shader.helper("orderedBits")}(${x})`;
    case "i32":
      return `(bitcast<u32>(${x}) ^ 0x80000000u)`;
    default:
      return x;
  }
}
