/**
 * Networks that have learned nothing, and read what `drawn_text.ts` draws: their filters look like its letters. They are ONNX files with
 * inputs and outputs as those of the large networks that `text_reader.ts` is made for, so that they can stand in for them.
 *
 * @module
 */
import {
  abs,
  add,
  at,
  concat,
  conv2d,
  div,
  flip,
  gt,
  max,
  maxPool2d,
  mean,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  transpose,
  where,
} from "../../mod.ts";
import { encode } from "../../onnx/mod.ts";
import { drawable, drawText, paper } from "./drawn_text.ts";
import { lineHeight, type TextFiles } from "./text_reader.ts";

/** Heights of letters in lines 48 high: how closely a box lies around them is not known. */
const letterHeights = [27, 30, 33, 36, 39];
/** The extents of a filter: lower than a line, as a letter may be off its middle. */
const reach = 41, filterHeight = 40;
/** How far apart two places are that a filter is laid on: across the line, and along it. */
const stride = [2, 3] as const;

/** Filters, [count, 1, 40, 41], with mean 0 and length 1 where they look; and where that is. */
interface Filters {
  readonly letters: Tensor;
  readonly masks: Tensor;
}

/** A filter for each letter at each height, those of one height together. */
function letterFilters(): Filters {
  const size = filterHeight * reach;
  const letters: Float32Array[] = [], masks: Float32Array[] = [];
  for (const height of letterHeights) {
    // The next letters begin at the edge of it.
    const mask = Float32Array.from({ length: size }, (_, i) => Math.abs(i % reach - (reach - 1) / 2) < 0.46 * height ? 1 : 0);
    const count = mask.reduce((total, each) => total + each, 0);
    masks.push(mask);
    for (const text of drawable) {
      const picture = paper(reach, filterHeight, [0, 0, 0]);
      drawText(picture, { text, centre: [reach / 2, filterHeight / 2], height, color: [255, 255, 255] });
      const ink = mask.map((each, i) => each * picture.data[4 * i]);
      const average = ink.reduce((total, each) => total + each, 0) / count;
      const centred = ink.map((each, i) => mask[i] * (each - average));
      const length = Math.hypot(...centred);
      letters.push(centred.map((each) => each / length));
    }
  }
  const stacked = (filters: readonly Float32Array[]) =>
    concat(filters.map((filter) => tensor(filter, { shape: [1, 1, filterHeight, reach] })));
  return { letters: stacked(letters), masks: stacked(masks) };
}

/**
 * How much each letter is like each place of a line, 0 to 1, dark on light or light on dark; and how much there is to see at each place.
 *
 * @param images [batch, 3, 48, width]
 * @returns [batch, letters, width / 3] and [batch, width / 3]
 */
function likeness(images: Tensor, { letters, masks }: Filters): readonly [like: Tensor, contrast: Tensor] {
  const x = mean(images, { axis: 1, keepDims: true });
  const side = (reach - stride[1]) / 2;
  const overLine = (values: Tensor, filters: Tensor) => conv2d(values, filters, { stride, padding: [0, side] });
  const count = sum(masks, { axis: [1, 2, 3] });
  const perHeight = reshape(count, [letterHeights.length, 1, 1]);
  const energy = relu(sub(overLine(square(x), masks), div(square(overLine(x, masks)), perHeight)));
  const found = overLine(x, letters);
  const [batch, , rows, steps] = found.shape;
  const apart = reshape(found, [batch, letterHeights.length, drawable.length, rows, steps]);
  const like = div(abs(apart), reshape(sqrt(add(energy, 1)), [batch, letterHeights.length, 1, rows, steps]));
  return [max(like, { axis: [1, 3] }), max(div(at(energy, [":", 0]), at(count, 0)), { axis: 1 })];
}

/** How like a letter a place must be. */
const leastLike = 0.75;
/** The variance of a place at which there is something to see. */
const leastContrast = 0.003;

/** [batch, 3, 48, width] becomes [batch, width / 3, characters]. */
function recognition(filters: Filters): (x: Tensor) => Tensor {
  return (x) => {
    const [like, contrast] = likeness(x, filters);
    const row = (values: Tensor) => reshape(values, [like.shape[0], 1, like.shape[2]]);
    const none = where(gt(row(contrast), leastContrast), leastLike, 0);
    const space = where(gt(row(contrast), leastContrast), 0, leastLike);
    return softmax(transpose(mul(concat([none, like, space], { axis: 1 }), 40)), { axis: 2 });
  };
}

/** [batch, 3, 48, width] becomes [batch, 2]: by how well the letters fit, and how well letters that stand on their heads. */
function direction(filters: Filters): (x: Tensor) => Tensor {
  const score = (x: Tensor) =>
    sum(square(relu(sub(max(likeness(x, filters)[0], { axis: 1 }), leastLike))), { axis: 1, keepDims: true });
  return (x) => softmax(mul(concat([score(x), score(flip(x, { axis: [2, 3] }))], { axis: 1 }), 300), { axis: 1 });
}

/** [batch, 3, height, width] becomes [batch, 1, height, width]: text is where edges are near each other; of its height the middle is kept. */
function detection(x: Tensor): Tensor {
  const grey = mean(x, { axis: 1, keepDims: true });
  const edges = sub(largest(grey, 3, 3), smallest(grey, 3, 3));
  const lines = smallest(largest(edges, 1, 51), 1, 51);
  return sigmoid(mul(sub(smallest(lines, 15, 1), 1), 10));
}

/** The largest number around each place. */
function largest(x: Tensor, rows: number, columns: number): Tensor {
  return maxPool2d(x, { kernel: [rows, columns], stride: 1, padding: [rows >> 1, columns >> 1] });
}

function smallest(x: Tensor, rows: number, columns: number): Tensor {
  return neg(largest(neg(x), rows, columns));
}

/** The files, for pictures of one size and lines of one length. */
export async function letterNetworks(height: number, width: number, longestLine: number): Promise<TextFiles> {
  const filters = letterFilters();
  const params = { ...filters };
  return {
    detection: await encode(detection, [{ shape: [1, 3, height, width] }]),
    direction: await encode(direction(filters), [{ shape: [1, 3, lineHeight, longestLine] }], { params }),
    recognition: await encode(recognition(filters), [{ shape: [1, 3, lineHeight, longestLine] }], { params }),
    characters: [...drawable].join("\n"),
  };
}
