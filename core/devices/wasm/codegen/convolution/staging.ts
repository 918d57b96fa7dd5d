/**
 * Staging: the planes of one image copied to private memory so that a convolution reads nothing but contiguous runs at constant
 * offsets.
 *
 * The copy holds the zeros around the image (padding), those between its pixels (the gradient of a strided convolution), and for
 * windows that step by s columns it deals the columns into s phases, so that every s-th column becomes the next one.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { plus, setMin } from "../emit/addresses.ts";
import { floatBytes, vectorLanes, zeroBytes } from "../emit/vectors.ts";
import { stagedBytes, type WindowLayout, type WindowSpec } from "./window.ts";

/**
 * Writes a function (image address, copy's address, first row) that stages the rows of the padded plane from `first row` on. With
 * `clear` it zeroes the copy before; without, the caller zeroes it once and passes the same first row each time.
 */
export function stageImage(module: WasmModule, spec: WindowSpec, layout: WindowLayout, clear: boolean): number {
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [image, copy, first] = [0, 1, 2];
    const [from, to, row, channel, source, target] = c.locals("i32", 6);
    const spreadY = spec.spread[0];
    if (clear) zeroBytes(c, copy, stagedBytes(spec, layout));
    setFirstRow(c, spec, from, first, 0);
    setFirstRow(c, spec, to, first, layout.rows);
    c.for(channel, 0, spec.channels, 1, () => {
      c.get(image).get(channel).i32(spec.height).op("i32.mul").get(from).op("i32.add");
      c.i32(spec.width * floatBytes).op("i32.mul").op("i32.add").set(source);
      c.get(copy).get(channel).i32(layout.plane * floatBytes).op("i32.mul").op("i32.add");
      plus(c.get(from).i32(spreadY).op("i32.mul").get(first).op("i32.sub"), spec.top);
      c.i32(layout.pitch * floatBytes).op("i32.mul").op("i32.add").set(target);
      c.forRange(row, from, to, () => {
        copyRow(c, spec, layout, source, target);
        c.increment(source, spec.width * floatBytes).increment(target, spreadY * layout.pitch * floatBytes);
      });
    });
  });
}

/** Sets `to` to the first image row that is at or below row first + `below` of the padded plane, at most the height. */
function setFirstRow(c: FunctionWriter, spec: WindowSpec, to: number, first: number, below: number): void {
  const spreadY = spec.spread[0];
  plus(c.get(first), below - spec.top + spreadY - 1).set(to);
  c.get(to).i32(0).get(to).i32(0).op("i32.gt_s").op("select").i32(spreadY).op("i32.div_u").set(to);
  setMin(c, to, to, () => c.i32(spec.height));
}

/** Copies one row of the image to its columns of the staged row. */
function copyRow(c: FunctionWriter, spec: WindowSpec, layout: WindowLayout, source: number, target: number): void {
  const spread = spec.spread[1];
  const phases = spec.step[1];
  const begin = Math.max(0, Math.ceil(-spec.left / spread));
  const end = Math.min(spec.width, Math.ceil((layout.columns - spec.left) / spread));
  if (end <= begin) return;
  if (spread > 1 || phases === 1) {
    // Column phases only occur with images that are not spread.
    const columns = { from: spec.left + spread * begin, step: spread };
    return copyFloats(c, source, target, { from: begin, step: 1 }, columns, end - begin);
  }
  // The first column of every phase that has one.
  for (let column = begin; column < Math.min(end, begin + phases); column++) {
    const phase = (spec.left + column) % phases;
    const to = phase * layout.phase + (spec.left + column - phase) / phases;
    copyFloats(c, source, target, { from: column, step: phases }, { from: to, step: 1 }, Math.ceil((end - column) / phases));
  }
}

/** Columns of a row: the first, and the distance from one to the next, in floats. */
interface Columns {
  readonly from: number;
  readonly step: number;
}

/** Vectors that are copied one after the other without a loop. */
const unrolledVectors = 8;

/** Copies `count` floats within the rows at locals `source` and `target`. */
export function copyFloats(c: FunctionWriter, source: number, target: number, from: Columns, to: Columns, count: number): void {
  const scalar = () => c.get(target).get(source).mem("f32.load", from.from * floatBytes).mem("f32.store", to.from * floatBytes);
  const vector = (index: number) => {
    c.get(target).get(source).mem("v128.load", (from.from + index * from.step) * floatBytes);
    if (from.step === 2) {
      c.get(source).mem("v128.load", (from.from + index * 2 + vectorLanes) * floatBytes).shuffle32([0, 2, 4, 6]);
    }
    c.mem("v128.store", (to.from + index) * floatBytes);
  };
  const repeat = (times: number, sourceBytes: number, targetBytes: number, body: () => void) => {
    c.repeat(times, () => {
      body();
      c.increment(source, sourceBytes).increment(target, targetBytes);
    });
    c.increment(source, -times * sourceBytes).increment(target, -times * targetBytes);
  };
  const byVectors = to.step === 1 && from.step <= 2 && count >= vectorLanes;
  if (!byVectors) return repeat(count, from.step * floatBytes, to.step * floatBytes, scalar);
  const whole = Math.floor(count / vectorLanes);
  if (whole > unrolledVectors) {
    repeat(whole, from.step * vectorLanes * floatBytes, vectorLanes * floatBytes, () => vector(0));
  } else for (let v = 0; v < whole; v++) vector(v * vectorLanes);
  // The last vector overlaps the one before rather than run over.
  if (count % vectorLanes > 0) vector(count - vectorLanes);
}
