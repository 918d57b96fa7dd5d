/**
 * Images and volumes read at positions that are computed.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { showShape } from "../../core/shape.ts";
import {
  abs,
  add,
  at,
  cast,
  clip,
  div,
  eq,
  expandDims,
  floor,
  ge,
  iota,
  le,
  logicalAnd,
  moveAxis,
  mul,
  remainder,
  round,
  sub,
  type Tensor,
  where,
} from "../../mod.ts";
import type { Call, OpTable } from "../call.ts";

type Padding = "zeros" | "border" | "reflection";

/** One of the elements that a position is made of, along one axis: where it is, and how much it counts. */
interface Tap {
  readonly index: Tensor;
  readonly weight: Tensor | undefined;
}

/** How positions along one axis of some extent are to be read. */
interface Axis {
  readonly extent: number;
  readonly aligned: boolean;
  readonly padding: Padding;
}

/** From [-1, 1] to places: centres of the outermost elements, or their edges. */
function placeOf(x: Tensor, { extent, aligned }: Axis): Tensor {
  return aligned ? mul(add(x, 1), (extent - 1) / 2) : div(sub(mul(add(x, 1), extent), 1), 2);
}

/** A place brought inside, as the padding says; those of zeros stay. */
function inside(x: Tensor, { extent, aligned, padding }: Axis): Tensor {
  if (padding === "zeros") return x;
  const turned = padding === "reflection" ? reflected(x, aligned ? 0 : -0.5, aligned ? extent - 1 : extent - 0.5) : x;
  return clip(turned, { min: 0, max: extent - 1 });
}

function reflected(x: Tensor, low: number, high: number): Tensor {
  const span = high - low;
  if (span === 0) return mul(x, 0);
  const distance = abs(sub(x, low));
  const times = floor(div(distance, span));
  const extra = sub(distance, mul(times, span));
  return where(eq(remainder(times, 2), 0), add(extra, low), sub(high, extra));
}

/** The taps of a filter of Keys with a = -0.75. */
function cubicTaps(place: Tensor): Tap[] {
  const first = floor(place);
  const t = sub(place, first);
  const a = -0.75;
  const near = (x: Tensor) => add(mul(mul(sub(mul(x, a + 2), a + 3), x), x), 1);
  const far = (x: Tensor) => sub(mul(add(mul(sub(mul(x, a), 5 * a), x), 8 * a), x), 4 * a);
  const weights = [far(add(t, 1)), near(t), near(sub(1, t)), far(sub(2, t))];
  return weights.map((weight, i) => ({ index: add(first, i - 1), weight }));
}

function tapsOf(grid: Tensor, axis: Axis, mode: string): Tap[] {
  const place = placeOf(grid, axis);
  // A cubic filter reads beyond the sides: its taps are brought inside, not their middle.
  if (mode === "cubic") return cubicTaps(place).map(({ index, weight }) => ({ index: inside(index, axis), weight }));
  const within = inside(place, axis);
  if (mode === "nearest") return [{ index: round(within), weight: undefined }];
  const first = floor(within);
  const part = sub(within, first);
  return [{ index: first, weight: sub(1, part) }, { index: add(first, 1), weight: part }];
}

function gridSample(call: Call): Tensor {
  const { attributes } = call;
  const given = attributes.choice("mode", ["linear", "nearest", "cubic", "bilinear", "bicubic"], "linear");
  const mode = given === "bilinear" ? "linear" : given === "bicubic" ? "cubic" : given;
  const padding = attributes.choice("padding_mode", ["zeros", "border", "reflection"], "zeros");
  const aligned = attributes.flag("align_corners", false);
  return call.lifted((x, grid) => {
    const spatial = x.shape.slice(2);
    if (grid.rank !== x.rank || grid.shape.at(-1) !== spatial.length || spatial.length < 1) {
      throw new ShapeError(
        `Cannot sample ${showShape(x.shape)} at ${
          showShape(grid.shape)
        }: there must be ${spatial.length} numbers for each position`,
        { shape: x.shape, grid: grid.shape },
      );
    }
    const batch = iota(grid.shape.slice(0, -1), 0);
    // The numbers of a position are in the order width, height, depth.
    const axes = spatial.map((extent, i) =>
      tapsOf(at(grid, ["...", spatial.length - 1 - i]), { extent, aligned, padding }, mode)
    );
    const combined = axes.reduce<Tap[][]>((all, taps) => all.flatMap((some) => taps.map((tap) => [...some, tap])), [[]]);
    const parts = combined.map((taps) => {
      const places = taps.map(({ index }, i) => cast(clip(index, { min: 0, max: spatial[i] - 1 }), "i32"));
      const seen = moveAxis(at(x, [batch, ":", ...places]), -1, 1);
      const weights = taps.flatMap(({ weight }) => weight ?? []);
      const whole = weights.length > 0 ? mul(seen, expandDims(weights.reduce((a, b) => mul(a, b)), { axis: 1 })) : seen;
      if (padding !== "zeros") return whole;
      const there = taps.map(({ index }, i) => logicalAnd(ge(index, 0), le(index, spatial[i] - 1)));
      return where(expandDims(there.reduce((a, b) => logicalAnd(a, b)), { axis: 1 }), whole, 0);
    });
    return parts.reduce((sum, part) => add(sum, part));
  });
}

/** What these ops do. */
export const sampling: OpTable = { GridSample: gridSample };
