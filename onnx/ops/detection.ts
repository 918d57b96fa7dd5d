/**
 * What detectors of objects do with the boxes that they find. How many are kept depends on their numbers, which must be known therefore.
 *
 * @module
 */
import { ShapeError } from "../../core/errors.ts";
import { showShape } from "../../core/shape.ts";
import type { Call, OpTable } from "../call.ts";
import { Host } from "../values.ts";

/** A box by its edges, in f32 as in other implementations: boxes that overlap by just the threshold shall be judged as there. */
interface Box {
  readonly low: readonly [number, number];
  readonly high: readonly [number, number];
  readonly area: number;
}

const { fround, max, min } = Math;

/** A box from four numbers: two corners of it that are opposite, or its centre and extents. */
function boxFrom([a, b, c, d]: readonly number[], isCentred: boolean): Box {
  const edges = (at: number, other: number) =>
    isCentred ? [fround(at - fround(other / 2)), fround(at + fround(other / 2))] : [min(at, other), max(at, other)];
  const [[left, right], [top, bottom]] = [edges(a, c), edges(b, d)];
  return { low: [left, top], high: [right, bottom], area: fround(fround(right - left) * fround(bottom - top)) };
}

/** The intersection of two boxes as a part of their union. */
function overlap(x: Box, y: Box): number {
  const [width, height] = [0, 1].map((axis) => fround(min(x.high[axis], y.high[axis]) - max(x.low[axis], y.low[axis])));
  if (!(width > 0 && height > 0)) return 0;
  const common = fround(width * height);
  return fround(common / fround(fround(x.area + y.area) - common));
}

/** What of a class is kept: the boxes of the best scores, equal ones in their order, that overlap no better one too much. */
function best(
  boxes: readonly Box[],
  scores: readonly number[],
  most: number,
  limits: { overlap: number; score: number },
): number[] {
  const candidates = [...scores.keys()].filter((i) =>
    scores[i] > limits.score || limits.score === -Infinity && scores[i] === -Infinity
  );
  const kept: number[] = [];
  for (const i of candidates.sort((a, b) => scores[a] === scores[b] ? a - b : scores[b] - scores[a])) {
    if (kept.length >= most) break;
    if (kept.every((other) => overlap(boxes[other], boxes[i]) <= limits.overlap)) kept.push(i);
  }
  return kept;
}

/** Rows of batch, class and box: [kept, 3]. */
function nonMaxSuppression(call: Call): Host {
  const [batches, count, four] = call.ranked(0, 3);
  const [scored, classes, each] = call.ranked(1, 3);
  if (four !== 4 || scored !== batches || each !== count) {
    const [boxes, scores] = [call.shape(0), call.shape(1)];
    throw new ShapeError(
      `boxes must be [batches, boxes, 4] and scores [batches, classes, boxes], but are ${showShape(boxes)} and ${
        showShape(scores)
      }`,
      { boxes, scores },
    );
  }
  const [numbers, scores] = [call.host(0).values, call.host(1).values];
  const most = call.scalar(2, 0);
  const limits = { overlap: call.scalar(3, 0), score: call.scalar(4, -Infinity) };
  const isCentred = call.attributes.flag("center_point_box", false);
  const rows: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const boxes = Array.from({ length: count }, (_, i) => {
      const at = (batch * count + i) * 4;
      return boxFrom(numbers.slice(at, at + 4), isCentred);
    });
    for (let label = 0; label < classes; label++) {
      const at = (batch * classes + label) * count;
      for (const i of best(boxes, scores.slice(at, at + count), most, limits)) rows.push(batch, label, i);
    }
  }
  return new Host("int64", [rows.length / 3, 3], rows);
}

/** What these ops do. */
export const detection: OpTable = { NonMaxSuppression: nonMaxSuppression };
