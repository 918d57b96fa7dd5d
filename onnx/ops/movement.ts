/**
 * Ops that move elements and compute nothing.
 *
 * @module
 */
import { CotangentError, ShapeError } from "../../core/errors.ts";
import { type Run, runOf, sliceRuns } from "../../core/ops/slice.ts";
import { broadcastShapes, normalizeAxis, type Shape, showShape, sizeOf } from "../../core/shape.ts";
import {
  broadcastTo,
  concat,
  pad,
  permute,
  reshape,
  slice,
  split,
  takeAlongAxis,
  type Tensor,
  tensor,
  tile,
  tril,
  triu,
} from "../../mod.ts";
import { type Call, limited, type OnnxOp, type OpTable } from "../call.ts";
import { type Fold, moving } from "../host.ts";

/** The new shapes of ops that keep all elements in their order: shared by tensors and by arrays on the host. */
export const reshapes: Readonly<Record<string, (call: Call) => Shape>> = {
  Reshape: (call) => {
    const shape = call.shape(0);
    const wanted = call.intsOf("shape", 1) ?? [];
    const keepZero = call.attributes.flag("allowzero", false);
    const sized = wanted.map((extent, i) => extent === 0 && !keepZero ? shape[i] ?? 0 : extent);
    const known = sizeOf(sized.filter((extent) => extent !== -1));
    const filled = sized.map((extent) => extent === -1 ? (known === 0 ? 0 : sizeOf(shape) / known) : extent);
    if (sizeOf(filled) === sizeOf(shape) && filled.every((extent) => Number.isInteger(extent) && extent >= 0)) return filled;
    throw new ShapeError(`Cannot reshape ${showShape(shape)} to ${showShape(wanted)}`, { shape, to: wanted });
  },
  Flatten: (call) => {
    const shape = call.shape(0);
    const given = call.attributes.number("axis", 1);
    const axis = given < 0 ? given + shape.length : given;
    return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
  },
  Squeeze: (call) => {
    const shape = call.shape(0);
    const axes = call.intsOf("axes", 1)?.map((axis) => normalizeAxis(axis, shape.length, "Squeeze"));
    const wide = axes?.find((axis) => shape[axis] !== 1);
    if (wide !== undefined) {
      throw new ShapeError(`Cannot squeeze axis ${wide} of ${showShape(shape)}: it is not 1`, { shape, axis: wide });
    }
    return shape.filter((extent, i) => axes ? !axes.includes(i) : extent !== 1);
  },
  Unsqueeze: (call) => {
    const shape = call.shape(0);
    const given = call.intsOf("axes", 1) ?? [];
    const rank = shape.length + given.length;
    const axes = given.map((axis) => normalizeAxis(axis, rank, "Unsqueeze"));
    if (new Set(axes).size !== axes.length) {
      throw new ShapeError(`Cannot unsqueeze at ${showShape(given)}: an axis is there twice`, { axes });
    }
    const rest = shape.values();
    return Array.from({ length: rank }, (_, i) => axes.includes(i) ? 1 : rest.next().value!);
  },
};

/** Ranges are attributes before version 10. */
function runsOf(call: Call): Run[] {
  const shape = call.shape(0);
  const isOld = call.opset < 10;
  const starts = isOld ? call.attributes.numbers("starts") : call.ints(1);
  const stops = isOld ? call.attributes.numbers("ends") : call.ints(2);
  const axes = (isOld ? call.attributes.optional("axes") : call.has(3) ? call.ints(3) : undefined) ?? starts.map((_, i) => i);
  const steps = !isOld && call.has(4) ? call.ints(4) : starts.map(() => 1);
  if (stops.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw new ShapeError(`Cannot slice from ${showShape(starts)} to ${showShape(stops)}: each needs one number per axis`, {
      starts,
      stops,
    });
  }
  const runs = shape.map((extent) => runOf({}, extent));
  axes.forEach((axis, i) => {
    const at = normalizeAxis(axis, shape.length, "Slice");
    runs[at] = runOf({ start: starts[i], stop: stops[i], step: steps[i] }, shape[at]);
  });
  return runs;
}

/** The same on the host. */
export const foldSlice: Fold = moving((call) => {
  const runs = runsOf(call);
  return {
    shape: runs.map(({ count }) => count),
    from: (position) => runs.map(({ start, step }, i) => start + step * position[i]),
  };
});

function splitting(call: Call): readonly Tensor[] {
  const x = call.tensor(0);
  const axis = normalizeAxis(call.attributes.number("axis", 0), x.rank, "Split");
  const given = call.intsOf("split", 1);
  const parts = call.wanted.length;
  const each = Math.ceil(x.shape[axis] / parts);
  const sizes = given ?? Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, x.shape[axis] - i * each)));
  return split(x, sizes, { axis });
}

/** Pads and value are attributes before version 11, and were called otherwise before version 2. Negative ones cut off. */
function padding(call: Call): Tensor {
  const x = call.tensor(0);
  const isOld = call.opset < 11;
  const given = isOld ? call.attributes.optional("pads") ?? call.attributes.numbers("paddings") : call.ints(1);
  const value = isOld ? call.attributes.number("value", 0) : call.scalar(2, 0);
  const axes = (call.has(3) ? call.ints(3) : x.shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, x.rank, "Pad"));
  if (given.length !== 2 * axes.length) {
    throw new ShapeError(`Cannot pad ${showShape(x.shape)} by ${showShape(given)}: it takes two numbers per axis`, {
      shape: x.shape,
    });
  }
  const side = (from: number) => x.shape.map((_, i) => axes.includes(i) ? given[axes.indexOf(i) + from] : 0);
  const [low, high] = [side(0), side(axes.length)];
  const added = (sides: readonly number[]) => sides.map((each) => Math.max(0, each));
  const names = { constant: "constant", reflect: "reflect", edge: "replicate", wrap: "circular" } as const;
  const mode = names[call.attributes.choice("mode", ["constant", "reflect", "edge", "wrap"], "constant")];
  const cut = sliceRuns(
    x,
    x.shape.map((extent, i) => {
      const [before, after] = [Math.max(0, -low[i]), Math.max(0, -high[i])];
      return { start: before, count: Math.max(0, extent - before - after), step: 1 };
    }),
  );
  return pad(cut, { low: added(low), high: added(high), mode, ...mode === "constant" ? { value } : {} });
}

function expanding(call: Call): Tensor {
  const x = call.tensor(0);
  return broadcastTo(x, broadcastShapes(x.shape, call.ints(1), "Expand"));
}

/** Versions before 6 name an axis and a count. */
function tiling(call: Call): Tensor {
  const x = call.tensor(0);
  if (call.opset >= 6) return tile(x, call.ints(1));
  const [count, axis] = [call.scalar(1), call.scalar(2)];
  return tile(x, x.shape.map((_, i) => i === axis ? count : 1));
}

function depthToSpace(call: Call): Tensor {
  const x = call.tensor(0);
  const block = call.attributes.number("blocksize");
  const [n, c, h, w] = call.ranked(0, 4);
  const depth = c / block ** 2;
  const isRow = call.attributes.choice("mode", ["DCR", "CRD"], "DCR") === "DCR";
  const apart = reshape(x, isRow ? [n, block, block, depth, h, w] : [n, depth, block, block, h, w]);
  return reshape(permute(apart, isRow ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]), [n, depth, h * block, w * block]);
}

function spaceToDepth(call: Call): Tensor {
  const x = call.tensor(0);
  const block = call.attributes.number("blocksize");
  const [n, c, h, w] = call.ranked(0, 4);
  const apart = reshape(x, [n, c, h / block, block, w / block, block]);
  return reshape(permute(apart, [0, 3, 5, 1, 2, 4]), [n, c * block ** 2, h / block, w / block]);
}

/** How many positions are worked out on the host. */
const mostPositions = 2 ** 24;

/** Each sequence turned around as far as it goes. */
function reverseSequence(call: Call): Tensor {
  const x = call.tensor(0);
  const [time, batch] = [call.attributes.number("time_axis", 0), call.attributes.number("batch_axis", 1)];
  if (time > 1 || batch > 1 || time === batch) {
    throw new CotangentError("its time and batch axes must be 0 and 1", { time, batch });
  }
  const lengths = call.ints(1);
  limited(x.shape[0] * x.shape[1], mostPositions, "the number of its steps");
  const place = (length: number, t: number) => t < length ? length - 1 - t : t;
  const places = Array.from(
    { length: x.shape[0] },
    (_, i) => Array.from({ length: x.shape[1] }, (_, j) => time === 0 ? place(lengths[j], i) : place(lengths[i], j)),
  );
  const indices = tensor(places.flat(), { shape: [x.shape[0], x.shape[1], ...x.shape.slice(2).map(() => 1)], dtype: "i32" });
  return takeAlongAxis(x, indices, { axis: time });
}

/** A slice at each of some positions that are known. */
function centreCrop(x: Tensor, shape: Shape): Tensor {
  return x.shape.reduce((y, extent, axis) => {
    const start = Math.floor((extent - shape[axis]) / 2);
    return slice(y, { axis, start, stop: start + shape[axis] });
  }, x);
}

function trilu(call: Call): Tensor {
  const half = call.attributes.flag("upper", true) ? triu : tril;
  const offset = call.has(1) ? call.scalar(1) : 0;
  return call.lifted((x) => half(x, { offset }));
}

const reshaping: OnnxOp = (call) => reshape(call.tensor(0), reshapes[call.op](call));

/** What these ops do. */
export const movement: OpTable = {
  Reshape: reshaping,
  Flatten: reshaping,
  Squeeze: reshaping,
  Unsqueeze: reshaping,
  Transpose: (call) => {
    const x = call.tensor(0);
    return permute(x, call.attributes.numbers("perm", x.shape.map((_, i) => x.rank - 1 - i)));
  },
  Concat: (call) => concat(call.tensors(), { axis: call.attributes.number("axis", 1) }),
  Slice: (call) => sliceRuns(call.tensor(0), runsOf(call)),
  Split: splitting,
  Pad: padding,
  Expand: expanding,
  Tile: tiling,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  ReverseSequence: reverseSequence,
  CenterCropPad: (call) => {
    const x = call.tensor(0);
    const sizes = call.ints(1);
    const axes = (call.attributes.optional("axes") ?? x.shape.map((_, i) => i)).map((axis) =>
      normalizeAxis(axis, x.rank, "CenterCropPad")
    );
    const target = x.shape.map((extent, i) => axes.includes(i) ? sizes[axes.indexOf(i)] : extent);
    const cropped = centreCrop(x, x.shape.map((extent, i) => Math.min(extent, target[i])));
    const missing = cropped.shape.map((extent, i) => target[i] - extent);
    return pad(cropped, { low: missing.map((each) => Math.floor(each / 2)), high: missing.map((each) => Math.ceil(each / 2)) });
  },
  Trilu: trilu,
};
