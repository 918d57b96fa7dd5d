/**
 * The outputs of a block of channels for eight images in the lanes of two vectors.
 *
 * @module
 */
import type { FunctionWriter } from "../../assembler/function_writer.ts";
import type { WasmModule } from "../../assembler/module.ts";
import { plus, plusScaled, setMin } from "../../emit/addresses.ts";
import { floatBytes, vectorLanes } from "../../emit/vectors.ts";
import type { Convolution } from "../problem.ts";
import { imagesTogether, unrolledChannels } from "./choice.ts";

const vectorCount = imagesTogether / vectorLanes;

/** Writes a function (packed images, filters, packed outputs) for `channels` output channels. */
export function imageLanesBlock(module: WasmModule, conv: Convolution, channels: number): number {
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => new ChannelBlock(c, conv, channels).write());
}

class ChannelBlock {
  readonly #c: FunctionWriter;
  readonly #conv: Convolution;
  /** Locals: the output pixel, the window element, the pixel under it, and where they are read. */
  readonly #y: number;
  readonly #x: number;
  readonly #ky: number;
  readonly #kx: number;
  readonly #row: number;
  readonly #column: number;
  readonly #pixels: number;
  readonly #taps: number;
  /** Locals: the window elements inside the image end (ky), begin and end (kx); turns of the innermost loop. */
  readonly #kyEnd: number;
  readonly #kxStart: number;
  readonly #kxEnd: number;
  readonly #turn: number;
  /** Locals: sums by channel and vector, pixels, and a filter element. */
  readonly #sums: readonly (readonly number[])[];
  readonly #held: readonly number[];
  readonly #filter: number;

  constructor(c: FunctionWriter, conv: Convolution, channels: number) {
    this.#c = c;
    this.#conv = conv;
    [this.#y, this.#x, this.#ky, this.#kyEnd, this.#kx] = c.locals("i32", 5);
    [this.#row, this.#column] = c.locals("i32", 2);
    [this.#kxStart, this.#kxEnd, this.#turn, this.#pixels, this.#taps] = c.locals("i32", 5);
    this.#sums = Array.from({ length: channels }, () => c.locals("v128", vectorCount));
    this.#held = c.locals("v128", vectorCount);
    this.#filter = c.local("v128");
  }

  write(): void {
    const [c, sums, output] = [this.#c, this.#sums, 2];
    const { outHeight, outWidth } = this.#conv;
    const outPlane = outHeight * outWidth * imagesTogether;
    c.for(this.#y, 0, outHeight, 1, () => {
      c.for(this.#x, 0, outWidth, 1, () => {
        for (const line of sums) for (const sum of line) c.f32x4(0).set(sum);
        this.#setElementsInside(0, this.#y, this.#ky, this.#kyEnd);
        this.#setElementsInside(1, this.#x, this.#kxStart, this.#kxEnd);
        this.#eachElement(0, [this.#ky, this.#ky, this.#kyEnd], this.#y, this.#row, () => {
          this.#eachElement(1, [this.#kx, this.#kxStart, this.#kxEnd], this.#x, this.#column, () => this.#windowElement());
        });
        sums.forEach((line, row) =>
          line.forEach((sum, v) => c.get(output).get(sum).mem("v128.store", (row * outPlane + v * vectorLanes) * floatBytes))
        );
        c.increment(output, imagesTogether * floatBytes);
      });
    });
  }

  /**
   * Runs `body` for the window elements from local `from` to local `to` along an axis, with the pixel that is under them in local `pixel`;
   * not for those that are over a zero between pixels.
   */
  #eachElement(
    axis: 0 | 1,
    [element, from, to]: readonly [number, number, number],
    output: number,
    pixel: number,
    body: () => void,
  ): void {
    const c = this.#c;
    const { window } = this.#conv;
    const spread = window.spread[axis];
    c.forRange(element, from, to, () =>
      c.block(() => {
        c.get(output).i32(window.step[axis]).op("i32.mul");
        plus(plusScaled(c, element, window.dilation[axis]), -(axis === 0 ? window.top : window.left)).set(pixel);
        if (spread > 1) {
          c.get(pixel).i32(spread).op("i32.rem_u").brIf(0);
          c.get(pixel).i32(spread).op("i32.div_u").set(pixel);
        }
        body();
      }));
  }

  /** Sets `from` and `to` to the window elements that are inside the image for the output in local `output`. */
  #setElementsInside(axis: 0 | 1, output: number, from: number, to: number): void {
    const c = this.#c;
    const { window } = this.#conv;
    const [size, start] = axis === 0 ? [window.height, window.top] : [window.width, window.left];
    const dilation = window.dilation[axis];
    /** Sets `local` to the first window element at or after image row (or column) `pixel`, from 0 to the window's size. */
    const setFirst = (local: number, pixel: number) => {
      c.i32(pixel + start + dilation - 1).get(output).i32(window.step[axis]).op("i32.mul").op("i32.sub").set(local);
      c.get(local).i32(0).get(local).i32(0).op("i32.gt_s").op("select").i32(dilation).op("i32.div_u").set(local);
      setMin(c, local, local, () => c.i32(window.kernel[axis]));
    };
    setFirst(from, 0);
    setFirst(to, (size - 1) * window.spread[axis] + 1);
  }

  /** Adds the products of one window element over all input channels. */
  #windowElement(): void {
    const c = this.#c;
    const { inChannels, filterIn, window } = this.#conv;
    const inPlane = window.height * window.width * imagesTogether;
    this.#setAddresses();
    c.i32(Math.floor(inChannels / unrolledChannels)).set(this.#turn).loop(() => {
      for (let channel = 0; channel < unrolledChannels; channel++) this.#inputChannel(channel);
      c.increment(this.#pixels, unrolledChannels * inPlane * floatBytes);
      c.increment(this.#taps, unrolledChannels * filterIn * floatBytes);
      c.increment(this.#turn, -1).get(this.#turn).brIf(0);
    });
    for (let channel = 0; channel < inChannels % unrolledChannels; channel++) this.#inputChannel(channel);
  }

  /** Sets the addresses of the pixels under the window element, and of the element in the filters. */
  #setAddresses(): void {
    const [c, input, filters] = [this.#c, 0, 1];
    const { flipped, window } = this.#conv;
    const [kh, kw] = window.kernel;
    c.get(input).get(this.#row).i32(window.width).op("i32.mul").get(this.#column).op("i32.add");
    c.i32(imagesTogether * floatBytes).op("i32.mul").op("i32.add").set(this.#pixels);
    c.get(this.#ky).i32(kw).op("i32.mul").get(this.#kx).op("i32.add").set(this.#taps);
    if (flipped) c.i32(kh * kw - 1).get(this.#taps).op("i32.sub").set(this.#taps);
    c.get(filters).get(this.#taps).i32(floatBytes).op("i32.mul").op("i32.add").set(this.#taps);
  }

  #inputChannel(channel: number): void {
    const [c, filter] = [this.#c, this.#filter];
    const { filterIn, filterOut, window } = this.#conv;
    const inPlane = window.height * window.width * imagesTogether;
    this.#held.forEach((to, v) =>
      c.get(this.#pixels).mem("v128.load", (channel * inPlane + v * vectorLanes) * floatBytes).set(to)
    );
    this.#sums.forEach((line, row) => {
      c.get(this.#taps).mem("v128.load32_splat", (row * filterOut + channel * filterIn) * floatBytes).set(filter);
      line.forEach((sum, v) => c.get(filter).get(this.#held[v]).get(sum).op("f32x4.relaxed_madd").set(sum));
    });
  }
}
