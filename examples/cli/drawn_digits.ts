/**
 * Digits drawn as picture files, as a user may have them: large, dark on light or light on dark, in colour.
 *
 * @module
 */
import { type ImageSet, syntheticDigits } from "../../datasets/mod.ts";

/** A picture file in memory. The name says which digit it shows. */
export interface DrawnFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Pixels of the picture for each pixel of a digit. */
const enlarged = 6;

/** Two digits that a seed draws: a PNG file, black on white, and a JPEG file, light on dark blue. */
export async function drawnDigits(seed: number): Promise<DrawnFile[]> {
  const { encodeJpeg, encodePng } = await import("./deps.ts");
  const { train } = syntheticDigits({ seed, train: 2, test: 0 });
  const [, height, width] = train.shape;
  const size = { width: width * enlarged, height: height * enlarged };
  const onPaper = colored(train, 0, (ink) => [255 - ink, 255 - ink, 255 - ink, 255]);
  const onBoard = colored(train, 1, (ink) => [0.9 * ink, ink, 40 + 0.8 * ink, 255]);
  return [
    { name: `drawn ${train.labels[0]}.png`, bytes: encodePng({ ...size, data: onPaper, channels: 4 }) },
    { name: `drawn ${train.labels[1]}.jpg`, bytes: encodeJpeg({ ...size, data: onBoard }, 90).data },
  ];
}

/** An image of a set, enlarged, with each grey value as red, green, blue and opacity. */
function colored({ images, shape: [, height, width] }: ImageSet, image: number, color: (ink: number) => number[]): Uint8Array {
  const pixels = images.subarray(image * height * width, (image + 1) * height * width);
  const place = (i: number) => Math.floor(i / enlarged);
  return Uint8Array.from(
    Array.from(
      { length: height * enlarged },
      (_, y) => Array.from({ length: width * enlarged }, (_, x) => color(pixels[place(y) * width + place(x)])),
    ).flat(2),
  );
}
