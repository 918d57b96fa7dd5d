/**
 * Where a map of probabilities says that there is text: turned rectangles, one a line.
 *
 * Pixels that are probable hang together in spots; the smallest rectangle around one, at any angle, is the middle of a line, and is made
 * larger by how much the network was taught to leave out around it.
 *
 * @module
 * @see Liao et al., "Real-time scene text detection with differentiable binarization", 2020
 */

/** A probability for each pixel, row by row. */
export interface ProbabilityMap {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** A rectangle around a line of text, in pixels from the left and from the top. */
export interface TextBox {
  readonly centre: Point;
  /** Along the line, and across it. */
  readonly width: number;
  readonly height: number;
  /** The direction that one reads in: radians clockwise from that to the right. */
  readonly angle: number;
}

/** A point: x before y. */
export type Point = readonly [x: number, y: number];

/** When a pixel is of a spot. */
const pixelThreshold = 0.3;
/** How probable a rectangle must be, on the average. */
const boxThreshold = 0.6;
/** The least extent of the middle of a line, and of all of it. */
const leastMiddle = 3, leastBox = 5;
/** The area of a middle by its circumference, times this, is what the line has around it. */
const unclipRatio = 1.5;
/** What is higher than this many widths is read from the top down. */
const uprightRatio = 1.5;

/** The boxes of the lines, as one reads: from the top, and from the left where some are side by side. */
export function textBoxes(map: ProbabilityMap): TextBox[] {
  const boxes = spotsOf(map).flatMap((spot) => {
    const middle = smallestRectangle(hullOf(spot));
    if (Math.min(middle.width, middle.height) < leastMiddle || meanWithin(map, middle) < boxThreshold) return [];
    const margin = unclipRatio * middle.width * middle.height / (2 * (middle.width + middle.height));
    const box = { ...middle, width: middle.width + 2 * margin, height: middle.height + 2 * margin };
    return Math.min(box.width, box.height) < leastBox ? [] : [box];
  });
  return inReadingOrder(boxes);
}

/** The corners, from the one at which the line begins above, clockwise. */
export function cornersOf({ centre: [x, y], width, height, angle }: TextBox): Point[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([right, down]): Point => {
    const [along, across] = [right * width / 2, down * height / 2];
    return [x + along * cos - across * sin, y + along * sin + across * cos];
  });
}

/** Pixels that hang together, at corners too: of each row of a spot, both ends. */
function spotsOf({ width, height, data }: ProbabilityMap): Point[][] {
  const seen = new Uint8Array(width * height);
  const isOpen = (i: number) => seen[i] === 0 && data[i] > pixelThreshold;
  const spots: Point[][] = [];
  for (let first = 0; first < seen.length; first++) {
    if (!isOpen(first)) continue;
    const rows = new Map<number, [left: number, right: number]>();
    const waiting = [first];
    seen[first] = 1;
    for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) {
      const [x, y] = [i % width, Math.floor(i / width)];
      const [left, right] = rows.get(y) ?? [x, x];
      rows.set(y, [Math.min(left, x), Math.max(right, x)]);
      for (let down = Math.max(0, y - 1); down <= Math.min(height - 1, y + 1); down++) {
        for (let across = Math.max(0, x - 1); across <= Math.min(width - 1, x + 1); across++) {
          const next = down * width + across;
          if (!isOpen(next)) continue;
          seen[next] = 1;
          waiting.push(next);
        }
      }
    }
    // A pixel is a square, whose corners count.
    spots.push(
      [...rows].flatMap(([y, [left, right]]): Point[] => [[left, y], [right + 1, y], [left, y + 1], [right + 1, y + 1]]),
    );
  }
  return spots;
}

/** The corners of the convex hull, in order (Andrew's monotone chain). */
function hullOf(points: readonly Point[]): Point[] {
  const sorted = [...points].sort(([a, b], [c, d]) => a - c || b - d);
  const chain = (list: readonly Point[]) => {
    const hull: Point[] = [];
    for (const [x, y] of list) {
      for (; hull.length >= 2; hull.pop()) {
        const [[ax, ay], [bx, by]] = hull.slice(-2);
        if ((bx - ax) * (y - ay) > (by - ay) * (x - ax)) break;
      }
      hull.push([x, y]);
    }
    return hull.slice(0, -1);
  };
  return [...chain(sorted), ...chain(sorted.toReversed())];
}

/** The rectangle of the least area around a hull: one of its sides lies along one of the hull's. */
function smallestRectangle(hull: readonly Point[]): TextBox {
  let best: TextBox | undefined;
  for (const [i, [x, y]] of hull.entries()) {
    const [nextX, nextY] = hull[(i + 1) % hull.length];
    const angle = Math.atan2(nextY - y, nextX - x);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const along = hull.map(([x, y]) => x * cos + y * sin), across = hull.map(([x, y]) => y * cos - x * sin);
    const [left, right, top, bottom] = [Math.min(...along), Math.max(...along), Math.min(...across), Math.max(...across)];
    const [width, height] = [right - left, bottom - top];
    if (best && width * height >= best.width * best.height) continue;
    const [middle, down] = [(left + right) / 2, (top + bottom) / 2];
    best = { centre: [middle * cos - down * sin, middle * sin + down * cos], width, height, angle };
  }
  return asRead(best!);
}

/** The same rectangle with the angle to read it by: to the right as far as it can be, but downwards if it is tall. */
function asRead(box: TextBox): TextBox {
  const turns = [0, 1, 2, 3].map((quarter): TextBox => {
    const turned = quarter % 2 === 1;
    const angle = box.angle + quarter * Math.PI / 2;
    return {
      ...box,
      width: turned ? box.height : box.width,
      height: turned ? box.width : box.height,
      angle: Math.atan2(Math.sin(angle), Math.cos(angle)),
    };
  });
  const [level] = turns.toSorted((a, b) => Math.abs(a.angle) - Math.abs(b.angle));
  if (level.height < uprightRatio * level.width) return level;
  const downwards = Math.PI / 2;
  return turns.toSorted((a, b) => Math.abs(a.angle - downwards) - Math.abs(b.angle - downwards))[0];
}

/** The mean probability of the pixels whose centre is in a rectangle. */
function meanWithin({ width, height, data }: ProbabilityMap, box: TextBox): number {
  const [xs, ys] = [0, 1].map((axis) => cornersOf(box).map((corner) => corner[axis]));
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  let sum = 0, count = 0;
  for (let y = Math.max(0, Math.floor(Math.min(...ys))); y < Math.min(height, Math.max(...ys)); y++) {
    for (let x = Math.max(0, Math.floor(Math.min(...xs))); x < Math.min(width, Math.max(...xs)); x++) {
      const [right, down] = [x + 0.5 - box.centre[0], y + 0.5 - box.centre[1]];
      if (Math.abs(right * cos + down * sin) > box.width / 2 || Math.abs(down * cos - right * sin) > box.height / 2) continue;
      sum += data[y * width + x];
      count++;
    }
  }
  return sum / Math.max(1, count);
}

/** Boxes whose middles are less than half their height apart are side by side. */
function inReadingOrder(boxes: readonly TextBox[]): TextBox[] {
  const rows: TextBox[][] = [];
  for (const box of boxes.toSorted((a, b) => a.centre[1] - b.centre[1])) {
    const row = rows.at(-1);
    if (row && box.centre[1] - row[0].centre[1] < Math.min(row[0].height, box.height) / 2) row.push(box);
    else rows.push([box]);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.centre[0] - b.centre[0]));
}
