/**
 * Matrix products in registers, for software adapters and small matrices: every invocation holds a tile of the result. The lines of one
 * side are spread over the invocations of a workgroup, those of the other are the same for all of them.
 *
 * @module
 */
import type { MatmulKernel } from "../../../../ir/kernel.ts";
import type { Dispatch, KernelCode, KernelContext } from "../kernel_code.ts";
import { address, type Coordinate, decompose } from "../shader/coordinates.ts";
import { epilogueLanes } from "../shader/epilogue.ts";
import { workgroupPlane } from "../shader/invocations.ts";
import { sumWriter, withPartialSums } from "../shader/partial_sums.ts";
import { Shader, u32 } from "../shader/shader.ts";
import { UniformLoads } from "../shader/uniform_loads.ts";
import { planRegisterTiles, type RegisterPlan, type Side, sidesOf } from "./register_plan.ts";
import { SpreadLines } from "./spread_lines.ts";

/** The shaders of such a product. */
export function generateRegisterTiles(context: KernelContext<MatmulKernel>): KernelCode {
  const plan = planRegisterTiles(context.kernel, context.target);
  return withPartialSums(context, dispatchTiles(context, plan), plan.splits);
}

function dispatchTiles(context: KernelContext<MatmulKernel>, plan: RegisterPlan): Dispatch {
  const { kernel, target } = context;
  const { spreadLines, uniformLines, splits } = plan;
  const [batch] = kernel.shape;
  const { spread, uniform } = sidesOf(kernel, plan.spread);
  const across = Math.ceil(spread.lines / spreadLines);
  const width = target.subgroupSize || 8;
  const size = Math.min(target.software ? 32 : 64, Math.ceil(across / width) * width);
  const shader = new Shader(context, "matmul", [size, 1, 1]);
  const storesRows = splits === 1 && plan.spread === "right" && spreadLines === 4 && spread.lines % 4 === 0;
  const lanes = storesRows ? epilogueLanes(shader, kernel, spread.lines) : 1;
  const writeSums = sumWriter(shader, kernel, splits, lanes);
  const uniformTiles = Math.ceil(uniform.lines / uniformLines);
  const group = workgroupPlane(shader, Math.ceil(across / size), batch * uniformTiles * splits);
  const [split, b, uniformTile] = decompose(shader, group.id, [splits, batch, uniformTiles]);
  const exact = across % size === 0;
  const id = exact ? group.invocation : shader.define(`min(${group.invocation}, ${across - 1}u)`, "i");
  const spreadFirst = shader.define(`${id} * ${spreadLines}u`, "x");
  const uniformFirst = shader.define(`${uniformTile} * ${uniformLines}u`, "y");

  const sums = Array.from({ length: uniformLines }, (_, r) => Array.from({ length: spreadLines }, (_, c) => `s${r}_${c}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  addProducts(shader, kernel.k, plan, sums, { spread, uniform, b, spreadFirst, uniformFirst, split });

  shader.when([group.inside, exact ? undefined : `${group.invocation} < ${across}u`], () => {
    forEachLine(shader, uniform, uniformFirst, uniformLines, 1, (r, uniformLine) => {
      forEachLine(shader, spread, spreadFirst, spreadLines, lanes, (c, spreadLine) => {
        const [i, j] = plan.spread === "right" ? [uniformLine, spreadLine] : [spreadLine, uniformLine];
        writeSums(sums[r].slice(c, c + lanes), [b, i, j], split);
      });
    });
  });
  return shader.dispatch(group.workgroups);
}

/** Writes `body` for every `step`-th line of a tile, where there is one. */
function forEachLine(
  shader: Shader,
  { lines }: Side,
  first: Coordinate,
  count: number,
  step: number,
  body: (index: number, line: Coordinate) => void,
): void {
  for (let index = 0; index < count; index += step) {
    const line = shader.define(`${first} + ${index}u`, "i");
    shader.when([lines % count === 0 ? undefined : `${line} < ${lines}u`], () => body(index, line));
  }
}

/** The tile of an invocation, and which split of its sums. */
interface Position {
  readonly spread: Side;
  readonly uniform: Side;
  readonly b: Coordinate;
  readonly spreadFirst: Coordinate;
  readonly uniformFirst: Coordinate;
  readonly split: Coordinate;
}

/** The loop over the summed axis. */
function addProducts(shader: Shader, k: number, plan: RegisterPlan, sums: readonly (readonly string[])[], at: Position): void {
  const { spreadLines, uniformLines, depth, splits, stepsPerSplit } = plan;
  const { spread, uniform, split } = at;
  const lines = new SpreadLines(shader, spread, spreadLines, at.b, at.spreadFirst);
  const base = shader.define(address(uniform.access.offset, [uniform.batchStride], [at.b]), "a");
  const turn = (p: string, count: number, loads: UniformLoads): void => {
    const x = lines.load(p, count);
    const y = loads.at(shader.define(`${base} + ${p} * ${u32(uniform.stepStride)}`, "a"));
    for (let q = 0; q < count; q++) {
      for (let r = 0; r < uniformLines; r++) {
        for (let c = 0; c < spreadLines; c++) shader.line(`${sums[r][c]} += ${x[q][c]} * ${y[r * count + q]};`);
      }
    }
  };
  const whole = k - k % depth;
  const rest = k - whole;
  const restLoads = rest > 0 ? uniformLoads(shader, plan, rest, at) : undefined;
  if (whole > 0) {
    const loads = uniformLoads(shader, plan, depth, at);
    const start = splits === 1 ? "0u" : shader.define(`${split} * ${stepsPerSplit}u`, "p");
    const end = splits === 1 ? u32(whole) : shader.define(`min(${start} + ${stepsPerSplit}u, ${whole}u)`, "p");
    shader.loop(start, end, depth, (p) => turn(p, depth, loads));
  }
  // What is left goes to the last split.
  if (restLoads) shader.when([splits === 1 ? undefined : `${split} == ${splits - 1}u`], () => turn(u32(whole), rest, restLoads));
}

/** Loads of the uniform lines: by line, then by step. */
function uniformLoads(
  shader: Shader,
  { uniformLines }: RegisterPlan,
  steps: number,
  { uniform, uniformFirst }: Position,
): UniformLoads {
  return new UniformLoads(shader, uniform.access.buffer, uniformLines * steps, (index) => {
    const line = `${uniformFirst} + ${index} / ${steps}u`;
    const clamped = uniform.lines % uniformLines === 0 ? `(${line})` : `min(${line}, ${uniform.lines - 1}u)`;
    return `${clamped} * ${u32(uniform.lineStride)} + (${index} % ${steps}u) * ${u32(uniform.stepStride)}`;
  });
}
