/**
 * Staging: the planes of one image copied to scratch memory so that a convolution reads nothing but contiguous runs at constant
 * offsets.
 *
 * The copy holds the zeros around the image (padding), those between its pixels (the gradient of a strided convolution), and for
 * windows that step by s columns it deals the columns into s phases, so that every s-th column becomes the next one. Where none of
 * this is needed the image is read in place, through the same description.
 *
 * @module
 */
import type { FunctionWriter } from "./assembler/function_writer.ts";
import type { WasmModule } from "./assembler/module.ts";
import { plus, setMin } from "./emit/addresses.ts";
import { roundUp } from "./emit/blocks.ts";
import { floatBytes, vectorLanes, zeroBytes } from "./emit/vectors.ts";

/** What a window sees of an image. */
export interface WindowSpec {
  /** Planes per image (per group). */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Zeros above and to the left; negative: rows and columns cut off. */
  readonly top: number;
  readonly left: number;
  /** From one pixel of the image to the next in the padded plane, by axis: more than 1 puts zeros between. */
  readonly spread: readonly [number, number];
  /** From one output to the next, by axis. */
  readonly step: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly kernel: readonly [number, number];
  /** Rows and columns of output that are computed at a time (the columns may include a few beyond the last). */
  readonly outRows: number;
  readonly outColumns: number;
}

/** Where the planes lie once they can be read: distances in floats. */
export interface WindowLayout {
  /** Whether a copy is made; else the image itself is read. */
  readonly staged: boolean;
  /** Rows of the padded plane that are held, and columns of it. */
  readonly rows: number;
  readonly columns: number;
  /** From column phase to column phase, row to row, plane to plane. */
  readonly phase: number;
  readonly pitch: number;
  readonly plane: number;
  /** From one row of outputs to the next. */
  readonly outRow: number;
}

/** The layout for a window. `copy` asks for a copy even where reading in place would do. */
export function layOutWindow(spec: WindowSpec, copy = false): WindowLayout {
  const reach = (axis: 0 | 1, outputs: number) =>
    (outputs - 1) * spec.step[axis] + (spec.kernel[axis] - 1) * spec.dilation[axis] + 1;
  const rows = reach(0, spec.outRows);
  const columns = reach(1, spec.outColumns);
  const stepX = spec.step[1];
  const inPlace = !copy && stepX === 1 && spec.spread.every((s) => s === 1) && spec.top === 0 && spec.left === 0 &&
    rows <= spec.height && columns <= spec.width;
  if (inPlace) {
    const { width, height } = spec;
    return { staged: false, rows, columns, phase: 0, pitch: width, plane: width * height, outRow: width * spec.step[0] };
  }
  const phase = Math.ceil(columns / stepX);
  const pitch = phase * stepX;
  return { staged: true, rows, columns, phase, pitch, plane: rows * pitch, outRow: pitch * spec.step[0] };
}

/** Where the window's element (ky, kx) lies from its first, in floats. */
export function tapOffset(spec: WindowSpec, layout: WindowLayout, ky: number, kx: number): number {
  const column = kx * spec.dilation[1];
  const step = spec.step[1];
  return ky * spec.dilation[0] * layout.pitch + (column % step) * layout.phase + Math.floor(column / step);
}

/** Bytes of a staged image. */
export function stagedBytes(spec: WindowSpec, layout: WindowLayout): number {
  return roundUp(spec.channels * layout.plane * floatBytes, 64);
}

/**
 * Writes a function (image address, copy's address, first row) that stages the rows of the padded plane from `first row` on. With
 * `clear` it zeroes the copy before; without, the caller zeroes it once and passes the same first row each time.
 */
export function stageImage(module: WasmModule, spec: WindowSpec, layout: WindowLayout, clear: boolean): number {
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [image, copy, first] = [0, 1, 2];
    const [from, to, row, channel, source, target] = c.locals("i32", 6);
    const spreadY = spec.spread[0];
    /** Sets `local` to the first image row that lands at or below padded row first + `below`, at most the height. */
    const setRow = (local: number, below: number) => {
      plus(c.get(first), below - spec.top + spreadY - 1).set(local);
      c.get(local).i32(0).get(local).i32(0).op("i32.gt_s").op("select").i32(spreadY).op("i32.div_u").set(local);
      setMin(c, local, local, () => c.i32(spec.height));
    };
    if (clear) zeroBytes(c, copy, stagedBytes(spec, layout));
    setRow(from, 0);
    setRow(to, layout.rows);
    c.for(channel, 0, spec.channels, 1, () => {
      c.get(image).get(channel).i32(spec.height).op("i32.mul").get(from).op("i32.add");
      c.i32(spec.width * floatBytes).op("i32.mul").op("i32.add").set(source);
      c.get(copy).get(channel).i32(layout.plane * floatBytes).op("i32.mul").op("i32.add");
      plus(c.get(from).i32(spreadY).op("i32.mul").get(first).op("i32.sub"), spec.top);
      c.i32(layout.pitch * floatBytes).op("i32.mul").op("i32.add").set(target);
      c.for(row, () => c.get(from), () => c.get(to), 1, () => {
        copyRow(c, spec, layout, source, target);
        c.increment(source, spec.width * floatBytes).increment(target, spreadY * layout.pitch * floatBytes);
      });
    });
  });
}

/** Copies one row of the image to its places in the staged row. */
function copyRow(c: FunctionWriter, spec: WindowSpec, layout: WindowLayout, source: number, target: number): void {
  const spread = spec.spread[1];
  const phases = spec.step[1];
  const begin = Math.max(0, Math.ceil(-spec.left / spread));
  const end = Math.min(spec.width, Math.ceil((layout.columns - spec.left) / spread));
  if (end <= begin) return;
  if (spread > 1 || phases === 1) {
    // Column phases only occur with images that are not spread.
    return copyFloats(
      c,
      source,
      target,
      { from: begin, step: 1 },
      { from: spec.left + spread * begin, step: spread },
      end - begin,
    );
  }
  for (let phase = 0; phase < phases; phase++) {
    let column = begin;
    while ((spec.left + column) % phases !== phase && column < end) column++;
    const count = Math.ceil((end - column) / phases);
    const to = phase * layout.phase + (spec.left + column - phase) / phases;
    if (count > 0) copyFloats(c, source, target, { from: column, step: phases }, { from: to, step: 1 }, count);
  }
}

/** Places in a row: where they start and how far apart they are, in floats. */
interface Places {
  readonly from: number;
  readonly step: number;
}

/** Copies `count` floats within the rows at locals `source` and `target`. */
function copyFloats(c: FunctionWriter, source: number, target: number, from: Places, to: Places, count: number): void {
  const vectorwise = to.step === 1 && from.step <= 2 && count >= vectorLanes;
  const scalar = () => c.get(target).get(source).mem("f32.load", from.from * floatBytes).mem("f32.store", to.from * floatBytes);
  const vector = (at: number) => {
    c.get(target).get(source).mem("v128.load", (from.from + at * from.step) * floatBytes);
    if (from.step === 2) {
      c.get(source).mem("v128.load", (from.from + at * 2 + vectorLanes) * floatBytes).shuffle32([0, 2, 4, 6]);
    }
    c.mem("v128.store", (to.from + at) * floatBytes);
  };
  const moving = (items: number, sourceBytes: number, targetBytes: number, body: () => void) => {
    const left = c.local("i32");
    c.i32(items).set(left).loop(() => {
      body();
      c.increment(source, sourceBytes).increment(target, targetBytes);
      c.increment(left, -1).get(left).brIf(0);
    });
    c.increment(source, -items * sourceBytes).increment(target, -items * targetBytes).release("i32", left);
  };
  if (!vectorwise) return moving(count, from.step * floatBytes, to.step * floatBytes, scalar);
  const whole = Math.floor(count / vectorLanes);
  if (whole <= 8) { for (let v = 0; v < whole; v++) vector(v * vectorLanes); }
  else moving(whole, from.step * vectorLanes * floatBytes, vectorLanes * floatBytes, () => vector(0));
  // The last vector overlaps the one before rather than run over.
  if (count % vectorLanes > 0) vector(count - vectorLanes);
}
