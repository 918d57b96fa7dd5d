/**
 * Reads the text on a picture by three networks: where lines are, which of them stand on their heads, and what they say.
 *
 * The networks are functions of images as PP-OCR's are: [batch, 3, height, width], blue before green before red.
 *
 * - Detection gives a probability of text for each pixel: [batch, 1, height, width]. Its extents are multiples of 32 if it has none of its own.
 * - Direction takes lines 48 high and 192 wide and gives the probabilities of upright and upside down: [batch, 2].
 * - Recognition takes lines 48 high and gives, for each step along the line, the probability of each character: [batch, steps, characters].
 *   Character 0 is none.
 *
 * @module
 */
import type { Pixels } from "../../datasets/images/pixels.ts";
import { resample } from "../../datasets/images/resample.ts";
import { pipe, TaskEither } from "../../deps.ts";
import { argmax, data, div, type formats, jit, max, mul, type Shape, sub, type Tensor, tensor } from "../../mod.ts";
import { load, type Model } from "../../onnx/mod.ts";
import { type TextBox, textBoxes } from "./text_boxes.ts";

/** A picture in colours, row by row: red, green, blue and opacity, which does not count, 0 to 255. */
export type ColorPicture = Pixels;

/** The networks of a reader. */
export interface TextNetworks {
  readonly detection: Model;
  readonly direction: Model;
  readonly recognition: Model;
  /** What recognition tells apart; the first is none. */
  readonly characters: readonly string[];
}

/** The files of a reader. */
export interface TextFiles {
  /** Networks as ONNX files. */
  readonly detection: Uint8Array;
  readonly direction: Uint8Array;
  readonly recognition: Uint8Array;
  /** What recognition tells apart between the first, which is none, and the last, a space: one a line. */
  readonly characters: string;
}

/** The networks in files. */
export function loadNetworks({ characters, ...files }: TextFiles): TaskEither.TaskEither<formats.FormatError, TextNetworks> {
  return pipe(
    TaskEither.Do,
    TaskEither.bindW("detection", () => load(files.detection)),
    TaskEither.bindW("direction", () => load(files.direction)),
    TaskEither.bindW("recognition", () => load(files.recognition)),
    TaskEither.map((networks) => ({ ...networks, characters: ["", ...characters.trimEnd().split("\n"), " "] })),
  );
}

/** A line of text that was read. */
export interface ReadLine {
  readonly text: string;
  /** The mean probability of its characters. */
  readonly confidence: number;
  readonly box: TextBox;
}

/** Finds and reads the lines of a picture, from the top. */
export type TextReader = (picture: ColorPicture) => Promise<ReadLine[]>;

/** What detection is shown is at most so long, and a multiple of the step. */
const longestSide = 960, sideStep = 32;
/** Mean and deviation of the colours in ImageNet, white being 1, in the order in which PP-OCR's networks learned them. */
const imageMean = [0.485, 0.456, 0.406], imageDeviation = [0.229, 0.224, 0.225];
/** The size of a line for direction; for recognition it is as high, and as wide as it has to be. */
export const lineHeight = 48, directionWidth = 192;
/** A line is upside down if the network is so sure. */
const sureDirection = 0.9;
/** Lines become this wide or a multiple of it, so that few programs are compiled. */
const widthStep = 160;
/** Lines that are read at once. */
const mostLines = 16;
/** Lines less sure than this are no text. */
const leastConfidence = 0.5;

/** A network of one input and one output as a compiled function. */
function compiled({ params, inputs: [{ name: input }], outputs: [{ name: output }], apply }: Model, after = (y: Tensor) => [y]) {
  const f = jit((p: typeof params, x: Tensor) => after(apply(p, { [input]: x })[output]));
  return (x: Tensor) => f(params, x);
}

/** A reader of networks. */
export function textReader({ detection, direction, recognition, characters }: TextNetworks): TextReader {
  const detect = compiled(detection);
  const turn = compiled(direction);
  const fixedWidth = extentOf(recognition, 3);
  const recognize = compiled(recognition, (y) => [argmax(y, { axis: 2 }), max(y, { axis: 2 })]);

  /** The box read from its other end where the line in it is upside down. */
  async function upright(picture: ColorPicture, boxes: readonly TextBox[]): Promise<TextBox[]> {
    const width = extentOf(direction, 3) ?? directionWidth;
    const [y] = turn(lineImages(boxes.map((box) => cutOut(picture, box, Math.min(widthOf(box), width))), width));
    const probabilities = await data(y);
    return boxes.map((box, i) => probabilities[2 * i + 1] > sureDirection ? { ...box, angle: box.angle + Math.PI } : box);
  }

  /** What lines say. */
  async function read(picture: ColorPicture, boxes: readonly TextBox[], width: number): Promise<ReadLine[]> {
    const images = boxes.map((box) => cutOut(picture, box, Math.min(widthOf(box), width)));
    const [best, sure] = recognize(lineImages(images, width));
    const [classes, probabilities] = [await data(best), await data(sure)];
    const steps = classes.length / boxes.length;
    return boxes.map((box, i) => {
      const part = [i * steps, (i + 1) * steps] as const;
      return { ...decoded(classes.slice(...part), probabilities.slice(...part), characters), box };
    });
  }

  return async (picture) => {
    const boxes = await findBoxes(picture, detect, [extentOf(detection, 2), extentOf(detection, 3)]);
    const lines = new Map<TextBox, ReadLine>();
    for (const some of chunks(boxes)) {
      const turned = await upright(picture, some);
      const byWidth = Map.groupBy(some.keys(), (i) => fixedWidth ?? Math.ceil(widthOf(turned[i]) / widthStep) * widthStep);
      for (const [width, places] of byWidth) {
        const texts = await read(picture, places.map((i) => turned[i]), width);
        places.forEach((place, i) => lines.set(some[place], texts[i]));
      }
    }
    return boxes.map((box) => lines.get(box)!).filter(({ text, confidence }) =>
      text.trim() !== "" && confidence >= leastConfidence
    );
  };
}

function chunks<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / mostLines) }, (_, i) => list.slice(i * mostLines, (i + 1) * mostLines));
}

/** An extent of a network's input, if it takes no other. */
function extentOf({ inputs: [{ shape }] }: Model, axis: number): number | undefined {
  const extent = shape?.[axis];
  return typeof extent === "number" ? extent : undefined;
}

/** The boxes of a picture's lines; height and width of what detection takes may be fixed. */
async function findBoxes(
  picture: ColorPicture,
  detect: (x: Tensor) => Tensor[],
  fixed: readonly [height: number | undefined, width: number | undefined],
): Promise<TextBox[]> {
  const scale = Math.min(1, longestSide / Math.max(picture.width, picture.height));
  const [height, width] = [picture.height, picture.width].map((side, i) => {
    return fixed[i] ?? Math.max(sideStep, Math.round(side * scale / sideStep) * sideStep);
  });
  const [y] = detect(pageImages([picture], { height, width }));
  const boxes = textBoxes({ width, height, data: await data(y) });
  // Width and height of the picture are scaled apart, by nearly the same: an angle hardly changes.
  const [right, down] = [picture.width / width, picture.height / height];
  return boxes.map((box) => {
    const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
    return {
      centre: [box.centre[0] * right, box.centre[1] * down],
      width: box.width * Math.hypot(cos * right, sin * down),
      height: box.height * Math.hypot(sin * right, cos * down),
      angle: Math.atan2(sin * down, cos * right),
    };
  });
}

/** Pictures as detection takes them: resized to one size, with mean 0 and deviation 1, [count, 3, height, width]. */
function pageImages(
  pictures: readonly ColorPicture[],
  { height, width }: Readonly<Record<"height" | "width", number>>,
): Tensor {
  const size = height * width;
  const bytes = new Uint8Array(pictures.length * 3 * size);
  for (const [i, picture] of pictures.entries()) {
    const all = { top: 0, left: 0, height: picture.height, width: picture.width };
    const whole = (size: number) => ({ size, start: 0, count: size });
    const planes = resample(picture, all, whole(height), whole(width), 3);
    for (let channel = 0; channel < 3; channel++) {
      bytes.set(planes.subarray(channel * size, (channel + 1) * size), (3 * i + 2 - channel) * size);
    }
  }
  const perColor = (values: readonly number[]) => tensor(values.map((value) => [[value]]));
  const colors = div(tensor(bytes, { shape: [pictures.length, 3, height, width] }), 255);
  return div(sub(colors, perColor(imageMean)), perColor(imageDeviation));
}

/** How wide a box is when it is as high as a line. */
function widthOf({ width, height }: TextBox): number {
  return Math.max(1, Math.round(lineHeight * width / height));
}

/** An image of a line, [3, 48, width], blue first, 0 to 255. */
export interface LineImage {
  readonly width: number;
  readonly values: Float32Array;
}

/** What is in a box, turned upright, `width` wide; each pixel is a mixture of the four around its place, as at the picture's edge beyond it. */
export function cutOut(picture: ColorPicture, box: TextBox, width: number): LineImage {
  const size = lineHeight * width;
  const values = new Float32Array(3 * size);
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  const inside = (value: number, extent: number) => Math.min(extent - 1, Math.max(0, value));
  for (let i = 0; i < size; i++) {
    const along = ((i % width + 0.5) / width - 0.5) * box.width;
    const across = ((Math.floor(i / width) + 0.5) / lineHeight - 0.5) * box.height;
    const x = inside(box.centre[0] + along * cos - across * sin - 0.5, picture.width);
    const y = inside(box.centre[1] + along * sin + across * cos - 0.5, picture.height);
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [right, bottom] = [inside(left + 1, picture.width), inside(top + 1, picture.height)];
    for (let channel = 0; channel < 3; channel++) {
      const at = (column: number, row: number) => picture.data[4 * (row * picture.width + column) + 2 - channel];
      const above = at(left, top) + (x - left) * (at(right, top) - at(left, top));
      const below = at(left, bottom) + (x - left) * (at(right, bottom) - at(left, bottom));
      values[channel * size + i] = above + (y - top) * (below - above);
    }
  }
  return { width, values };
}

/** Lines as networks take them, -1 to 1: [count, 3, 48, width], those that are shorter filled up with grey. */
function lineImages(lines: readonly LineImage[], width: number): Tensor {
  const shape: Shape = [lines.length, 3, lineHeight, width];
  const values = new Float32Array(lines.length * 3 * lineHeight * width).fill(127.5);
  for (const [i, line] of lines.entries()) {
    for (let row = 0; row < 3 * lineHeight; row++) {
      values.set(line.values.subarray(row * line.width, (row + 1) * line.width), (i * 3 * lineHeight + row) * width);
    }
  }
  return sub(mul(tensor(values, { shape, copy: false }), 2 / 255), 1);
}

/** The text of the most probable characters: one that goes on is one, and what is between two of them is none. */
function decoded(
  classes: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  characters: readonly string[],
): Pick<ReadLine, "text" | "confidence"> {
  const steps = Array.from(classes).keys().filter((i) => classes[i] !== 0 && classes[i] !== classes[i - 1]).toArray();
  const total = steps.reduce((sum, i) => sum + probabilities[i], 0);
  return { text: steps.map((i) => characters[classes[i]]).join("").trim(), confidence: total / Math.max(1, steps.length) };
}
