/**
 * Pooling by windows of any kind, in plain loops over scalars.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import { countedInputs, type PoolGeometry, windowAxes } from "../../../../ir/windows.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { pushInput, setTapsInside } from "../emit/windows.ts";

/** A window while the code for it is written. */
export interface PlainWindow {
  readonly c: FunctionWriter;
  readonly type: "f32" | "f64";
  readonly bytes: number;
  readonly geometry: PoolGeometry;
  /** Locals: addresses of the plane's operands and result. */
  readonly first: number;
  readonly second: number;
  readonly result: number;
  /** Locals: row and column of the window's output; index of a pixel in its plane, set within `eachPixel`. */
  readonly row: number;
  readonly column: number;
  readonly pixel: number;
}

/** Writes a function (first operand, second operand, result) for one plane; with `spreads` the result begins as zeros. */
export function windowPlane(
  module: WasmModule,
  geometry: PoolGeometry,
  type: "f32" | "f64",
  spreads: boolean,
  oneWindow: (window: PlainWindow) => void,
): number {
  const bytes = deviceBytes(type);
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    const [first, second, result] = [0, 1, 2];
    const [row, column, pixel] = c.locals("i32", 3);
    if (spreads) {
      c.for(pixel, 0, geometry.h * geometry.w * bytes, bytes, () => {
        c.get(result).get(pixel).op("i32.add");
        zero(c, type).mem(`${type}.store`);
      });
    }
    const window = { c, type, bytes, geometry, first, second, result, row, column, pixel };
    c.for(row, 0, geometry.oh, 1, () => c.for(column, 0, geometry.ow, 1, () => oneWindow(window)));
  });
}

/** maxPool2d: stores the maximum. */
export function storeMaximum(window: PlainWindow): void {
  const { maximum } = findMaximum(window);
  pushOutput(window, window.result).get(maximum).mem(`${window.type}.store`);
}

/** maxPool2dGather: stores the second operand's element at the first maximum, 0 if there is none. */
export function storeAtMaximum(window: PlainWindow): void {
  const { c, type } = window;
  const { index, value } = findMaximum(window);
  c.get(index).i32(0).op("i32.ge_s").if(
    () => pushElement(window, window.second, index).mem(`${type}.load`).set(value),
    () => zero(c, type).set(value),
  );
  pushOutput(window, window.result).get(value).mem(`${type}.store`);
}

/** maxPool2dScatter: adds the second operand's element of the window to the pixel of its first maximum. */
export function addToMaximum(window: PlainWindow): void {
  const { c, type, second, result } = window;
  const { index } = findMaximum(window);
  c.get(index).i32(0).op("i32.ge_s").if(() => {
    pushElement(window, result, index);
    pushElement(window, result, index).mem(`${type}.load`);
    pushOutput(window, second).mem(`${type}.load`).op(`${type}.add`).mem(`${type}.store`);
  });
}

/** avgPool2d: stores the mean. */
export function storeMean(window: PlainWindow): void {
  const { c, type, first, result, pixel } = window;
  const sum = c.local(type);
  zero(c, type).set(sum);
  eachPixel(window, () => {
    c.get(sum);
    pushElement(window, first, pixel).mem(`${type}.load`).op(`${type}.add`).set(sum);
  });
  pushOutput(window, result).get(sum);
  pushDivisor(window);
  c.op(`${type}.div`).mem(`${type}.store`);
}

/** avgPool2dGrad: adds an equal share of the operand's element to each pixel of the window. */
export function spreadMean(window: PlainWindow): void {
  const { c, type, first, result, pixel } = window;
  const share = c.local(type);
  pushOutput(window, first).mem(`${type}.load`);
  pushDivisor(window);
  c.op(`${type}.div`).set(share);
  eachPixel(window, () => {
    pushElement(window, result, pixel);
    pushElement(window, result, pixel).mem(`${type}.load`).get(share).op(`${type}.add`).mem(`${type}.store`);
  });
}

function zero(c: FunctionWriter, type: "f32" | "f64"): FunctionWriter {
  return type === "f64" ? c.f64(0) : c.f32(0);
}

/** Pushes the address of an element of a plane. */
function pushElement({ c, bytes }: PlainWindow, plane: number, index: number): FunctionWriter {
  return c.get(plane).get(index).i32(bytes).op("i32.mul").op("i32.add");
}

/** Pushes the address of the window's output in a plane of outputs. */
function pushOutput({ c, bytes, geometry, row, column }: PlainWindow, plane: number): FunctionWriter {
  c.get(plane).get(row).i32(geometry.ow).op("i32.mul").get(column).op("i32.add");
  return c.i32(bytes).op("i32.mul").op("i32.add");
}

/** Runs `body` for each pixel of the window that is inside the image, in row-major order. */
function eachPixel({ c, geometry: g, row, column, pixel }: PlainWindow, body: () => void): void {
  const [rows, columns] = windowAxes(g);
  c.withLocals("i32", 7, (ky, top, bottom, kx, left, right, start) => {
    setTapsInside(c, rows, row, { begin: 0, end: g.h }, [top, bottom]);
    setTapsInside(c, columns, column, { begin: 0, end: g.w }, [left, right]);
    c.forRange(ky, top, bottom, () => {
      pushInput(c, rows, row, ky).i32(g.w).op("i32.mul").set(start);
      c.forRange(kx, left, right, () => {
        pushInput(c, columns, column, kx).get(start).op("i32.add").set(pixel);
        body();
      });
    });
  });
}

/** Finds the first maximum; gives locals: it, the index of its pixel or -1 if there is none, and one of the same type for use. */
function findMaximum(window: PlainWindow): { readonly maximum: number; readonly index: number; readonly value: number } {
  const { c, type, first, pixel } = window;
  const [maximum, value] = c.locals(type, 2);
  const index = c.local("i32");
  (type === "f64" ? c.f64(-Infinity) : c.f32(-Infinity)).set(maximum).i32(-1).set(index);
  eachPixel(window, () => {
    pushElement(window, first, pixel).mem(`${type}.load`).set(value);
    // The first pixel; later ones that are larger or NaN, unless a NaN has won already.
    c.get(index).i32(0).op("i32.lt_s");
    c.get(value).get(maximum).op(`${type}.le`).op("i32.eqz").get(maximum).get(maximum).op(`${type}.eq`);
    c.op("i32.and").op("i32.or");
    c.if(() => c.get(value).set(maximum).get(pixel).set(index));
  });
  return { maximum, index, value };
}

/** Pushes what a mean divides by: 1 for a window of nothing, whose mean is 0. */
function pushDivisor(window: PlainWindow): void {
  const { c, type, row, column } = window;
  c.withLocals("i32", 1, (count) => {
    pushCount(window, row, 0);
    pushCount(window, column, 1);
    c.op("i32.mul").tee(count).i32(1).get(count).op("select").op(`${type}.convert_i32_s`);
  });
}

/** Pushes how many of the window's elements along an axis count: those in the image, or those in the padded image. */
function pushCount({ c, geometry: g }: PlainWindow, output: number, axis: 0 | 1): void {
  const along = windowAxes(g)[axis];
  c.withLocals("i32", 2, (from, to) => {
    setTapsInside(c, along, output, countedInputs(along, g.countPadding), [from, to]);
    c.get(to).get(from).op("i32.sub");
  });
}
