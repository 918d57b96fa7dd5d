/**
 * Matrix products from packed panels.
 *
 * The micro-kernel of 6 rows by 8 (or 16) columns is inside the usual blocking (Goto and van de Geijn, "Anatomy of
 * high-performance matrix multiplication", 2008): the right matrix is packed in panels of as many columns that stay in the
 * first-level cache while all rows of the left are multiplied by it; the left is read in place or packed in blocks of 6 rows.
 * Threads form a grid over batch, rows and columns, each packing what it needs, so that one phase does.
 *
 * @module
 */
import type { MatmulKernel } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type BlockEpilogue, type GeneratorContext, phaseLocals, phaseParams } from "../context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "../emit/addresses.ts";
import { blockStart, roundUp } from "../emit/blocks.ts";
import { floatBytes } from "../emit/vectors.ts";
import { finishBlock, type Part, setPart } from "./grid.ts";
import type { PackedPlan } from "./packed_plan.ts";
import { packRows, panelSweep } from "./packed_sweep.ts";
import { packPanel } from "./packing.ts";
import { maxTileRows } from "./tile.ts";

/** Functions for full panels, or for the last one if it is not full. */
interface PanelFuncs {
  readonly sweep: number;
  /** -1 if the right matrix is read in place. */
  readonly pack: number;
}

/** What the phase is made of. */
interface PackedProduct {
  readonly plan: PackedPlan;
  readonly epilogue: BlockEpilogue;
  /** Floats from row to row of a block that the phase keeps in its own memory. */
  readonly blockRow: number;
  readonly fullPanels: number;
  readonly panelFuncs: readonly PanelFuncs[];
  readonly packRows: number;
  /** How many packed panels are kept, for one block of steps and for the next; 0 if each takes the memory of the one before. */
  readonly keptPanels: number;
  /** Bytes of a packed panel, and of the private memory for panels and for rows. */
  readonly panelBytes: number;
  readonly rhsBytes: number;
  readonly lhsBytes: number;
}

/** Writes the phase. */
export function packedProduct(context: GeneratorContext, kernel: MatmulKernel, plan: PackedPlan): number {
  const { product, grid, rowBlocks, panels, blockByBlock } = plan;
  // A block that is finished at once never leaves the cache if all blocks take the same memory.
  const blockRow = plan.panelsTogether * plan.panelColumns;
  const epilogue = blockByBlock && !product.exchanged ? context.blockEpilogue(kernel, blockRow) : context.epilogue(kernel);
  const fullPanels = plan.rest === 0 ? panels : panels - 1;
  const resultRow = epilogue.slot === undefined ? blockRow : product.n;
  const panelFuncs = [...(fullPanels > 0 ? [plan.panelColumns] : []), ...(plan.rest > 0 ? [plan.rest] : [])]
    .map((columns) => writePanelFuncs(context, plan, columns, resultRow));
  const rowPacking = plan.packLhs ? packRows(context, plan) : -1;
  const parts = {
    plan,
    epilogue,
    blockRow,
    fullPanels,
    panelFuncs,
    packRows: rowPacking,
    ...takeMemory(context, plan, epilogue),
  };
  return context.module.func({ params: phaseParams }, (c) => {
    const part = setPart(c, grid, product.batch, rowBlocks.count, panels);
    new PackedProductWriter(c, parts, part).write();
  });
}

function writePanelFuncs(context: GeneratorContext, plan: PackedPlan, columns: number, resultRow: number): PanelFuncs {
  const { packRhs, tiles, product: { rhs } } = plan;
  const width = roundUp(columns, tiles.registerFloats);
  return {
    sweep: panelSweep(context, plan, columns, resultRow),
    pack: packRhs ? packPanel(context.module, { width, lanes: columns, laneStride: rhs.column, stepStride: rhs.row }) : -1,
  };
}

/** Asks for the private memory of packed panels, packed rows, and a block of the product. */
function takeMemory(context: GeneratorContext, plan: PackedPlan, epilogue: BlockEpilogue) {
  const { grid, rowBlocks, innerBlocks, innerSize, panelColumns, packLhs, packRhs, rowsTogether, panelsTogether } = plan;
  const panelBytes = innerSize * panelColumns * floatBytes;
  // If all rows are multiplied at once, a packed panel is used up before the next: they share memory, in the first-level cache.
  const keptPanels = rowsTogether < Math.ceil(rowBlocks.count / grid.rows) ? panelsTogether : 0;
  const blocksKept = plan.blockByBlock ? innerBlocks : 1;
  const rhsBytes = packRhs ? roundUp(Math.max(1, keptPanels * blocksKept) * panelBytes, 64) : 0;
  const lhsBytes = packLhs ? roundUp(rowsTogether * maxTileRows * innerSize * floatBytes, 64) : 0;
  const blockRow = panelsTogether * panelColumns;
  const blockBytes = epilogue.slot === undefined ? rowsTogether * maxTileRows * blockRow * floatBytes : 0;
  if (rhsBytes + lhsBytes + blockBytes > 0) context.privateScratch(rhsBytes + lhsBytes + blockBytes);
  return { keptPanels, panelBytes, rhsBytes, lhsBytes };
}

class PackedProductWriter {
  readonly #c: FunctionWriter;
  readonly #parts: PackedProduct;
  readonly #part: Part;
  /** Locals: the number in the batch, and the panels of a block of the product. */
  readonly #batch: number;
  readonly #firstPanel: number;
  readonly #endPanel: number;
  /** Locals: the step of the inner product that is begun at, and how many follow. */
  readonly #inner: number;
  readonly #steps: number;
  /** Locals: the row blocks of a block of the product, and the panel at hand. */
  readonly #firstBlock: number;
  readonly #endBlock: number;
  readonly #panel: number;
  /** Locals: addresses. */
  readonly #lhs: number;
  readonly #rhs: number;
  readonly #packedPanel: number;
  readonly #result: number;
  readonly #packedRows: number;

  constructor(c: FunctionWriter, parts: PackedProduct, part: Part) {
    this.#c = c;
    this.#parts = parts;
    this.#part = part;
    [this.#batch, this.#firstPanel, this.#endPanel, this.#inner, this.#steps] = c.locals("i32", 5);
    [this.#firstBlock, this.#endBlock, this.#panel] = c.locals("i32", 3);
    [this.#lhs, this.#rhs, this.#packedPanel, this.#result, this.#packedRows] = c.locals("i32", 5);
  }

  write(): void {
    const c = this.#c;
    const { plan, rhsBytes } = this.#parts;
    const { product: { k }, innerSize, rowsTogether, panelsTogether, blockByBlock } = plan;
    const range = ([from, to]: readonly [number, number]) => [() => c.get(from), () => c.get(to)] as const;
    plus(c.get(phaseLocals.scratch), rhsBytes).set(this.#packedRows);
    c.forRange(this.#batch, ...this.#part.batch, () => {
      c.for(this.#firstPanel, ...range(this.#part.columns), panelsTogether, () => {
        setMin(c, this.#endPanel, this.#part.columns[1], () => plus(c.get(this.#firstPanel), panelsTogether));
        const eachRows = (body: () => void) =>
          c.for(this.#firstBlock, ...range(this.#part.rows), rowsTogether, () => {
            setMin(c, this.#endBlock, this.#part.rows[1], () => plus(c.get(this.#firstBlock), rowsTogether));
            body();
          });
        // With k = 0 one round of no steps writes the zeros.
        const eachSteps = (body: () => void) =>
          c.for(this.#inner, 0, Math.max(1, k), innerSize === 0 ? 1 : innerSize, () => {
            c.i32(k).get(this.#inner).op("i32.sub").set(this.#steps);
            setMin(c, this.#steps, this.#steps, () => c.i32(innerSize));
            body();
          });
        if (blockByBlock) {
          eachRows(() => {
            eachSteps(() => this.#block());
            this.#finish();
          });
        } else {
          eachSteps(() => eachRows(() => this.#block()));
          eachRows(() => this.#finish());
        }
      });
    });
  }

  /** Some row blocks by some panels, over some steps of the inner product. */
  #block(): void {
    const c = this.#c;
    const { plan, packRows, fullPanels, panelFuncs: [full, rest] } = this.#parts;
    this.#setLhs();
    if (plan.packLhs) {
      c.get(this.#lhs).get(this.#packedRows).get(this.#firstBlock).get(this.#endBlock).get(this.#steps).call(packRows);
    }
    c.forRange(this.#panel, this.#firstPanel, this.#endPanel, () => {
      if (rest === undefined) this.#onePanel(full);
      else c.get(this.#panel).i32(fullPanels).op("i32.lt_s").if(() => this.#onePanel(full), () => this.#onePanel(rest));
    });
  }

  /** Sets the address of the first row block in the left matrix. */
  #setLhs(): void {
    const c = this.#c;
    const { rowBlocks, product: { lhs } } = this.#parts.plan;
    operandAddress(c, lhs.access);
    plusScaled(c, this.#batch, lhs.batch * floatBytes);
    plusScaled(c, this.#inner, lhs.column * floatBytes);
    blockStart(c, rowBlocks, this.#firstBlock).i32(lhs.row * floatBytes).op("i32.mul").op("i32.add").set(this.#lhs);
  }

  /** Sets the address of the panel in the right matrix. */
  #setRhs(): void {
    const c = this.#c;
    const { panelColumns, product: { rhs } } = this.#parts.plan;
    operandAddress(c, rhs.access);
    plusScaled(c, this.#batch, rhs.batch * floatBytes);
    plusScaled(c, this.#inner, rhs.row * floatBytes);
    plusScaled(c, this.#panel, panelColumns * rhs.column * floatBytes).set(this.#rhs);
  }

  /** Sets the address of the first row block and the panel in the result, or in the block that the phase keeps. */
  #setResult(): void {
    const c = this.#c;
    const { epilogue, plan: { rowBlocks, panelColumns, product: { m, n } } } = this.#parts;
    if (epilogue.slot === undefined) {
      this.#pushOwnBlock();
      c.get(this.#panel).get(this.#firstPanel).op("i32.sub").i32(panelColumns * floatBytes).op("i32.mul").op("i32.add");
    } else {
      slotAddress(c, epilogue.slot);
      plusScaled(c, this.#batch, m * n * floatBytes);
      plusScaled(c, this.#panel, panelColumns * floatBytes);
      blockStart(c, rowBlocks, this.#firstBlock).i32(n * floatBytes).op("i32.mul").op("i32.add");
    }
    c.set(this.#result);
  }

  /** Pushes the address of the block that the phase keeps. */
  #pushOwnBlock(): FunctionWriter {
    return plus(this.#c.get(phaseLocals.scratch), this.#parts.rhsBytes + this.#parts.lhsBytes);
  }

  /** The row blocks by one panel, which is packed for the first of them. */
  #onePanel({ sweep, pack }: PanelFuncs): void {
    const c = this.#c;
    const { plan: { packLhs, packRhs, panelColumns, blockByBlock }, keptPanels, panelBytes } = this.#parts;
    if (packRhs) {
      c.get(phaseLocals.scratch);
      if (keptPanels > 0) {
        c.get(this.#panel).get(this.#firstPanel).op("i32.sub").i32(panelBytes).op("i32.mul").op("i32.add");
        if (blockByBlock) plusScaled(c, this.#inner, keptPanels * panelColumns * floatBytes);
      }
      c.set(this.#packedPanel);
      c.get(this.#firstBlock).get(this.#part.rows[0]).op("i32.eq").if(() => {
        this.#setRhs();
        c.get(this.#rhs).get(this.#packedPanel).get(this.#steps).call(pack);
      });
    } else {
      this.#setRhs();
      c.get(this.#rhs).set(this.#packedPanel);
    }
    this.#setResult();
    c.get(packLhs ? this.#packedRows : this.#lhs).get(this.#packedPanel).get(this.#result);
    c.get(this.#firstBlock).get(this.#endBlock).get(this.#steps).get(this.#inner).call(sweep);
  }

  /** Calls the epilogue for the block of the product. */
  #finish(): void {
    const c = this.#c;
    const { epilogue, plan, blockRow } = this.#parts;
    const { product, rowBlocks, panelColumns } = plan;
    const pushRow = (block: number) => () => void blockStart(c, rowBlocks, block);
    const pushAddress = () => {
      this.#pushOwnBlock();
      blockStart(c, rowBlocks, this.#firstBlock);
      plusScaled(c, this.#batch, product.m);
      c.i32(blockRow * floatBytes).op("i32.mul").op("i32.sub");
      c.get(this.#firstPanel).i32(panelColumns * floatBytes).op("i32.mul").op("i32.sub");
    };
    const pushEndColumn = () =>
      c.withLocals("i32", 1, (end) => {
        c.get(this.#endPanel).i32(panelColumns).op("i32.mul").set(end);
        c.get(end).i32(product.n).get(end).i32(product.n).op("i32.lt_s").op("select");
      });
    finishBlock(c, epilogue, product, this.#batch, {
      address: pushAddress,
      rows: [pushRow(this.#firstBlock), pushRow(this.#endBlock)],
      columns: [() => c.get(this.#firstPanel).i32(panelColumns).op("i32.mul"), pushEndColumn],
    });
  }
}
