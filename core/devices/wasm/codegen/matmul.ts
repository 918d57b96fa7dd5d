/**
 * Matrix products: result[b, i, j] = sum over p of lhs[b, i, p] * rhs[b, p, j], any strides, f32.
 *
 * Around the micro-kernel of 6 rows by 8 (or 16) columns stands the usual blocking (Goto and van de Geijn, "Anatomy of
 * high-performance matrix multiplication", 2008): the right matrix is packed in panels of as many columns that stay in the first-level
 * cache while the rows of the left pass by; the left is read in place or packed in blocks of 6 rows. Threads form a grid over batch, rows and columns,
 * each packing what it needs, so that one phase does.
 *
 * Products of few rows where both operands are contiguous along the inner axis (one sample through a linear layer) are sums of
 * elementwise products of vectors instead: nothing is packed for so little use.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../../../ir/kernel.ts";
import type { FunctionWriter } from "./assembler/function_writer.ts";
import {
  type BoxEpilogue,
  type GeneratorContext,
  type KernelGenerator,
  type Phase,
  phaseLocals,
  phaseParams,
} from "./context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "./emit/addresses.ts";
import { type Blocks, blockSizes, blockStart, evenBlocks, roundUp } from "./emit/blocks.ts";
import { unrolled } from "./emit/loops.ts";
import { setShare } from "./emit/shares.ts";
import { floatBytes, pushLaneSums, storeLanes, vectorLanes } from "./emit/vectors.ts";
import { maxTileRows, microKernel, narrowTile, type TileColumns, tileColumnsFor } from "./microkernel.ts";
import { packPanel } from "./pack.ts";
import { serialMultiplyAdds } from "./work.ts";

/** Most steps of the inner product at a time: a panel of 8 or 16 columns and a block of 6 rows then fit the first-level cache together. */
const INNER_BLOCK = 400;
/** Blocks of rows that are packed together: with INNER_BLOCK about 150 KiB, for the second-level cache. */
const ROW_BLOCKS = 16;
/** Columns that are packed together. */
const COLUMNS_TOGETHER = 512;
/** Offsets beyond this are not written into instructions. */
const FAR = 2 ** 26;

/** A matrix operand: where it begins and its strides in elements. */
interface Matrix {
  readonly access: Access;
  readonly batch: number;
  readonly row: number;
  readonly column: number;
}

/** The product to compute, after simplification. */
interface Product {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lhs: Matrix;
  readonly rhs: Matrix;
  /** Rows and columns are exchanged against the kernel's: done for a single column, where the result is contiguous either way. */
  readonly exchanged: boolean;
}

/** How many parts the threads cut each axis into. */
interface Grid {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
}

/** Matrix products. */
export const matmul: KernelGenerator<MatmulKernel> = (context, kernel) => {
  const product = simplify(kernel);
  const { batch, m, n, k } = product;
  if (batch === 0 || m === 0 || n === 0) return [];
  const madds = batch * m * n * k;
  const serial = context.threads === 1 || madds < serialMultiplyAdds;
  const threads = serial ? 1 : context.threads;
  const func = prefersDot(product)
    ? dotProduct(context, kernel, product, threads)
    : outerProduct(context, kernel, planOuter(product, threads, tileColumnsFor(context, n, madds)));
  const phase: Phase = { func, serial };
  return [phase];
};

/** Merges a batch that shares the right matrix into rows, and turns a single column into a single row. */
function simplify(kernel: MatmulKernel): Product {
  let [batch, m] = kernel.shape;
  const n = kernel.shape[2];
  const k = kernel.k;
  // The stride of an axis of one element means nothing: let it not stand in the way of a fast path.
  const stride = (extent: number, value: number, otherwise: number) => extent === 1 ? otherwise : value;
  let lhs: Matrix = {
    access: kernel.operands[0],
    batch: stride(batch, kernel.operands[0].strides[0], 0),
    row: stride(m, kernel.operands[0].strides[1], 0),
    column: stride(k, kernel.operands[0].strides[2], 1),
  };
  let rhs: Matrix = {
    access: kernel.operands[1],
    batch: stride(batch, kernel.operands[1].strides[0], 0),
    row: stride(k, kernel.operands[1].strides[1], 1),
    column: stride(n, kernel.operands[1].strides[2], 1),
  };
  if (batch > 1 && rhs.batch === 0 && (m === 1 || lhs.batch === m * lhs.row)) {
    if (m === 1) lhs = { ...lhs, row: lhs.batch };
    m *= batch;
    batch = 1;
    lhs = { ...lhs, batch: 0 };
  }
  if (n === 1 && m > 1) {
    const turned = (matrix: Matrix): Matrix => ({ ...matrix, row: matrix.column, column: matrix.row });
    [lhs, rhs] = [turned(rhs), turned(lhs)];
    return { batch, m: 1, n: m, k, lhs, rhs, exchanged: true };
  }
  return { batch, m, n, k, lhs, rhs, exchanged: false };
}

/** The split of `threads` over batch, row blocks and column panels with the least work for the busiest thread. */
function chooseGrid(threads: number, batch: number, rowBlocks: number, columnBlocks: number): Grid {
  let best: Grid = { batch: 1, rows: 1, columns: 1 };
  let least = Infinity;
  for (let b = 1; b <= threads; b++) {
    if (threads % b !== 0) continue;
    for (let r = 1; r <= threads / b; r++) {
      if ((threads / b) % r !== 0) continue;
      const columns = threads / b / r;
      const rowsHere = Math.ceil(rowBlocks / r);
      const columnsHere = Math.ceil(columnBlocks / columns);
      // A panel is packed in half the time one block of rows needs with it, a block of rows in a third.
      const cost = Math.ceil(batch / b) * (rowsHere * columnsHere + columnsHere / 2 + rowsHere / 3);
      if (cost < least) [least, best] = [cost, { batch: b, rows: r, columns }];
    }
  }
  return best;
}

/** Locals of a phase that hold the thread's part of the product: from, to for each axis (batch, blocks of rows, of columns). */
interface Part {
  readonly batch: readonly [number, number];
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
}

/** Writes the code that finds the thread's part. */
function setPart(c: FunctionWriter, thread: number, grid: Grid, batch: number, rowBlocks: number, columnBlocks: number): Part {
  const pair = () => c.locals("i32", 2);
  const part: Part = { batch: pair(), rows: pair(), columns: pair() };
  const along = (parts: number, divisor: number, total: number, [from, to]: readonly [number, number]) => {
    if (parts === 1) return setShare(c, undefined, 1, total, from, to);
    const index = c.local("i32");
    c.get(thread).i32(divisor).op("i32.div_u").i32(parts).op("i32.rem_u").set(index);
    setShare(c, index, parts, total, from, to);
    c.release("i32", index);
  };
  along(grid.columns, 1, columnBlocks, part.columns);
  along(grid.rows, grid.columns, rowBlocks, part.rows);
  along(grid.batch, grid.columns * grid.rows, batch, part.batch);
  return part;
}

/** Calls the epilogue, if there is one, for a box of rows and columns of the product. */
function finishBox(
  c: FunctionWriter,
  epilogue: BoxEpilogue,
  product: Product,
  batch: number,
  box: {
    readonly own?: () => void;
    readonly rows: readonly [() => void, () => void];
    readonly columns: readonly [() => void, () => void];
  },
): void {
  if (epilogue.func === undefined) return;
  const [table] = phaseParams.keys();
  c.get(table);
  if (epilogue.slot === undefined) box.own?.();
  else slotAddress(c, epilogue.slot);
  const long = product.exchanged ? box.columns : box.rows;
  for (const push of long) {
    push();
    plusScaled(c, batch, product.exchanged ? product.n : product.m);
  }
  if (product.exchanged) c.i32(0).i32(1);
  else for (const push of box.columns) push();
  c.call(epilogue.func);
}

// --- outer products -------------------------------------------------------------------------------------------------------------

/** How the outer-product form handles one product. */
interface OuterPlan {
  readonly product: Product;
  readonly grid: Grid;
  readonly rowBlocks: Blocks;
  readonly panelColumns: number;
  readonly panels: number;
  /** Columns of the last panel if it is not full, else 0. */
  readonly rest: number;
  readonly innerBlocks: number;
  readonly innerSize: number;
  readonly packLhs: boolean;
  readonly packRhs: boolean;
  /** Rows and panels of a box, which is finished before the next begins (if the inner product is done in one go). */
  readonly rowsTogether: number;
  readonly panelsTogether: number;
}

function planOuter(product: Product, threads: number, tileColumns: TileColumns): OuterPlan {
  const { batch, m, n, k, lhs, rhs } = product;
  const rowBlocks = evenBlocks(m, maxTileRows);
  // One or two rows need more columns for as many independent sums.
  const panelColumns = m === 1 ? 4 * tileColumns : m === 2 ? 2 * tileColumns : tileColumns;
  const panels = Math.ceil(n / panelColumns);
  const grid = chooseGrid(threads, batch, rowBlocks.count, panels);
  const panelsHere = Math.ceil(panels / grid.columns);
  const blocksHere = Math.ceil(rowBlocks.count / grid.rows);
  const innerBlocks = Math.max(1, Math.ceil(k / INNER_BLOCK));
  const near = (matrix: Matrix) =>
    [matrix.row, matrix.column].every((stride) => stride >= 0 && stride * tileColumns * floatBytes < FAR);
  const lhsInPlace = near(lhs) && (panelsHere < 4 || (lhs.column === 1 && blocksHere <= ROW_BLOCKS));
  const rhsInPlace = near(rhs) && rhs.column === 1 && blocksHere <= 2;
  return {
    product,
    grid,
    rowBlocks,
    panelColumns,
    panels,
    rest: n % panelColumns,
    innerBlocks,
    innerSize: roundUp(Math.ceil(k / innerBlocks), 4),
    packLhs: !lhsInPlace,
    packRhs: !rhsInPlace,
    rowsTogether: lhsInPlace ? rowBlocks.count : Math.min(ROW_BLOCKS, rowBlocks.count),
    panelsTogether: Math.min(Math.ceil(COLUMNS_TOGETHER / panelColumns), panels),
  };
}

/** The micro-kernel for `rows` by `columns`. */
function tileKernel(
  context: GeneratorContext,
  { product, packLhs, packRhs, innerBlocks }: OuterPlan,
  rows: number,
  columns: number,
  resultRow: number,
): number {
  return microKernel(context.module, {
    rows,
    columns,
    lhsRow: packLhs ? 1 : product.lhs.row,
    lhsStep: packLhs ? rows : product.lhs.column,
    rhsStep: packRhs ? roundUp(columns, vectorLanes) : product.rhs.row,
    resultRow,
    wholeSteps: product.k % 4 === 0,
    accumulates: innerBlocks > 1,
  });
}

/**
 * One panel against a range of row blocks: (lhs of the first block, panel, result of the first block, first block, end block,
 * steps, accumulate).
 */
function panelSweep(context: GeneratorContext, plan: OuterPlan, columns: number, resultRow: number): number {
  const { rowBlocks, product, packLhs } = plan;
  const sizes = blockSizes(rowBlocks);
  const kernels = sizes.map((rows) => tileKernel(context, plan, rows, columns, resultRow));
  return context.module.func({ params: ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [lhs, panel, result, block, end, steps, accumulate] = [0, 1, 2, 3, 4, 5, 6];
    sizes.forEach((rows, which) => {
      // Larger blocks come first.
      const last = c.local("i32");
      if (which === sizes.length - 1) c.get(end).set(last);
      else setMin(c, last, end, () => c.i32(rowBlocks.extra));
      c.block(() => {
        c.get(block).get(last).op("i32.ge_s").brIf(0);
        c.loop(() => {
          c.get(lhs).get(panel).get(result).get(steps).get(accumulate).call(kernels[which]);
          if (packLhs) plusScaled(c.get(lhs), steps, rows * floatBytes).set(lhs);
          else c.increment(lhs, rows * product.lhs.row * floatBytes);
          c.increment(result, rows * resultRow * floatBytes);
          c.increment(block, 1).get(block).get(last).op("i32.lt_s").brIf(0);
        });
      });
    });
  });
}

/** Packs a range of row blocks: (lhs of the first block, packed, first block, end block, steps). */
function packRows(context: GeneratorContext, plan: OuterPlan): number {
  const { rowBlocks, product } = plan;
  const sizes = blockSizes(rowBlocks);
  const packs = sizes.map((rows) =>
    packPanel(context.module, { width: rows, lanes: rows, laneStride: product.lhs.row, stepStride: product.lhs.column })
  );
  return context.module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (c) => {
    const [lhs, packed, block, end, steps] = [0, 1, 2, 3, 4];
    sizes.forEach((rows, which) => {
      const last = c.local("i32");
      if (which === sizes.length - 1) c.get(end).set(last);
      else setMin(c, last, end, () => c.i32(rowBlocks.extra));
      c.block(() => {
        c.get(block).get(last).op("i32.ge_s").brIf(0);
        c.loop(() => {
          c.get(lhs).get(packed).get(steps).call(packs[which]);
          c.increment(lhs, rows * product.lhs.row * floatBytes);
          plusScaled(c.get(packed), steps, rows * floatBytes).set(packed);
          c.increment(block, 1).get(block).get(last).op("i32.lt_s").brIf(0);
        });
      });
    });
  });
}

function outerProduct(context: GeneratorContext, kernel: MatmulKernel, plan: OuterPlan): number {
  const {
    product,
    grid,
    rowBlocks,
    panelColumns,
    panels,
    rest,
    innerSize,
    innerBlocks,
    packLhs,
    packRhs,
    rowsTogether,
    panelsTogether,
  } = plan;
  const { batch, m, n, k, lhs, rhs } = product;
  // A box that is finished at once never leaves the cache if all boxes lie in the same place.
  const boxRow = panelsTogether * panelColumns;
  const epilogue = innerBlocks === 1 && !product.exchanged ? context.boxEpilogue(kernel, boxRow) : context.epilogue(kernel);
  const owns = epilogue.slot === undefined;
  const fullPanels = rest === 0 ? panels : panels - 1;
  const variants = [
    ...(fullPanels > 0 ? [{ columns: panelColumns, isTail: false }] : []),
    ...(rest > 0 ? [{ columns: rest, isTail: true }] : []),
  ].map((variant) => ({
    ...variant,
    sweep: panelSweep(context, plan, variant.columns, owns ? boxRow : n),
    pack: packRhs
      ? packPanel(context.module, {
        width: roundUp(variant.columns, vectorLanes),
        lanes: variant.columns,
        laneStride: rhs.column,
        stepStride: rhs.row,
      })
      : -1,
  }));
  const packLhsRows = packLhs ? packRows(context, plan) : -1;

  const panelBytes = innerSize * panelColumns * floatBytes;
  // If all rows go by at once, a packed panel is used up before the next: they share one place, and stay in the first-level cache.
  const keepsPanels = rowsTogether < Math.ceil(rowBlocks.count / grid.rows);
  const rhsBytes = packRhs ? roundUp((keepsPanels ? panelsTogether : 1) * panelBytes, 64) : 0;
  const lhsBytes = packLhs ? roundUp(rowsTogether * maxTileRows * innerSize * floatBytes, 64) : 0;
  const boxBytes = owns ? rowsTogether * maxTileRows * boxRow * floatBytes : 0;
  if (rhsBytes + lhsBytes + boxBytes > 0) context.privateScratch(rhsBytes + lhsBytes + boxBytes);

  return context.module.func({ params: phaseParams }, (c) => {
    const { thread, scratch } = phaseLocals;
    const part = setPart(c, thread, grid, batch, rowBlocks.count, panels);
    const local = () => c.local("i32");
    const [b, panel0, panel1, inner, steps, block0, block1, panel] = c.locals("i32", 8);
    const [lhsAt, rhsAt, panelAt, resultAt] = c.locals("i32", 4);
    const packedLhs = local();
    plus(c.get(scratch), rhsBytes).set(packedLhs);

    /** Address of row block `block0` of the left matrix, of panel `panel` of the right one, and of where they meet in the result. */
    const setLhs = () => {
      operandAddress(c, lhs.access);
      plusScaled(c, b, lhs.batch * floatBytes);
      plusScaled(c, inner, lhs.column * floatBytes);
      blockStart(c, rowBlocks, block0).i32(lhs.row * floatBytes).op("i32.mul").op("i32.add").set(lhsAt);
    };
    const setRhs = () => {
      operandAddress(c, rhs.access);
      plusScaled(c, b, rhs.batch * floatBytes);
      plusScaled(c, inner, rhs.row * floatBytes);
      plusScaled(c, panel, panelColumns * rhs.column * floatBytes).set(rhsAt);
    };
    const setResult = () => {
      if (epilogue.slot === undefined) {
        plus(c.get(scratch), rhsBytes + lhsBytes);
        return c.get(panel).get(panel0).op("i32.sub").i32(panelColumns * floatBytes).op("i32.mul").op("i32.add").set(resultAt);
      }
      slotAddress(c, epilogue.slot);
      plusScaled(c, b, m * n * floatBytes);
      plusScaled(c, panel, panelColumns * floatBytes);
      blockStart(c, rowBlocks, block0).i32(n * floatBytes).op("i32.mul").op("i32.add").set(resultAt);
    };
    const onePanel = (variant: typeof variants[number]) => {
      if (packRhs) {
        c.get(scratch);
        if (keepsPanels) c.get(panel).get(panel0).op("i32.sub").i32(panelBytes).op("i32.mul").op("i32.add");
        c.set(panelAt);
        c.get(block0).get(part.rows[0]).op("i32.eq").if(() => {
          setRhs();
          c.get(rhsAt).get(panelAt).get(steps).call(variant.pack);
        });
      } else {
        setRhs();
        c.get(rhsAt).set(panelAt);
      }
      setResult();
      c.get(packLhs ? packedLhs : lhsAt).get(panelAt).get(resultAt).get(block0).get(block1).get(steps).get(inner).call(
        variant.sweep,
      );
    };
    const onePanelOfAny = () => {
      if (variants.length === 1) return onePanel(variants[0]);
      c.get(panel).i32(fullPanels).op("i32.lt_s").if(() => onePanel(variants[0]), () => onePanel(variants[1]));
    };
    const finish = () => {
      const pushRow = (block: number) => () => void blockStart(c, rowBlocks, block);
      const pushEnd = () => {
        const end = local();
        c.get(panel1).i32(panelColumns).op("i32.mul").set(end);
        c.get(end).i32(n).get(end).i32(n).op("i32.lt_s").op("select");
        c.release("i32", end);
      };
      const pushOwn = () => {
        plus(c.get(scratch), rhsBytes + lhsBytes);
        blockStart(c, rowBlocks, block0);
        plusScaled(c, b, m);
        c.i32(boxRow * floatBytes).op("i32.mul").op("i32.sub");
        c.get(panel0).i32(panelColumns * floatBytes).op("i32.mul").op("i32.sub");
      };
      finishBox(c, epilogue, product, b, {
        own: owns ? pushOwn : undefined,
        rows: [pushRow(block0), pushRow(block1)],
        columns: [() => c.get(panel0).i32(panelColumns).op("i32.mul"), pushEnd],
      });
    };

    c.for(b, () => c.get(part.batch[0]), () => c.get(part.batch[1]), 1, () => {
      c.for(panel0, () => c.get(part.columns[0]), () => c.get(part.columns[1]), panelsTogether, () => {
        setMin(c, panel1, part.columns[1], () => plus(c.get(panel0), panelsTogether));
        // With k = 0 one round of no steps writes the zeros.
        c.for(inner, 0, Math.max(1, k), innerSize === 0 ? 1 : innerSize, () => {
          c.i32(k).get(inner).op("i32.sub").set(steps);
          setMin(c, steps, steps, () => c.i32(innerSize));
          c.for(block0, () => c.get(part.rows[0]), () => c.get(part.rows[1]), rowsTogether, () => {
            setMin(c, block1, part.rows[1], () => plus(c.get(block0), rowsTogether));
            setLhs();
            if (packLhs) c.get(lhsAt).get(packedLhs).get(block0).get(block1).get(steps).call(packLhsRows);
            c.for(panel, () => c.get(panel0), () => c.get(panel1), 1, onePanelOfAny);
            if (innerBlocks === 1) finish();
            else c.get(inner).i32((innerBlocks - 1) * innerSize).op("i32.ge_s").if(finish);
          });
        });
      });
    });
  });
}

// --- sums of elementwise products -------------------------------------------------------------------------------------------------

/** Whether the operands are contiguous along the inner axis and used too little to be worth packing. */
function prefersDot({ m, n, k, lhs, rhs }: Product): boolean {
  const near = (stride: number) => stride >= 0 && stride * narrowTile * floatBytes < FAR;
  return k >= 8 && Math.min(m, n) <= 8 && lhs.column === 1 && rhs.row === 1 && near(lhs.row) && near(rhs.column);
}

/** A tile of rows by columns, one vector of partial sums each: (lhs, rhs, result). */
function dotTile(context: GeneratorContext, { k, n, lhs: left, rhs: right }: Product, rows: number, columns: number): number {
  return context.module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [lhs, rhs, result] = [0, 1, 2];
    const sums = Array.from({ length: rows }, () => c.locals("v128", columns));
    const lefts = c.locals("v128", rows);
    const vector = c.local("v128");
    const counter = c.local("i32");
    const step = (instruction: "v128.load" | "v128.load32_zero", at: number) => {
      lefts.forEach((to, row) => c.get(lhs).mem(instruction, (row * left.row + at) * floatBytes).set(to));
      for (let column = 0; column < columns; column++) {
        c.get(rhs).mem(instruction, (column * right.column + at) * floatBytes).set(vector);
        lefts.forEach((from, row) => {
          const sum = sums[row][column];
          c.get(from).get(vector).get(sum).op("f32x4.relaxed_madd").set(sum);
        });
      }
    };
    const advance = (steps: number) => c.increment(lhs, steps * floatBytes).increment(rhs, steps * floatBytes);
    unrolled(c, counter, Math.floor(k / vectorLanes), 2, (vectors) => {
      for (let v = 0; v < vectors; v++) step("v128.load", v * vectorLanes);
      advance(vectors * vectorLanes);
    });
    for (let at = 0; at < k % vectorLanes; at++) step("v128.load32_zero", at);
    sums.forEach((line, row) => {
      for (let column = 0; column < columns; column += vectorLanes) {
        pushLaneSums(c, line.slice(column, column + vectorLanes));
        c.set(vector);
        storeLanes(c, result, vector, Math.min(vectorLanes, columns - column), (row * n + column) * floatBytes);
      }
    });
  });
}

/** Rows and columns of a tile: as many sums as registers allow, along the longer side. */
function dotTileShape(m: number, n: number): { rows: number; columns: number } {
  if (m === 1) return { rows: 1, columns: Math.min(n, 8) };
  if (n === 1) return { rows: Math.min(m, 8), columns: 1 };
  if (m === 2 || m === 4) return { rows: 2, columns: Math.min(n, 6) };
  if (n === 2 || n === 4) return { rows: Math.min(m, 6), columns: 2 };
  return { rows: 3, columns: Math.min(n, 3) };
}

function dotProduct(context: GeneratorContext, kernel: MatmulKernel, product: Product, threads: number): number {
  const { batch, m, n, lhs, rhs } = product;
  const shape = dotTileShape(m, n);
  const rowBlocks = evenBlocks(m, shape.rows);
  const columnBlocks = evenBlocks(n, shape.columns);
  const grid = chooseGrid(threads, batch, rowBlocks.count, columnBlocks.count);
  const epilogue = context.epilogue(kernel);
  const tiles = blockSizes(rowBlocks).flatMap((rows) =>
    blockSizes(columnBlocks).map((columns) => ({ rows, columns, func: dotTile(context, product, rows, columns) }))
  );
  return context.module.func({ params: phaseParams }, (c) => {
    const { thread } = phaseLocals;
    const part = setPart(c, thread, grid, batch, rowBlocks.count, columnBlocks.count);
    const [b, row, column] = c.locals("i32", 3);
    const [rowAt, columnAt] = c.locals("i32", 2);
    /** Calls the function for the sizes of the blocks `row` and `column`. */
    const callTile = (among: typeof tiles): void => {
      if (among.length === 1) return void c.call(among[0].func);
      const byRow = among[0].rows !== among[among.length - 1].rows;
      const [blocks, index] = byRow ? [rowBlocks, row] : [columnBlocks, column];
      const larger = among.filter((tile) => byRow ? tile.rows > blocks.size : tile.columns > blocks.size);
      const address = c.locals("i32", 3);
      for (const to of [...address].reverse()) c.set(to);
      const pushAll = () => address.forEach((from) => c.get(from));
      c.get(index).i32(blocks.extra).op("i32.lt_s").if(() => {
        pushAll();
        callTile(larger);
      }, () => {
        pushAll();
        callTile(among.filter((tile) => !larger.includes(tile)));
      });
      c.release("i32", ...address);
    };
    c.for(b, () => c.get(part.batch[0]), () => c.get(part.batch[1]), 1, () => {
      c.for(column, () => c.get(part.columns[0]), () => c.get(part.columns[1]), 1, () => {
        blockStart(c, columnBlocks, column).set(columnAt);
        c.for(row, () => c.get(part.rows[0]), () => c.get(part.rows[1]), 1, () => {
          blockStart(c, rowBlocks, row).set(rowAt);
          operandAddress(c, lhs.access);
          plusScaled(c, b, lhs.batch * floatBytes);
          plusScaled(c, rowAt, lhs.row * floatBytes);
          operandAddress(c, rhs.access);
          plusScaled(c, b, rhs.batch * floatBytes);
          plusScaled(c, columnAt, rhs.column * floatBytes);
          slotAddress(c, epilogue.slot);
          plusScaled(c, b, m * n * floatBytes);
          plusScaled(c, rowAt, n * floatBytes);
          plusScaled(c, columnAt, floatBytes);
          callTile(tiles);
        });
      });
      const start = (blocks: Blocks, index: number) => () => void blockStart(c, blocks, index);
      finishBox(c, epilogue, product, b, {
        rows: [start(rowBlocks, part.rows[0]), start(rowBlocks, part.rows[1])],
        columns: [start(columnBlocks, part.columns[0]), start(columnBlocks, part.columns[1])],
      });
    });
  });
}
