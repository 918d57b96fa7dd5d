/**
 * Convolutions and pools, of images and of signals.
 *
 * @module
 */
import { addOp } from "../../core/ops/arithmetic.ts";
import { conv2dInputGradOp, conv2dOp } from "../../core/ops/conv.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import { avgPool2dOp, maxPool2dOp } from "../../core/ops/pool.ts";
import { type ConvGeometry, type PoolGeometry, windowAxes, type WindowAxis, windowReach } from "../../core/ir/windows.ts";
import type { Op } from "../../core/tensor.ts";
import { sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import { fixed, madeBy, perChannel } from "./match.ts";
import { type Emitter, type Fusion, needed, type Row, row } from "./emitter.ts";
import type { Attribute } from "./writer.ts";

/** How windows lie, along two axes or, for signals, along one. */
interface Layout {
  readonly axes: readonly WindowAxis[];
  /** What follows the batch and the channels is left out for signals: height 1. */
  readonly signals: boolean;
}

/** The geometry without the batch. */
function geometryOf<G extends ConvGeometry | PoolGeometry>(value: Value, op: Op<{ readonly geometry: G }>): Omit<G, "n"> {
  return needed(fixed(value, op, ({ geometry: { n: _, ...rest } }) => rest));
}

/** Where windows start and end, with as much space at the end as the last one needs. */
function windows(
  { axes }: Layout,
  space: (axis: WindowAxis) => readonly [before: number, after: number],
): Record<string, Attribute> {
  const spaces = axes.map(space);
  return {
    kernel_shape: axes.map(({ taps }) => taps),
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pads: [...spaces.map(([before]) => before), ...spaces.map(([, after]) => after)],
  };
}

/** What the last window needs behind the last element. */
function overhang({ inputs, outputs, taps, stride, dilation, before }: WindowAxis): number {
  return Math.max(0, (outputs - 1) * stride + windowReach(taps, dilation) - inputs - before);
}

/** The axes of windows; of signals only the second one moves. */
function layoutOf(geometry: Omit<ConvGeometry | PoolGeometry, "n">, signals: boolean): Layout {
  const axes = windowAxes(geometry as ConvGeometry);
  return { axes: signals ? axes.slice(1) : axes, signals };
}

/** Images of height 1 as the signals that they were made of, if they were. */
function signalsOf(x: Value): Value | undefined {
  const [inner] = madeBy(x, reshapeOp) ?? [];
  const [n, c, h, w] = x.shape;
  return inner && x.shape.length === 4 && h === 1 && sameExtents(inner.shape, [n, c, w]) ? inner : undefined;
}

/** A convolution: images by a filter, or back. */
function convolution(value: Value, emitter: Emitter, signals: boolean, bias?: Value): string | undefined {
  const [x, weight] = value.inputs.map((input) => signals ? signalsOf(input) : input);
  if (!x || !weight) return undefined;
  const factors = [emitter.of(weight), ...(bias ? [emitter.of(bias)] : [])];
  if (value.op === conv2dOp as Op) {
    const geometry = geometryOf(value, conv2dOp);
    const layout = layoutOf(geometry, signals);
    const ends = layout.axes.map((axis) => Math.min(0, axis.after - unused(axis)));
    const attributes = windows(layout, (axis) => [axis.before, Math.max(0, axis.after - unused(axis))]);
    return emitter.node("Conv", [cut(emitter.of(x), ends, emitter), ...factors], { ...attributes, group: geometry.groups });
  }
  const geometry = geometryOf(value, conv2dInputGradOp);
  const layout = layoutOf(geometry, signals);
  // What no window reaches follows the output; where it is less than a step, ONNX has an attribute for it.
  const extra = layout.axes.map((axis) =>
    axis.inputs + axis.before + axis.after - (axis.outputs - 1) * axis.stride - reach(axis)
  );
  const whole = extra.some((each, i) => each >= layout.axes[i].stride);
  const kept = layout.axes.map(({ after }, i) => whole ? Math.max(0, after - extra[i]) : after);
  const attributes = windows(layout, (axis) => [axis.before, kept[layout.axes.indexOf(axis)]]);
  const untouched = extra.map((each, i) => whole ? each - (layout.axes[i].after - kept[i]) : each);
  const some = untouched.some((each) => each > 0);
  // There the bias is all there is: it must come later.
  if (whole && some && bias) return undefined;
  const product = emitter.node("ConvTranspose", [emitter.of(x), ...factors], {
    ...attributes,
    group: geometry.groups,
    ...(some && !whole ? { output_padding: untouched } : {}),
  });
  if (!whole || !some) return product;
  const ends = [0, 0, ...untouched.map(() => 0), 0, 0, ...untouched];
  return emitter.node("Pad", [product, emitter.initializers.integers(ends), emitter.scalar(value.dtype, 0)]);
}

/** How many whole steps at the end of the padded image have no window. */
function unused(axis: WindowAxis): number {
  const { inputs, outputs, stride, before, after } = axis;
  const rest = inputs + before + after - (outputs - 1) * stride - reach(axis);
  return rest < stride ? 0 : rest;
}

/** Images without as many elements at their ends: numbers that are not positive. */
function cut(name: string, ends: readonly number[], emitter: Emitter): string {
  const axes = ends.flatMap((end, i) => end < 0 ? [i] : []);
  if (axes.length === 0) return name;
  const lists = [axes.map(() => 0), axes.map((i) => ends[i]), axes.map((i) => i + 2)];
  return emitter.node("Slice", [name, ...lists.map((list) => emitter.initializers.integers(list))]);
}

function reach({ taps, dilation }: WindowAxis): number {
  return windowReach(taps, dilation);
}

const convolve: Row = (value, emitter) => convolution(value, emitter, false)!;

function isConvolution({ op }: Value): boolean {
  return op === conv2dOp as Op || op === conv2dInputGradOp as Op;
}

/** A convolution and what is added to its channels. */
function biased(value: Value): { readonly product: Value; readonly bias?: Value } | undefined {
  if (isConvolution(value)) return { product: value };
  const [product, added] = madeBy(value, addOp) ?? [];
  if (!product || !isConvolution(product)) return undefined;
  const bias = perChannel(added);
  return bias && { product, bias };
}

const convolutionWithBias: Fusion = (value, emitter) => {
  const found = biased(value);
  return found && convolution(found.product, emitter, false, found.bias);
};

/** A pool. */
function pool(value: Value, emitter: Emitter, signals: boolean): string | undefined {
  const x = signals ? signalsOf(value.inputs[0]) : value.inputs[0];
  if (!x) return undefined;
  if (value.op === maxPool2dOp as Op) {
    const layout = layoutOf(geometryOf(value, maxPool2dOp), signals);
    return emitter.node("MaxPool", [emitter.of(x)], windows(layout, (axis) => [axis.before, overhang(axis)]));
  }
  const geometry = geometryOf(value, avgPool2dOp);
  const { axes } = layoutOf(geometry, signals);
  // What hangs over never counts: it is padding, and where padding counts, that is elements.
  const hangs = axes.some((axis) => overhang(axis) > axis.after);
  const counted = geometry.countPadding && hangs && axes.some(({ before, after }) => before + after > 0);
  const ends = ({ before, after }: WindowAxis) => [before, after] as const;
  const pads = axes.map(ends);
  const zeros = [0, 0, ...pads.map(([before]) => before), 0, 0, ...pads.map(([, after]) => after)];
  const padded = counted
    ? emitter.node("Pad", [emitter.of(x), emitter.initializers.integers(zeros), emitter.scalar(value.dtype, 0)])
    : emitter.of(x);
  const { dilations: _, ...attributes } = windows(
    { axes, signals },
    (axis) => counted ? [0, Math.max(0, overhang(axis) - axis.after)] : [axis.before, overhang(axis)],
  );
  return emitter.node("AveragePool", [padded], {
    ...attributes,
    count_include_pad: Number(geometry.countPadding && !hangs),
  });
}

const poolRow: Row = (value, emitter) => pool(value, emitter, false)!;

/** Whether windows move along the second axis only. */
function isFlat({ h, kh, oh, padding }: Omit<ConvGeometry | PoolGeometry, "n">): boolean {
  return h === 1 && kh === 1 && oh === 1 && padding.top === 0 && padding.bottom === 0;
}

/** What was computed of signals as of images of height 1. */
const ofSignals: Fusion = (value, emitter) => {
  const [images] = madeBy(value, reshapeOp) ?? [];
  if (!images || images.shape.length !== 4) return undefined;
  const [n, c, h, w] = images.shape;
  if (h !== 1 || !sameExtents(value.shape, [n, c, w])) return undefined;
  const found = biased(images);
  if (found) {
    return isFlat(geometryOf(found.product, found.product.op as typeof conv2dOp))
      ? convolution(found.product, emitter, true, found.bias)
      : undefined;
  }
  if (images.op !== maxPool2dOp as Op && images.op !== avgPool2dOp as Op) return undefined;
  return isFlat(geometryOf(images, images.op as typeof maxPool2dOp)) ? pool(images, emitter, true) : undefined;
};

export const windowRows: readonly (readonly [Op, Row])[] = [
  row(conv2dOp, convolve),
  row(conv2dInputGradOp, convolve),
  row(maxPool2dOp, poolRow),
  row(avgPool2dOp, poolRow),
];

export const windowFusions: readonly (readonly [Op, Fusion])[] = [
  [addOp as Op, convolutionWithBias],
  [reshapeOp as Op, ofSignals],
];
