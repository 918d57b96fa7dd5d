/**
 * Matrix products from packed panels.
 *
 * The micro-kernel is inside the usual blocking (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008): the
 * right matrix is packed in panels of as many columns as a tile has, which stay in the first-level cache while many rows of the left are
 * multiplied by them; the left is read in place or packed in blocks of as many rows.
 *
 * The product is cut into a grid over batch, rows and columns. Where what the pieces have in common is little, each packs what it needs. Else
 * the pieces of a thread are those of a strip of columns, one after the other, whose panels it packs once, for itself: they stay in its
 * second-level cache. Where threads are so many that this is too often, a phase before packs both operands, once, for all of them.
 *
 * @module
 */
import type { MatmulKernel } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { type BlockEpilogue, type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { operandAddress, plus, plusScaled, setMin, slotAddress } from "../emit/addresses.ts";
import { blockStart, roundUp } from "../emit/blocks.ts";
import { setShare } from "../emit/shares.ts";
import { floatBytes } from "../emit/vectors.ts";
import { finishBlock, type Part, setPart } from "./grid.ts";
import { fullPanels, type PackedPlan, panelBytes } from "./packed_plan.ts";
import { packPanels, packRows, panelSweep } from "./packed_sweep.ts";
import { maxTileRows } from "./tile.ts";

/** What the phases are made of. */
interface PackedProduct {
  readonly plan: PackedPlan;
  readonly epilogue: BlockEpilogue;
  /** Floats from row to row of a block that the phase keeps in its own memory. */
  readonly blockRow: number;
  /** Functions for full panels, and for the last one if it is not full. */
  readonly sweeps: { readonly full: number | undefined; readonly rest: number | undefined };
  /** Functions that pack; undefined where an operand is read in place. */
  readonly packRows: number | undefined;
  readonly packPanels: number | undefined;
  readonly memory: PackingMemory;
}

/** Where packed operands are: those of the left matrix behind those of the right one. */
interface PackingMemory {
  /** The table slot of memory for all of them, if they are packed first; else each thread has its own, at the beginning of its scratch memory. */
  readonly slot: number | undefined;
  /** How many packed panels are kept, for one block of steps and for the next; 0 if each takes the memory of the one before. */
  readonly keptPanels: number;
  /** Where packed panels begin, and their bytes. */
  readonly rhsBegin: number;
  readonly rhsBytes: number;
  /** Bytes of private memory before that of a block of the product. */
  readonly privateBytes: number;
}

/** Writes the phases: the last has so many pieces. Results that are still to be added are at the address in a slot. */
export function packedProduct(
  context: GeneratorContext,
  kernel: MatmulKernel,
  plan: PackedPlan,
  pieces: number,
  sums?: number,
): readonly Phase[] {
  const { product, grid, rowBlocks, panels, blockByBlock } = plan;
  // A block that is finished at once never leaves the cache if all blocks take the same memory.
  const blockRow = plan.panelsTogether * plan.panelColumns;
  const epilogue = sums !== undefined
    ? { slot: sums, func: undefined }
    : blockByBlock && !product.exchanged
    ? context.blockEpilogue(kernel, blockRow)
    : context.epilogue(kernel);
  const resultRow = epilogue.slot === undefined ? blockRow : product.n;
  const sweep = (columns: number) => panelSweep(context, plan, columns, resultRow);
  const parts: PackedProduct = {
    plan,
    epilogue,
    blockRow,
    sweeps: {
      full: fullPanels(plan) > 0 ? sweep(plan.panelColumns) : undefined,
      rest: plan.rest > 0 ? sweep(plan.rest) : undefined,
    },
    packRows: plan.packLhs ? packRows(context, plan) : undefined,
    packPanels: plan.packRhs ? packPanels(context, plan) : undefined,
    memory: takeMemory(context, plan, epilogue),
  };
  const remembers = plan.packing === "thread";
  const func = context.module.func({ params: phaseParams }, (c) => {
    const part = setPart(c, grid, product.batch, rowBlocks.count, panels);
    new PackedProductWriter(c, parts, part).write();
  });
  if (plan.packing !== "first") return [{ func, pieces, remembers }];
  const pack = context.module.func({ params: phaseParams }, (c) => new OperandsWriter(c, parts).packAll(pieces));
  return [{ func: pack, pieces }, { func, pieces }];
}

/** Asks for the memory of packed panels, packed rows, and a block of the product. */
function takeMemory(context: GeneratorContext, plan: PackedPlan, epilogue: BlockEpilogue): PackingMemory {
  const { product, grid, rowBlocks, innerBlocks, innerSize, panelColumns, packLhs, packRhs, rowsTogether, panelsTogether } = plan;
  const ownBlock = epilogue.slot === undefined ? rowsTogether * maxTileRows * panelsTogether * panelColumns * floatBytes : 0;
  if (plan.packing === "first") {
    const rhsBytes = roundUp(product.batch * innerBlocks * plan.panels * panelBytes(plan), 64);
    const slot = context.sharedScratch(rhsBytes + product.batch * product.m * product.k * floatBytes);
    if (ownBlock > 0) context.privateScratch(ownBlock);
    return { slot, keptPanels: 0, rhsBegin: 0, rhsBytes, privateBytes: 0 };
  }
  // If all rows are multiplied at once, a packed panel is used up before the next: they share memory, in the first-level cache.
  const keptPanels = plan.packing === "thread" || rowsTogether < Math.ceil(rowBlocks.count / grid.rows) ? panelsTogether : 0;
  const blocksKept = plan.blockByBlock ? innerBlocks : 1;
  const rhsBytes = packRhs ? roundUp(Math.max(1, keptPanels * blocksKept) * panelBytes(plan), 64) : 0;
  // The word that tells what has been packed.
  const rhsBegin = plan.packing === "thread" ? 64 : 0;
  const privateBytes = rhsBegin + rhsBytes + (packLhs ? roundUp(rowsTogether * maxTileRows * innerSize * floatBytes, 64) : 0);
  if (privateBytes + ownBlock > 0) context.privateScratch(privateBytes + ownBlock);
  return { slot: undefined, keptPanels, rhsBegin, rhsBytes, privateBytes };
}

/** Writes where the operands are, and their packing. */
class OperandsWriter {
  readonly #c: FunctionWriter;
  readonly #parts: PackedProduct;
  /** Locals: the number in the batch, the step of the inner product that is begun at, and how many follow. */
  readonly batch: number;
  readonly inner: number;
  readonly steps: number;

  constructor(c: FunctionWriter, parts: PackedProduct) {
    this.#c = c;
    this.#parts = parts;
    [this.batch, this.inner, this.steps] = c.locals("i32", 3);
  }

  /** Writes a phase that packs all of both, of which a piece packs its share. */
  packAll(pieces: number): void {
    const c = this.#c;
    const { plan: { product, rowBlocks, panels }, packRows, packPanels } = this.#parts;
    const [firstBlock, endBlock, firstPanel, endPanel] = c.locals("i32", 4);
    setShare(c, phaseLocals.piece, pieces, rowBlocks.count, firstBlock, endBlock);
    setShare(c, phaseLocals.piece, pieces, panels, firstPanel, endPanel);
    c.for(this.batch, 0, product.batch, 1, () =>
      this.eachSteps(() => {
        this.pushRhs(firstPanel);
        this.pushPackedPanel(firstPanel, firstPanel);
        c.get(firstPanel).get(endPanel).get(this.steps).call(packPanels!);
        this.pushLhs(firstBlock);
        this.pushPackedRows(firstBlock);
        c.get(firstBlock).get(endBlock).get(this.steps).call(packRows!);
      }));
  }

  /** Runs `body` for each block of steps. With k = 0 one round of no steps writes the zeros. */
  eachSteps(body: () => void): void {
    const c = this.#c;
    const { product: { k }, innerSize } = this.#parts.plan;
    c.for(this.inner, 0, Math.max(1, k), innerSize === 0 ? 1 : innerSize, () => {
      c.i32(k).get(this.inner).op("i32.sub").set(this.steps);
      setMin(c, this.steps, this.steps, () => c.i32(innerSize));
      body();
    });
  }

  /** Pushes the address of a row block in the left matrix. */
  pushLhs(block: number): void {
    const c = this.#c;
    const { rowBlocks, product: { lhs } } = this.#parts.plan;
    operandAddress(c, lhs.access);
    plusScaled(c, this.batch, lhs.batch * floatBytes);
    plusScaled(c, this.inner, lhs.column * floatBytes);
    blockStart(c, rowBlocks, block).i32(lhs.row * floatBytes).op("i32.mul").op("i32.add");
  }

  /** Pushes the address of a panel in the right matrix. */
  pushRhs(panel: number): void {
    const c = this.#c;
    const { panelColumns, product: { rhs } } = this.#parts.plan;
    operandAddress(c, rhs.access);
    plusScaled(c, this.batch, rhs.batch * floatBytes);
    plusScaled(c, this.inner, rhs.row * floatBytes);
    plusScaled(c, panel, panelColumns * rhs.column * floatBytes);
  }

  /** Pushes the address of a row block that is packed; a thread's own memory begins with block `block`. */
  pushPackedRows(block: number): void {
    const c = this.#c;
    const { memory: { slot, rhsBegin, rhsBytes }, plan: { rowBlocks, product: { m, k } } } = this.#parts;
    if (slot === undefined) return void plus(c.get(phaseLocals.scratch), rhsBegin + rhsBytes);
    plus(slotAddress(c, slot), rhsBytes);
    plusScaled(c, this.batch, m * k * floatBytes);
    plusScaled(c, this.inner, m * floatBytes);
    blockStart(c, rowBlocks, block).get(this.steps).op("i32.mul").i32(floatBytes).op("i32.mul").op("i32.add");
  }

  /** Pushes the address of a panel that is packed; a thread's own memory begins with panel `first`. */
  pushPackedPanel(panel: number, first: number): void {
    const c = this.#c;
    const { memory: { slot, keptPanels, rhsBegin }, plan } = this.#parts;
    const { innerBlocks, panels, panelColumns, blockByBlock } = plan;
    const bytes = panelBytes(plan);
    if (slot !== undefined) {
      slotAddress(c, slot);
      plusScaled(c, this.batch, innerBlocks * panels * bytes);
      plusScaled(c, this.inner, panels * panelColumns * floatBytes);
      plusScaled(c, panel, bytes);
      return;
    }
    plus(c.get(phaseLocals.scratch), rhsBegin);
    if (keptPanels === 0) return;
    if (panel !== first) c.get(panel).get(first).op("i32.sub").i32(bytes).op("i32.mul").op("i32.add");
    if (blockByBlock) plusScaled(c, this.inner, keptPanels * panelColumns * floatBytes);
  }
}

class PackedProductWriter {
  readonly #c: FunctionWriter;
  readonly #parts: PackedProduct;
  readonly #part: Part;
  readonly #operands: OperandsWriter;
  /** Locals: the panels and row blocks of a block of the product, and the panel at hand with the one behind it. */
  readonly #firstPanel: number;
  readonly #endPanel: number;
  readonly #firstBlock: number;
  readonly #endBlock: number;
  readonly #panel: number;
  readonly #nextPanel: number;
  /** Whether the panels of the piece are packed, where the thread remembers. */
  readonly #packed: number;

  constructor(c: FunctionWriter, parts: PackedProduct, part: Part) {
    this.#c = c;
    this.#parts = parts;
    this.#part = part;
    this.#operands = new OperandsWriter(c, parts);
    [this.#firstPanel, this.#endPanel, this.#firstBlock, this.#endBlock] = c.locals("i32", 4);
    [this.#panel, this.#nextPanel, this.#packed] = c.locals("i32", 3);
  }

  write(): void {
    const c = this.#c;
    const { rowsTogether, panelsTogether, blockByBlock, packing } = this.#parts.plan;
    const operands = this.#operands;
    const range = ([from, to]: readonly [number, number]) => [() => c.get(from), () => c.get(to)] as const;
    if (packing === "thread") this.#recall();
    c.forRange(operands.batch, ...this.#part.batch, () => {
      c.for(this.#firstPanel, ...range(this.#part.columns), panelsTogether, () => {
        setMin(c, this.#endPanel, this.#part.columns[1], () => plus(c.get(this.#firstPanel), panelsTogether));
        const eachRows = (body: () => void) =>
          c.for(this.#firstBlock, ...range(this.#part.rows), rowsTogether, () => {
            setMin(c, this.#endBlock, this.#part.rows[1], () => plus(c.get(this.#firstBlock), rowsTogether));
            body();
          });
        if (blockByBlock) {
          eachRows(() => {
            operands.eachSteps(() => this.#block());
            this.#finish();
          });
        } else {
          operands.eachSteps(() => eachRows(() => this.#block()));
          eachRows(() => this.#finish());
        }
      });
    });
  }

  /** Looks whether the panels of the piece were packed for the one before, and says that they will be for the one behind. No piece is empty. */
  #recall(): void {
    const c = this.#c;
    const endPanel = this.#part.columns[1];
    c.get(phaseLocals.scratch).mem("i32.load").get(endPanel).op("i32.eq").set(this.#packed);
    c.get(phaseLocals.scratch).get(endPanel).mem("i32.store");
  }

  /** Some row blocks by some panels, over some steps of the inner product. */
  #block(): void {
    const c = this.#c;
    const { plan, packRows, memory, sweeps: { full, rest } } = this.#parts;
    if (packRows !== undefined && plan.packing !== "first") {
      this.#operands.pushLhs(this.#firstBlock);
      this.#operands.pushPackedRows(this.#firstBlock);
      c.get(this.#firstBlock).get(this.#endBlock).get(this.#operands.steps).call(packRows);
    }
    if (memory.keptPanels > 0) this.#packPanels(this.#firstPanel, this.#endPanel);
    c.forRange(this.#panel, this.#firstPanel, this.#endPanel, () => {
      if (memory.keptPanels === 0) {
        plus(c.get(this.#panel), 1).set(this.#nextPanel);
        this.#packPanels(this.#panel, this.#nextPanel);
      }
      if (full === undefined || rest === undefined) this.#onePanel((full ?? rest)!);
      else c.get(this.#panel).i32(fullPanels(plan)).op("i32.lt_s").if(() => this.#onePanel(full), () => this.#onePanel(rest));
    });
  }

  /** Packs some panels, if that is to be done, for the first row blocks that are multiplied by them. */
  #packPanels(first: number, end: number): void {
    const c = this.#c;
    const { plan, packPanels } = this.#parts;
    if (packPanels === undefined || plan.packing === "first") return;
    c.get(this.#firstBlock).get(this.#part.rows[0]).op("i32.eq");
    if (plan.packing === "thread") c.get(this.#packed).op("i32.eqz").op("i32.and");
    c.if(() => {
      this.#operands.pushRhs(first);
      this.#operands.pushPackedPanel(first, this.#firstPanel);
      c.get(first).get(end).get(this.#operands.steps).call(packPanels);
    });
  }

  /** Pushes the address of the first row block and the panel in the result, or in the block that the phase keeps. */
  #pushResult(): void {
    const c = this.#c;
    const { epilogue, plan: { rowBlocks, panelColumns, product: { m, n } } } = this.#parts;
    if (epilogue.slot === undefined) {
      this.#pushOwnBlock();
      c.get(this.#panel).get(this.#firstPanel).op("i32.sub").i32(panelColumns * floatBytes).op("i32.mul").op("i32.add");
    } else {
      slotAddress(c, epilogue.slot);
      plusScaled(c, this.#operands.batch, m * n * floatBytes);
      plusScaled(c, this.#panel, panelColumns * floatBytes);
      blockStart(c, rowBlocks, this.#firstBlock).i32(n * floatBytes).op("i32.mul").op("i32.add");
    }
  }

  /** Pushes the address of the block that the phase keeps. */
  #pushOwnBlock(): FunctionWriter {
    return plus(this.#c.get(phaseLocals.scratch), this.#parts.memory.privateBytes);
  }

  /** The row blocks by one panel. */
  #onePanel(sweep: number): void {
    const c = this.#c;
    const { plan: { packLhs, packRhs } } = this.#parts;
    const operands = this.#operands;
    if (packLhs) operands.pushPackedRows(this.#firstBlock);
    else operands.pushLhs(this.#firstBlock);
    if (packRhs) operands.pushPackedPanel(this.#panel, this.#firstPanel);
    else operands.pushRhs(this.#panel);
    this.#pushResult();
    c.get(this.#firstBlock).get(this.#endBlock).get(operands.steps).get(operands.inner).call(sweep);
  }

  /** Calls the epilogue for the block of the product. */
  #finish(): void {
    const c = this.#c;
    const { epilogue, plan, blockRow } = this.#parts;
    const { product, rowBlocks, panelColumns } = plan;
    const { batch } = this.#operands;
    const pushRow = (block: number) => () => void blockStart(c, rowBlocks, block);
    const pushAddress = () => {
      this.#pushOwnBlock();
      blockStart(c, rowBlocks, this.#firstBlock);
      plusScaled(c, batch, product.m);
      c.i32(blockRow * floatBytes).op("i32.mul").op("i32.sub");
      c.get(this.#firstPanel).i32(panelColumns * floatBytes).op("i32.mul").op("i32.sub");
    };
    const pushEndColumn = () =>
      c.withLocals("i32", 1, (end) => {
        c.get(this.#endPanel).i32(panelColumns).op("i32.mul").set(end);
        c.get(end).i32(product.n).get(end).i32(product.n).op("i32.lt_s").op("select");
      });
    finishBlock(c, epilogue, product, batch, {
      address: pushAddress,
      rows: [pushRow(this.#firstBlock), pushRow(this.#endBlock)],
      columns: [() => c.get(this.#firstPanel).i32(panelColumns).op("i32.mul"), pushEndColumn],
    });
  }
}
