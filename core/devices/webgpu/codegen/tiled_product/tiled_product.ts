/**
 * Products through workgroup memory, for real GPUs.
 *
 * A workgroup computes a tile of the result. It goes along the summed axis in slices: both slices are in workgroup memory, each
 * invocation multiplies its part of them in registers as vectors of four, and meanwhile the next slices are being loaded.
 *
 * @module
 */
import type { Dispatch, KernelCode, KernelContext } from "../kernel_code.ts";
import { type Coordinate, decompose } from "../shader/coordinates.ts";
import type { Lanes } from "../shader/epilogue.ts";
import { workgroupPlane } from "../shader/invocations.ts";
import { partialSumBytes, sumWriter, withPartialSums } from "../shader/partial_sums.ts";
import { Shader, u32 } from "../shader/shader.ts";
import type { Product } from "./product.ts";
import { Slices } from "./slices.ts";
import { chooseTiling, invocationsOf, lanesOf, type Tiling, usefulSplits } from "./tiling.ts";

/** How the summed axis is cut: into splits of slices. */
interface Splits {
  readonly splits: number;
  readonly slicesPerSplit: number;
}

/** Scratch memory for partial sums does not grow beyond this. */
const mostScratchBytes = 2 ** 28;

/** The shaders of a product. */
export function generateTiledProduct(context: KernelContext, product: Product): KernelCode {
  const tiling = chooseTiling(product, context.target);
  const slices = Math.ceil(product.k / tiling.depth);
  const wanted = Math.min(usefulSplits(product, tiling), Math.floor(slices / 8), 64);
  const most = Math.floor(mostScratchBytes / partialSumBytes(context.kernel, 1));
  const slicesPerSplit = Math.ceil(slices / Math.max(1, Math.min(wanted, most)));
  const splits = Math.ceil(slices / slicesPerSplit);
  return withPartialSums(context, dispatchTiles(context, product, tiling, { splits, slicesPerSplit }), splits);
}

function dispatchTiles(context: KernelContext, product: Product, tiling: Tiling, { splits, slicesPerSplit }: Splits): Dispatch {
  const { rows, columns, depth } = tiling;
  const shader = new Shader(context, `${product.label} tiled`, [invocationsOf(tiling), 1, 1]);
  const lanes = splits === 1 ? product.lanes(shader) : 1;
  const writeSums = sumWriter(shader, context.kernel, splits, lanes);
  const tilesDown = Math.ceil(product.left.lines / rows);
  const group = workgroupPlane(shader, Math.ceil(product.right.lines / columns), product.batch * splits * tilesDown);
  const [b, split, tileRow] = decompose(shader, group.id, [product.batch, splits, tilesDown]);
  const top = shader.define(`${tileRow} * ${rows}u`, "i");
  const edge = shader.define(`${group.across} * ${columns}u`, "j");
  const [down, across] = lanesOf(tiling);
  const [laneRow, laneColumn] = placeInTile(shader, [down, across]);
  const start = shader.define(`${split} * ${slicesPerSplit * depth}u`, "p");
  const end = splits === 1 ? u32(product.k) : shader.define(`min(${start} + ${slicesPerSplit * depth}u, ${product.k}u)`, "p");

  const whole = splits === 1 && product.k % depth === 0;
  const common = { depth, invocations: invocationsOf(tiling), batch: b, end: whole ? undefined : end };
  const left = new Slices(shader, product.left, { ...common, first: top, width: rows, lanes: down });
  const right = new Slices(shader, product.right, { ...common, first: edge, width: columns, lanes: across });
  const sums = sumSlices(shader, tiling, left, right, { start, slices: slicesPerSplit, laneRow, laneColumn });
  const i = shader.define(`${top} + ${laneRow} * 4u`, "i");
  const j = shader.define(`${edge} + ${laneColumn} * 4u`, "j");
  shader.when([group.inside], () => {
    storeTile(shader, product, tiling, sums, lanes, { i, j }, (values, row, column) => {
      writeSums(values, product.point(shader, b, row, column), split);
    });
  });
  return shader.dispatch(group.workgroups);
}

/**
 * Where an invocation is in the plane over the tile. Runs of 32, which a GPU executes as one, are blocks of 4 by 8: they read fewer
 * different elements of the slices than a row would.
 */
function placeInTile(shader: Shader, [down, across]: readonly [number, number]): readonly [row: Coordinate, column: Coordinate] {
  if (down % 4 !== 0 || across % 8 !== 0) {
    const [row, column] = decompose(shader, "lane", [down, across]);
    return [row, column];
  }
  const [blockRow, blockColumn, row, column] = decompose(shader, "lane", [down / 4, across / 8, 4, 8]);
  return [shader.define(`${blockRow} * 4u + ${row}`, "i"), shader.define(`${blockColumn} * 8u + ${column}`, "j")];
}

/** The slices that a workgroup goes through, and which part of its tile an invocation has. */
interface Work {
  readonly start: string;
  readonly slices: number;
  readonly laneRow: string;
  readonly laneColumn: string;
}

/** Writes the loop over slices; returns the names of the sums, by row and vector of four columns. */
function sumSlices(shader: Shader, tiling: Tiling, left: Slices, right: Slices, work: Work): string[][] {
  const { depth, ownRows, ownColumns } = tiling;
  const sums = Array.from({ length: ownRows }, (_, r) => Array.from({ length: ownColumns / 4 }, (_, c) => `s${r}_${c}`));
  for (const name of sums.flat()) shader.line(`var ${name} = vec4<f32>();`);
  const [readLeft, readRight] = [left.reader(work.laneRow), right.reader(work.laneColumn)];
  left.fetch(work.start);
  right.fetch(work.start);
  left.deposit("0u");
  right.deposit("0u");
  shader.loop("0u", u32(work.slices), 1, (slice) => {
    // The half that is written next was read before this, by all.
    shader.line("workgroupBarrier();");
    // The slice after the last is fetched too, and never used.
    const next = shader.define(`${work.start} + (${slice} + 1u) * ${depth}u`, "p");
    left.fetch(next);
    right.fetch(next);
    const half = shader.define(`${slice} & 1u`);
    for (let p = 0; p < depth; p++) {
      const x = readLeft(half, p);
      const y = readRight(half, p);
      sums.forEach((row, r) => {
        row.forEach((sum, v) => shader.line(`${sum} += ${x[Math.floor(r / 4)]}.${"xyzw"[r % 4]} * ${y[v]};`));
      });
    }
    const other = shader.define(`1u - ${half}`);
    left.deposit(other);
    right.deposit(other);
  });
  return sums;
}

/**
 * Stores an invocation's part of the tile as far as it is inside: blocks of four by four, as far apart as there are invocations along
 * the tile. The corner of the first is (i, j).
 */
function storeTile(
  shader: Shader,
  { left, right }: Product,
  tiling: Tiling,
  sums: readonly (readonly string[])[],
  lanes: Lanes,
  { i, j }: { readonly i: Coordinate; readonly j: Coordinate },
  store: (values: readonly string[], row: Coordinate, column: Coordinate) => void,
): void {
  const { rows, columns, ownColumns } = tiling;
  const [down, across] = lanesOf(tiling);
  const place = (index: number, lanes: number) => Math.floor(index / 4) * lanes * 4 + index % 4;
  sums.forEach((vectors, r) => {
    const row = shader.define(`${i} + ${place(r, down)}u`, "i");
    shader.when([left.lines % rows === 0 ? undefined : `${row} < ${left.lines}u`], () => {
      for (let c = 0; c < ownColumns; c += lanes) {
        const column = shader.define(`${j} + ${place(c, across)}u`, "j");
        const values = Array.from({ length: lanes }, (_, lane) => `${vectors[Math.floor(c / 4)]}.${"xyzw"[(c + lane) % 4]}`);
        shader.when([right.lines % columns === 0 ? undefined : `${column} < ${right.lines}u`], () => store(values, row, column));
      }
    });
  });
}
