/**
 * Digits drawn as picture files, as a user may have them: large, dark on light or light on dark, in colour.
 *
 * @module
 */
import { type ImageSet, syntheticDigits } from "../../datasets/mod.ts";
import { imageGrid } from "../../visual/mod.ts";

/** A picture file in memory. The name says which digit it shows. */
export interface DrawnFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Red, green and blue where there is so much ink, 0 to 255. */
type Colors = (ink: number) => readonly [red: number, green: number, blue: number];

const onPaper: Colors = (ink) => [255 - ink, 250 - ink, 245 - 0.7 * ink];
const onBoard: Colors = (ink) => [20 + 0.9 * ink, 60 + 0.7 * ink, 40 + 0.8 * ink];

/** Two PNG files with digits that a seed draws: blue on paper, white on a green board. */
export async function drawnDigits(seed: number): Promise<DrawnFile[]> {
  const { train } = syntheticDigits({ seed, train: 2, test: 0 });
  return await Promise.all([onPaper, onBoard].map(async (colors, i) => {
    const images = colored(train, i, colors);
    const bytes = await imageGrid({ images, shape: [1, 3, ...train.shape.slice(1)] }, { scale: 6 });
    return { name: `drawn ${train.labels[i]}.png`, bytes };
  }));
}

/** A grey image of a set in colours, one plane after the other. */
function colored({ images, shape: [, height, width] }: ImageSet, image: number, colors: Colors): Uint8Array {
  const ink = [...images.subarray(image * height * width, (image + 1) * height * width)];
  return Uint8Array.from([0, 1, 2].flatMap((channel) => ink.map((value) => colors(value)[channel])));
}
