/**
 * Products of f64: result[b, i, j] = sum over runs r and steps p of left[b, r, i, p] * right[b, r, p, j].
 *
 * Four columns of the right matrix at a time are packed into a panel, by whoever knows where they come from: a matrix, or the pixels
 * under the taps of a convolution. As many panels as stay in a core's cache are packed before they are used; six rows of the left
 * matrix, packed as well, then meet all of them. Tiles of six rows by four columns are summed in registers, two doubles in each: a vector
 * of two rows times one of two columns, and the same with the rows exchanged.
 *
 * @module
 */
import type { SimpleKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { ValueType } from "../assembler/instructions.ts";
import type { WasmModule } from "../assembler/module.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { plus, plusScaled, setMin, slotAddress, splitOff } from "../emit/addresses.ts";
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

/** Bytes of panels that stay in a core's cache beside all that is used with them. */
const blockBytes = 1 << 18;

/** Rows for which it is worth to pack panels once more. */
const leastRows = 256;

/** Panels in blocks that stay in a core's cache, and tiles of rows in chunks. */
function cutUp({ batch, m, n, steps }: PanelProduct, threads: number, pieces: number) {
  const panels = Math.ceil(n / panelColumns);
  const rowTiles = Math.ceil(m / tileRows);
  const panelBytes = steps * panelColumns * doubleBytes;
  const most = Math.max(1, Math.min(Math.floor(blockBytes / panelBytes), Math.ceil(batch * panels / threads)));
  const blocks = Math.ceil(panels / most);
  const wanted = (units: number) => Math.ceil(units / (batch * blocks));
  const chunks = Math.min(rowTiles, Math.max(wanted(threads), Math.min(wanted(pieces), Math.floor(m / leastRows))));
  return { panels, panelBytes, blocks, perBlock: Math.ceil(panels / blocks), rowTiles, chunks };
}

/** A phase whose pieces share blocks of panels, and where these are few also the rows. */
function writeTiles(context: GeneratorContext, product: PanelProduct, slot: number, pieces: number): number {
  const { module, threads } = context;
  const { batch, m, n, runs, steps, lastSteps, leftRow, pushLeft } = product;
  const { panels, panelBytes, blocks, perBlock, rowTiles, chunks } = cutUp(product, threads, pieces);
  const leftBytes = steps * tileRows * doubleBytes;
  context.privateScratch(leftBytes + perBlock * panelBytes);
  const extents = (total: number, extent: number) => [...new Set([Math.min(total, extent), total % extent || extent])];
  const packPanel = new Map(extents(n, panelColumns).map((columns) => [columns, writePack(module, product, columns)]));
  const packLeft = new Map(extents(m, tileRows).map((rows) => [rows, writePackLeft(module, product, rows)]));
  const tiles = new Map(
    [...packLeft.keys()].map((rows) =>
      [rows, new Map([...packPanel.keys()].map((columns) => [columns, writeTile(module, product, rows, columns)]))] as const
    ),
  );
  return module.func({ params: phaseParams }, (c) => {
    const [unit, to, chunk, block, image, run, count] = c.locals("i32", 7);
    const [panel, firstPanel, lastPanel, packed, tile, lastTile, left, line, result] = c.locals("i32", 9);
    setShare(c, phaseLocals.piece, pieces, batch * blocks * chunks, unit, to);
    const eachPanel = (body: (columns: number) => void) => {
      c.get(phaseLocals.scratch).i32(leftBytes).op("i32.add").set(packed);
      c.forRange(panel, firstPanel, lastPanel, () => {
        byPosition(c, panel, n, panelColumns, body);
        c.increment(packed, panelBytes);
      });
    };
    /** Six rows by all panels. */
    const writeLine = (rows: number) => {
      c.get(left).get(phaseLocals.scratch).get(count).call(packLeft.get(rows)!);
      c.get(line).set(result);
      eachPanel((columns) => {
        c.get(phaseLocals.scratch).get(packed).get(result).get(count).get(run).call(tiles.get(rows)!.get(columns)!);
        c.increment(result, panelColumns * doubleBytes);
      });
    };
    c.forRange(unit, unit, to, () => {
      c.get(unit).set(image);
      splitOff(c, image, chunks, chunk);
      splitOff(c, image, blocks, block);
      c.get(block).i32(perBlock).op("i32.mul").set(firstPanel);
      c.get(firstPanel).i32(perBlock).op("i32.add").set(lastPanel);
      setMin(c, lastPanel, lastPanel, () => c.i32(panels));
      c.for(run, 0, runs, 1, () => {
        c.i32(lastSteps).i32(steps).get(run).i32(runs - 1).op("i32.eq").op("select").set(count);
        eachPanel((columns) => {
          c.get(phaseLocals.table).get(packed).get(image).get(run).get(panel).get(count).call(packPanel.get(columns)!);
        });
        setShare(c, chunk, chunks, rowTiles, tile, lastTile);
        pushLeft(c, image, run);
        plusScaled(c, tile, tileRows * leftRow * doubleBytes).set(left);
        slotAddress(c, slot);
        plusScaled(plusScaled(c, image, m * n * doubleBytes), tile, tileRows * n * doubleBytes);
        plusScaled(c, firstPanel, panelColumns * doubleBytes).set(line);
        c.forRange(tile, tile, lastTile, () => {
          byPosition(c, tile, m, tileRows, writeLine);
          c.increment(left, tileRows * leftRow * doubleBytes).increment(line, tileRows * n * doubleBytes);
        });
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

/** Writes a function (left, to, steps): packs rows of the left matrix, those of a step beside each other, with zeros for missing ones. */
function writePackLeft(module: WasmModule, { leftRow, leftStep }: PanelProduct, rows: number): number {
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [left, to, steps] = [0, 1, 2];
    const [a, b] = c.locals("v128", 2);
    const at = (row: number, step: number) => plus(c.get(left), (row * leftRow + step * leftStep) * doubleBytes);
    /** Moves what is at two rows in some steps. */
    const eachPair = (body: (row: number, isPair: boolean, to: number) => void) => {
      for (let row = 0; row < tileRows; row += 2) if (row < rows) body(row, row + 1 < rows, row * doubleBytes);
    };
    const oneStep = () => {
      eachPair((row, isPair, offset) => {
        c.get(to);
        at(row, 0).mem("v128.load64_zero");
        if (isPair) {
          c.set(a);
          at(row + 1, 0).get(a).memLane("v128.load64_lane", 1);
        }
        c.mem("v128.store", offset);
      });
      c.increment(left, leftStep * doubleBytes).increment(to, tileRows * doubleBytes).increment(steps, -1);
    };
    const twoSteps = () => {
      eachPair((row, isPair, offset) => {
        at(row, 0).mem("v128.load").set(a);
        if (isPair) at(row + 1, 0).mem("v128.load").set(b);
        else c.i32x4(0).set(b);
        c.get(to).get(a).get(b).shuffle32([0, 1, 4, 5]).mem("v128.store", offset);
        c.get(to).get(a).get(b).shuffle32([2, 3, 6, 7]).mem("v128.store", offset + tileRows * doubleBytes);
      });
      c.increment(left, 2 * leftStep * doubleBytes).increment(to, 2 * tileRows * doubleBytes).increment(steps, -2);
    };
    const repeat = (least: number, body: () => void) =>
      c.block(() =>
        c.loop(() => {
          c.get(steps).i32(least).op("i32.lt_s").brIf(1);
          body();
          c.br(0);
        })
      );
    if (leftStep === 1) repeat(2, twoSteps);
    repeat(1, oneStep);
  });
}

/** Writes a function (left, panel, result, steps, add): a tile of the result, to which it adds if `add` is not 0. */
function writeTile(module: WasmModule, { n }: PanelProduct, rows: number, columns: number): number {
  return module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [left, panel, result, steps, add] = [0, 1, 2, 3, 4];
    const pairs = Math.ceil(columns / 2);
    // Of rows i, i + 1 and columns j, j + 1: the sums at (i, j) and (i + 1, j + 1), and those at (i + 1, j) and (i, j + 1).
    const sums = Array.from({ length: Math.ceil(rows / 2) }, () => [c.locals("v128", pairs), c.locals("v128", pairs)]);
    const rights = c.locals("v128", pairs);
    const factor = c.local("v128");
    const eachBlock = (body: (along: number, across: number, row: number, column: number) => void) =>
      sums.forEach(([along, across], i) => along.forEach((sum, j) => body(sum, across[j], 2 * i, 2 * j)));
    const address = (row: number, column: number) => (row * n + column) * doubleBytes;
    const load = (row: number, column: number) => {
      if (row >= rows) c.i32x4(0);
      else c.get(result).mem(column + 1 < columns ? "v128.load" : "v128.load64_zero", address(row, column));
    };
    const store = (row: number, column: number, push: () => void) => {
      if (row >= rows) return;
      c.get(result);
      push();
      if (column + 1 < columns) c.mem("v128.store", address(row, column));
      else c.memLane("v128.store64_lane", 0, address(row, column));
    };
    c.get(add).if(() =>
      eachBlock((along, across, row, column) => {
        load(row, column);
        c.set(along);
        load(row + 1, column);
        c.set(across);
        c.get(along).get(across).shuffle32([4, 5, 2, 3]).get(along).get(across).shuffle32([0, 1, 6, 7]).set(along).set(across);
      })
    );
    const step = (index: number) => addProducts(c, sums, [left, index * tileRows], [panel, index * panelColumns], rights, factor);
    const advance = (count: number) =>
      c.increment(left, count * tileRows * doubleBytes).increment(panel, count * panelColumns * doubleBytes)
        .increment(steps, -count);
    c.get(steps).i32(1).op("i32.and").if(() => {
      step(0);
      advance(1);
    });
    c.get(steps).if(() =>
      c.loop(() => {
        step(0);
        step(1);
        advance(2).get(steps).brIf(0);
      })
    );
    eachBlock((along, across, row, column) => {
      store(row, column, () => c.get(along).get(across).shuffle32([0, 1, 6, 7]));
      store(row + 1, column, () => c.get(across).get(along).shuffle32([0, 1, 6, 7]));
    });
  });
}

/** Adds the products of a step: of the rows at an element behind `left` and the columns at one behind `panel`. All are locals. */
function addProducts(
  c: FunctionWriter,
  sums: readonly (readonly (readonly number[])[])[],
  [left, firstRow]: readonly [left: number, element: number],
  [panel, firstColumn]: readonly [panel: number, element: number],
  rights: readonly number[],
  factor: number,
): void {
  rights.forEach((to, j) => c.get(panel).mem("v128.load", (firstColumn + 2 * j) * doubleBytes).set(to));
  sums.forEach((pair, i) =>
    pair.forEach((line, exchanged) => {
      if (exchanged) c.get(factor).get(factor).shuffle32([2, 3, 0, 1]).set(factor);
      else c.get(left).mem("v128.load", (firstRow + 2 * i) * doubleBytes).set(factor);
      line.forEach((sum, j) => c.get(factor).get(rights[j]).get(sum).op("f64x2.relaxed_madd").set(sum));
    })
  );
}
