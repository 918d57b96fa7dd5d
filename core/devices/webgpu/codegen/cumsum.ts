/**
 * Running sums: a line per invocation, or per workgroup where lines are long.
 *
 * A workgroup takes a tile of its line at a time, in which each invocation has an element: in step k it adds the sum of the elements up
 * to 2^k before. A single invocation sums blocks, and adds the sum of the blocks before. So errors grow slowly.
 *
 * @module
 */
import type { CumsumKernel } from "../../../ir/kernel.ts";
import { sizeOf } from "../../../shape.ts";
import { type KernelCode, type KernelContext, singleDispatch } from "./kernel_code.ts";
import { address, type Coordinate, decompose } from "./shader/coordinates.ts";
import { scalarOf } from "./shader/elements.ts";
import { writeEpilogue } from "./shader/epilogue.ts";
import { independentWorkgroup, invocationIndex, workgroupGrid } from "./shader/invocations.ts";
import { Shader } from "./shader/shader.ts";

/** The longest lines of one invocation each, where barriers are fast. */
const shortLine = 64;
/** Elements of a block. */
const blockLength = 64;

/** The shader of running sums. */
export function generateCumsum(context: KernelContext<CumsumKernel>): KernelCode {
  const { kernel: { shape }, target } = context;
  return singleDispatch(target.software || shape[1] <= shortLine ? byInvocation(context) : byWorkgroup(context));
}

function linesOf({ shape }: CumsumKernel): readonly number[] {
  return shape.filter((_, axis) => axis !== 1);
}

/** What is known of a line in its shader. */
function lineOf(shader: Shader, { kernel, program }: KernelContext<CumsumKernel>, id: string) {
  const { operands: [source], shape: [, n], reverse } = kernel;
  const line = decompose(shader, id, linesOf(kernel));
  const point = (at: Coordinate) => [line[0], at, ...line.slice(1)];
  return {
    type: scalarOf(program.buffers[source.buffer].dtype),
    /** The index of the element that is number k in the order of the sums. */
    place: (k: string) => reverse ? shader.define(`${n - 1}u - ${k}`, "i") : k,
    load: (at: Coordinate) => {
      const from = shader.define(address(source.offset, source.strides, point(at)), "a");
      return shader.load(source.buffer, from);
    },
    finish: (at: Coordinate, sum: string) => writeEpilogue(shader, kernel, point(at), 1, () => sum),
  };
}

function byInvocation(context: KernelContext<CumsumKernel>) {
  const { kernel, target } = context;
  const [lines, n] = [sizeOf(linesOf(kernel)), kernel.shape[1]];
  const shader = new Shader(context, "cumsum", independentWorkgroup(target, lines));
  const { id, workgroups } = invocationIndex(shader, lines);
  const { type, place, load, finish } = lineOf(shader, context, id);
  shader.line(`var before = ${type}(0);`);
  shader.loop("0u", `${n}u`, blockLength, (block) => {
    shader.line(`var sum = ${type}(0);`);
    shader.loop(block, `min(${block} + ${blockLength}u, ${n}u)`, 1, (k) => {
      const at = place(k);
      shader.line(`sum += ${load(at)};`);
      finish(at, shader.define("before + sum"));
    });
    shader.line("before += sum;");
  });
  return shader.dispatch(workgroups);
}

function byWorkgroup(context: KernelContext<CumsumKernel>) {
  const { kernel, target } = context;
  const [lines, n] = [sizeOf(linesOf(kernel)), kernel.shape[1]];
  const lanes = Math.min(256, target.maxInvocationsPerWorkgroup);
  const shader = new Shader(context, "cumsum of long lines", [lanes, 1, 1]);
  const [columns, rows] = workgroupGrid(lines, target);
  const group = shader.define(rows === 1 ? "wid.x" : `wid.x + wid.y * ${columns}u`, "i");
  if (rows * columns !== lines) shader.line(`if (${group} >= ${lines}u) { return; }`);
  const { type, place, load, finish } = lineOf(shader, context, group);
  shader.global(`var<workgroup> sums: array<${type}, ${lanes}>;`);
  shader.line(`var before = ${type}(0);`);
  shader.loop("0u", `${n}u`, lanes, (tile) => {
    const k = shader.define(`${tile} + lane`, "i");
    const inside = n % lanes === 0 ? undefined : `${k} < ${n}u`;
    const at = place(inside ? shader.define(`min(${k}, ${n - 1}u)`, "i") : k);
    const x = shader.define(load(at));
    shader.line(`var sum = ${inside ? `select(${type}(0), ${x}, ${inside})` : x};`);
    shader.line("sums[lane] = sum;");
    for (let reach = 1; reach < lanes; reach *= 2) {
      shader.line("workgroupBarrier();");
      const other = shader.define(`select(${type}(0), sums[max(lane, ${reach}u) - ${reach}u], lane >= ${reach}u)`);
      shader.line("workgroupBarrier();");
      shader.line(`sum += ${other};`);
      shader.line("sums[lane] = sum;");
    }
    shader.line("workgroupBarrier();");
    shader.when([inside], () => finish(at, shader.define("before + sum")));
    shader.line(`before += sums[${lanes - 1}u];`);
    shader.line("workgroupBarrier();");
  });
  return shader.dispatch([columns, rows, 1]);
}
