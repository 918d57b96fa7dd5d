/**
 * Products of f64: result[b, i, j] = sum over runs r and steps p of left[b, r, i, p] * right[b, r, p, j].
 *
 * Four columns of the right matrix at a time are packed into a panel, by whoever knows where they come from: a matrix, or the pixels
 * under the taps of a convolution. Tiles of six rows by such a panel are summed in registers, two doubles in each.
 *
 * @module
 */
import type { SimpleKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { ValueType } from "../assembler/instructions.ts";
import type { WasmModule } from "../assembler/module.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { plus, plusScaled, slotAddress, splitOff } from "../emit/addresses.ts";
import { setShare } from "../emit/shares.ts";
import { piecesFor } from "../work.ts";

/** Bytes of an element. */
export const doubleBytes = 8;

/** Rows and columns of a tile: twelve vectors of sums, and three for factors. */
const [tileRows, panelColumns] = [6, 4];

/** A panel of some columns to be packed; all but `columns` are local variables. */
export interface Panel {
  readonly batch: number;
  readonly run: number;
  /** Its first column. */
  readonly column: number;
  /** How many columns it has. */
  readonly columns: number;
}

/** The product to compute. */
export interface PanelProduct {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  /** How often the panels are packed for one result, and the steps of the sum that each has. */
  readonly runs: number;
  readonly steps: number;
  /** How many steps the last run has. */
  readonly lastSteps: number;
  /** Pushes the address of left[b, r, 0, 0]. */
  readonly pushLeft: (c: FunctionWriter, batch: number, run: number) => void;
  /** In the left matrix from row to row and from step to step, in elements. */
  readonly leftRow: number;
  readonly leftStep: number;
  /** Pushes the elements of a step one after the other, each of which `store` takes. The steps are counted by a local variable. */
  readonly eachStep: (c: FunctionWriter, panel: Panel, steps: number, step: (push: (column: number) => void) => void) => void;
}

/** Writes the product: as one phase, and another for what is done to the results. */
export function panelProduct(context: GeneratorContext, kernel: SimpleKernel, product: PanelProduct): readonly Phase[] {
  const { module, threads } = context;
  const { batch, m, n, runs, steps } = product;
  const multiplyAdds = batch * m * n * runs * steps;
  const pieces = piecesFor(threads, { multiplyAdds: 4 * multiplyAdds });
  const { slot, func: epilogue } = context.epilogue(kernel);
  const func = writeTiles(context, product, slot, pieces);
  if (epilogue === undefined) return [{ func, pieces }];
  const columns = kernel.shape.at(-1)!;
  const finish = module.func({ params: phaseParams }, (c) => {
    const [from, to] = c.locals("i32", 2);
    setShare(c, phaseLocals.piece, pieces, sizeOf(kernel.shape) / columns, from, to);
    slotAddress(c.get(phaseLocals.table), slot).get(from).get(to).i32(0).i32(columns).call(epilogue);
  });
  return [{ func, pieces }, { func: finish, pieces }];
}

/** A phase whose pieces share the panels, and where these are few also the rows. */
function writeTiles(context: GeneratorContext, product: PanelProduct, slot: number, pieces: number): number {
  const { module } = context;
  const { batch, m, n, runs, steps, lastSteps, leftRow, pushLeft } = product;
  const panels = Math.ceil(n / panelColumns);
  const rowTiles = Math.ceil(m / tileRows);
  const chunks = Math.min(rowTiles, Math.ceil(pieces / (batch * panels)));
  context.privateScratch(steps * panelColumns * doubleBytes);
  const widths = [...new Set([Math.min(n, panelColumns), n % panelColumns || panelColumns])];
  const writers = new Map(widths.map((columns) => [columns, {
    pack: writePack(module, product, columns),
    tiles: new Map(
      [...new Set([Math.min(m, tileRows), m % tileRows || tileRows])].map((rows) =>
        [rows, writeTile(module, product, rows, columns)] as const
      ),
    ),
  }]));
  return module.func({ params: phaseParams }, (c) => {
    const [unit, to, chunk, panel, image, run, count] = c.locals("i32", 7);
    const [tile, lastTile, left, result] = c.locals("i32", 4);
    setShare(c, phaseLocals.piece, pieces, batch * panels * chunks, unit, to);
    /** The panel and its tiles, whose number of columns is known. */
    const writePanel = (columns: number) => {
      const { pack, tiles } = writers.get(columns)!;
      c.get(phaseLocals.table).get(phaseLocals.scratch).get(image).get(run).get(panel).get(count).call(pack);
      setShare(c, chunk, chunks, rowTiles, tile, lastTile);
      pushLeft(c, image, run);
      plusScaled(c, tile, tileRows * leftRow * doubleBytes).set(left);
      slotAddress(c, slot);
      plusScaled(plusScaled(c, image, m * n * doubleBytes), tile, tileRows * n * doubleBytes);
      plusScaled(c, panel, panelColumns * doubleBytes).set(result);
      c.forRange(tile, tile, lastTile, () => {
        const callTile = (rows: number) => {
          c.get(left).get(phaseLocals.scratch).get(result).get(count).get(run).call(tiles.get(rows)!);
        };
        byPosition(c, tile, m, tileRows, callTile);
        c.increment(left, tileRows * leftRow * doubleBytes).increment(result, tileRows * n * doubleBytes);
      });
    };
    c.forRange(unit, unit, to, () => {
      c.get(unit).set(image);
      splitOff(c, image, chunks, chunk);
      splitOff(c, image, panels, panel);
      c.for(run, 0, runs, 1, () => {
        c.i32(lastSteps).i32(steps).get(run).i32(runs - 1).op("i32.eq").op("select").set(count);
        byPosition(c, panel, n, panelColumns, writePanel);
      });
    });
  });
}

/** Calls `write` with the extent of part number `index` of `total` that is cut into parts of `extent`: the last may be smaller. */
function byPosition(c: FunctionWriter, index: number, total: number, extent: number, write: (extent: number) => void): void {
  const rest = total % extent;
  if (rest === 0) return write(extent);
  if (total < extent) return write(rest);
  c.get(index).i32(Math.floor(total / extent)).op("i32.lt_u").if(() => write(extent), () => write(rest));
}

/** Writes a function (table, panel address, batch, run, panel number, steps): packs a panel, with zeros beside it. */
function writePack(module: WasmModule, { eachStep }: PanelProduct, columns: number): number {
  const params: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i32", "i32"];
  return module.func({ params }, (c) => {
    const [, to, batch, run, column, steps] = params.keys();
    c.get(column).i32(panelColumns).op("i32.mul").set(column);
    eachStep(c, { batch, run, column, columns }, steps, (push) => {
      for (let each = 0; each < panelColumns; each++) {
        c.get(to);
        if (each < columns) push(each);
        else c.f64(0);
        c.mem("f64.store", each * doubleBytes);
      }
      c.increment(to, panelColumns * doubleBytes);
    });
  });
}

/** Writes a function (left, panel, result, steps, add): a tile of the result, to which it adds if `add` is not 0. */
function writeTile(module: WasmModule, { n, leftRow, leftStep }: PanelProduct, rows: number, columns: number): number {
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [left, panel, result, steps, add] = [0, 1, 2, 3, 4];
    const vectors = Math.ceil(columns / 2);
    const sums = Array.from({ length: rows }, () => c.locals("v128", vectors));
    const rights = c.locals("v128", vectors);
    const factor = c.local("v128");
    const eachSum = (body: (sum: number, offset: number, isPair: boolean) => void) =>
      sums.forEach((line, row) => line.forEach((sum, v) => body(sum, (row * n + 2 * v) * doubleBytes, 2 * v + 1 < columns)));
    c.get(add).if(() =>
      eachSum((sum, offset, isPair) => {
        if (isPair) c.get(result).mem("v128.load", offset).set(sum);
        else c.get(result).mem("v128.load64_splat", offset).set(sum);
      })
    );
    c.get(steps).if(() =>
      c.loop(() => {
        rights.forEach((to, v) => c.get(panel).mem("v128.load", 2 * v * doubleBytes).set(to));
        sums.forEach((line, row) => {
          plus(c.get(left), row * leftRow * doubleBytes).mem("v128.load64_splat").set(factor);
          line.forEach((sum, v) => c.get(factor).get(rights[v]).get(sum).op("f64x2.relaxed_madd").set(sum));
        });
        c.increment(left, leftStep * doubleBytes).increment(panel, panelColumns * doubleBytes);
        c.increment(steps, -1).get(steps).brIf(0);
      })
    );
    eachSum((sum, offset, isPair) => {
      c.get(result).get(sum);
      if (isPair) c.mem("v128.store", offset);
      else c.lane("f64x2.extract_lane", 0).mem("f64.store", offset);
    });
  });
}
