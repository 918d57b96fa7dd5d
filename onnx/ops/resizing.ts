/**
 * Resizing: every output position is a place in the input, read from its neighbours with weights, axis by axis. Places and weights are
 * known on the host.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { normalizeAxis, showShape } from "../../core/shape.ts";
import { add, mul, repeat, reshape, take, type Tensor, tensor, where } from "../../mod.ts";
import { type Call, limited, type OpTable } from "../call.ts";

/** One axis to be resized. */
interface Axis {
  readonly axis: number;
  readonly extent: number;
  readonly out: number;
  readonly scale: number;
  /** Of tf_crop_and_resize: the part of the axis, from 0 to 1. */
  readonly part: readonly [start: number, end: number];
}

/** Where an output position lies in the input. */
const transforms: Readonly<Record<string, (i: number, axis: Axis) => number>> = {
  half_pixel: (i, { scale }) => (i + 0.5) / scale - 0.5,
  half_pixel_symmetric: (i, { scale, extent, out }) => {
    const adjusted = out / (scale * extent);
    return extent / 2 * (1 - adjusted) + (i + 0.5) / scale - 0.5;
  },
  pytorch_half_pixel: (i, { scale, out }) => out > 1 ? (i + 0.5) / scale - 0.5 : 0,
  tf_half_pixel_for_nn: (i, { scale }) => (i + 0.5) / scale,
  asymmetric: (i, { scale }) => i / scale,
  // By the size that the scale gives, which need not be whole.
  align_corners: (i, { extent, scale }) => extent * scale === 1 ? 0 : i * (extent - 1) / (extent * scale - 1),
  tf_crop_and_resize: (i, { extent, out, part: [start, end] }) => {
    return out > 1 ? start * (extent - 1) + i * (end - start) * (extent - 1) / (out - 1) : 0.5 * (start + end) * (extent - 1);
  },
};

/** The element nearest to a place. */
const roundings: Readonly<Record<string, (place: number) => number>> = {
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** How much an element at a distance counts. */
interface Filter {
  readonly reach: number;
  weight(distance: number): number;
}

const linear: Filter = { reach: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) };

/** The cubic convolution of Keys. */
function cubic(a: number): Filter {
  return {
    reach: 2,
    weight: (distance) => {
      const x = Math.abs(distance);
      if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
    },
  };
}

/** Elements that an output position is made of. */
interface Tap {
  readonly index: number;
  readonly weight: number;
}

/** How a node reads its input along one axis. */
interface Reading {
  readonly taps: readonly (readonly Tap[])[];
  /** Whether each position lies outside of the input, for a value of its own. */
  readonly outside: readonly boolean[];
}

function readingOf(call: Call, axis: Axis): Reading {
  const { attributes } = call;
  const names = Object.keys(transforms);
  const isUpsample = call.op === "Upsample" || call.opset < 11;
  const transform =
    transforms[attributes.choice("coordinate_transformation_mode", names, isUpsample ? "asymmetric" : "half_pixel")];
  const mode = attributes.choice("mode", ["nearest", "linear", "cubic", "bilinear"], "nearest");
  const places = Array.from({ length: axis.out }, (_, i) => transform(i, axis));
  const inside = (index: number) => Math.min(Math.max(index, 0), axis.extent - 1);
  const outside = places.map((place) => place < 0 || place > axis.extent - 1);
  if (mode === "nearest") {
    const nearest =
      roundings[attributes.choice("nearest_mode", Object.keys(roundings), isUpsample ? "floor" : "round_prefer_floor")];
    return { taps: places.map((place) => [{ index: inside(nearest(clean(place))), weight: 1 }]), outside };
  }
  const filter = mode === "cubic" ? cubic(attributes.number("cubic_coeff_a", -0.75)) : linear;
  const wider = attributes.flag("antialias", false) ? Math.max(1, 1 / axis.scale) : 1;
  const excluded = attributes.flag("exclude_outside", false);
  const taps = places.map((place) => {
    const first = Math.floor(place - filter.reach * wider) + 1;
    const last = Math.ceil(place + filter.reach * wider) - 1;
    const all = Array.from({ length: Math.max(1, last - first + 1) }, (_, i) => {
      const index = first + i;
      const weight = filter.weight((index - place) / wider);
      return { index: inside(index), weight: excluded && inside(index) !== index ? 0 : weight };
    });
    const total = excluded || wider > 1 ? all.reduce((sum, { weight }) => sum + weight, 0) : 1;
    return all.map(({ index, weight }) => ({ index, weight: weight / total }));
  });
  return { taps, outside };
}

/** Without the error of a division that should have given a half or a whole number. */
function clean(place: number): number {
  const rounded = Math.round(place * 2) / 2;
  return Math.abs(rounded - place) < 1e-9 ? rounded : place;
}

function readAlong(x: Tensor, axis: number, { taps }: Reading): Tensor {
  const times = taps.length / x.shape[axis];
  // A view, where a list of indices would be a kernel of its own, and its gradient one that adds rows one by one.
  if (taps.every((each, i) => each.length === 1 && each[0].weight === 1 && each[0].index === Math.floor(i / times))) {
    if (Number.isInteger(times)) return repeat(x, times, { axis });
  }
  const most = Math.max(...taps.map((each) => each.length));
  const parts = Array.from({ length: most }, (_, k) => {
    const indices = tensor(taps.map((each) => each[k]?.index ?? 0), { dtype: "i32" });
    const part = take(x, indices, { axis });
    const weights = taps.map((each) => each[k]?.weight ?? 0);
    if (weights.every((weight) => weight === 1)) return part;
    return mul(part, along(weights, x, axis));
  });
  return parts.reduce((sum, part) => add(sum, part));
}

/** Numbers along one axis of a tensor. */
function along(numbers: readonly number[], x: Tensor, axis: number, dtype: "f32" | "bool" = "f32"): Tensor {
  return reshape(tensor(numbers, { dtype }), x.shape.map((_, i) => i === axis ? numbers.length : 1));
}

/** How many positions are worked out along an axis. */
const mostPositions = 2 ** 20;

function axesOf(call: Call, x: Tensor): Axis[] {
  const { attributes } = call;
  const isOld = call.op === "Upsample" || call.opset < 11;
  const axes = attributes.numbers("axes", x.shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, x.rank, call.op));
  const given = (i: number) => call.has(i) && call.shape(i).join() !== "0" ? call.host(i).values : undefined;
  const sizes = isOld ? undefined : given(3);
  const scales = attributes.optional("scales") ?? given(isOld ? 1 : 2);
  const roi = isOld ? undefined : given(1);
  const wanted = sizes ?? scales;
  if (wanted === undefined || wanted.length !== axes.length) {
    throw new ShapeError(`Cannot resize ${showShape(x.shape)}: it takes one size or scale for each of ${axes.length} axes`, {
      shape: x.shape,
    });
  }
  const ratios = axes.map((axis, i) => sizes ? sizes[i] / x.shape[axis] : scales![i]);
  const policy = attributes.choice("keep_aspect_ratio_policy", ["stretch", "not_larger", "not_smaller"], "stretch");
  const kept = policy === "stretch" || !sizes ? undefined : policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  const isCrop = attributes.text("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  return axes.map((axis, i) => {
    const extent = x.shape[axis];
    const part = [roi?.[i] ?? 0, roi?.[axes.length + i] ?? 1] as const;
    const share = isCrop && !sizes ? part[1] - part[0] : 1;
    const out = kept !== undefined ? Math.round(kept * extent) : sizes ? sizes[i] : Math.floor(extent * share * ratios[i] + 1e-9);
    if (!(out >= 1 && extent >= 1)) {
      throw new ShapeError(`Cannot resize axis ${axis} of ${showShape(x.shape)} to ${out}`, { axis, out });
    }
    limited(out, mostPositions, `axis ${axis} of its output`);
    return { axis, extent, out, scale: kept ?? ratios[i], part };
  });
}

function resize(call: Call): Tensor {
  return call.lifted((x) => {
    const axes = axesOf(call, x).filter(({ extent, out, part: [start, end] }) => extent !== out || start !== 0 || end !== 1);
    const readings = axes.map((axis) => readingOf(call, axis));
    const resized = axes.reduce((y, { axis }, i) => readAlong(y, axis, readings[i]), x);
    if (call.attributes.text("coordinate_transformation_mode", "") !== "tf_crop_and_resize") return resized;
    const value = call.attributes.number("extrapolation_value", 0);
    return axes.reduce((y, { axis }, i) => where(along(readings[i].outside.map(Number), y, axis, "bool"), value, y), resized);
  });
}

/** What these ops do. */
export const resizing: OpTable = { Resize: resize, Upsample: resize };
