/**
 * Matrix products: result[b, i, j] = sum over p of lhs[b, i, p] rhs[b, p, j], with any strides.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../kernel.ts";
import { address, decompose, invocation, lonelyWorkgroup } from "./domain.ts";
import { storesFunction } from "./epilogue.ts";
import { type KernelCode, type KernelContext, Shader, u32 } from "./shader.ts";

/** Rows and columns of one invocation. */
interface Tile {
  readonly rows: number;
  readonly columns: number;
}

/** The shaders of a matrix product. */
export function generateMatmul(context: KernelContext<MatmulKernel>): KernelCode {
  return registerTile(context, { rows: 4, columns: 8 });
}

/** One invocation computes a tile in registers, straight from the operands: no barriers. */
function registerTile(context: KernelContext<MatmulKernel>, tile: Tile): KernelCode {
  const { kernel } = context;
  const [batch, m, n] = kernel.shape;
  const rows = Math.min(tile.rows, m);
  const columns = Math.min(tile.columns, n);
  const tiles = [batch, Math.ceil(m / rows), Math.ceil(n / columns)];
  const total = tiles[0] * tiles[1] * tiles[2];
  const shader = new Shader(context, "matmul", lonelyWorkgroup(context.target, total));
  const finish = storesFunction(shader, kernel, 3, "f32");
  const { id, workgroups } = invocation(shader, total);
  const [b, tileRow, tileColumn] = decompose(shader, id, tiles);
  const i = shader.define(`${tileRow} * ${rows}u`, "i");
  const j = shader.define(`${tileColumn} * ${columns}u`, "j");
  const left = lines(shader, kernel.lhs, b, i, rows, m, 1);
  const right = lines(shader, kernel.rhs, b, j, columns, n, 2);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) shader.line(`var s${r}_${c} = 0.0;`);
  }
  const step = (p: string): void => {
    const x = left.map((base) =>
      shader.define(shader.load(kernel.lhs.buffer, `(${base} + ${p} * ${u32(kernel.lhs.strides[2])})`))
    );
    const y = right.map((base) =>
      shader.define(shader.load(kernel.rhs.buffer, `(${base} + ${p} * ${u32(kernel.rhs.strides[1])})`))
    );
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) shader.line(`s${r}_${c} += ${x[r]} * ${y[c]};`);
    }
  };
  const main = kernel.k - kernel.k % 4;
  if (main > 0) {
    shader.line(`for (var p = 0u; p < ${main}u; p += 4u) {`);
    for (let q = 0; q < 4; q++) step(shader.define(`p + ${q}u`));
    shader.line("}");
  }
  for (let p = main; p < kernel.k; p++) step(u32(p));
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const guards = [m % rows ? `${i} + ${r}u < ${m}u` : "", n % columns ? `${j} + ${c}u < ${n}u` : ""].filter((g) => g);
      const call = finish(`s${r}_${c}`, [b, `${i} + ${r}u`, `${j} + ${c}u`]);
      shader.line(guards.length > 0 ? `if (${guards.join(" && ")}) { ${call} }` : call);
    }
  }
  return { dispatches: [shader.finish(workgroups)], scratchBytes: 0 };
}

/** The addresses where the rows (or columns) of a tile start; those past the end repeat the last. */
function lines(shader: Shader, operand: Access, b: string, first: string, count: number, extent: number, axis: 1 | 2): string[] {
  return Array.from({ length: count }, (_, i) => {
    const at = extent % count === 0 ? `(${first} + ${i}u)` : `min(${first} + ${i}u, ${extent - 1}u)`;
    return shader.define(address(operand.offset, [operand.strides[0], operand.strides[axis]], [b, at]), "a");
  });
}
