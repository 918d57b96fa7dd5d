/**
 * Small grey pictures of a few capital letters, white on black as MNIST's digits are: something new for a network that knows digits.
 *
 * @module
 */
import { type ImageSet, randomStream } from "../../datasets/mod.ts";
import { drawText, paper } from "./drawn_text.ts";

/** The letters, one a class. */
export const letters: readonly string[] = ["A", "E", "K", "R", "S"];

const size = 28;

/** So many pictures of each letter, those of one after the other; the same seed gives the same ones. */
export function letterPictures(seed: number, count: number): ImageSet {
  const random = randomStream([seed >>> 0, 5]);
  const images = new Uint8Array(letters.length * count * size * size);
  for (let i = 0; i < letters.length * count; i++) {
    const picture = paper(size, size, [0, 0, 0]);
    drawText(picture, {
      text: letters[Math.floor(i / count)],
      centre: [random.uniform(12, 16), random.uniform(12, 16)],
      height: random.uniform(15, 20),
      angle: random.uniform(-0.25, 0.25),
      pen: random.uniform(0.05, 0.1),
      color: [255, 255, 255],
    });
    for (let pixel = 0; pixel < size * size; pixel++) images[i * size * size + pixel] = picture.data[4 * pixel];
  }
  const labels = Uint8Array.from({ length: letters.length * count }, (_, i) => Math.floor(i / count));
  return { images, labels, count: labels.length, shape: [1, size, size], classes: letters.length };
}
