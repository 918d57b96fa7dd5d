/**
 * Small pictures in colour of the form of CIFAR-10 (3 x 32 x 32, ten classes), drawn by a key: what the examples have where there is no
 * CIFAR-10.
 *
 * Each is one of ten figures in one colour on another, moved, turned and scaled a little, with noise.
 *
 * @module
 */
import { type ImageDataset, type ImageSet, type RandomStream, randomStream } from "../../datasets/mod.ts";

/** Whether a point of the plane belongs to a figure, which lies about the origin with a radius of about 1. */
type Figure = (x: number, y: number) => boolean;

const { abs, hypot, max, min, sin } = Math;
const inSquare: Figure = (x, y) => max(abs(x), abs(y)) < 0.85;

const figures: Readonly<Record<string, Figure>> = {
  disk: (x, y) => hypot(x, y) < 0.9,
  ring: (x, y) => abs(hypot(x, y) - 0.75) < 0.2,
  halfDisk: (x, y) => x > 0 && hypot(x, y) < 1,
  square: inSquare,
  frame: (x, y) => abs(max(abs(x), abs(y)) - 0.65) < 0.2,
  diamond: (x, y) => abs(x) + abs(y) < 1.1,
  triangle: (x, y) => y < 0.7 && y > 2 * abs(x) - 0.9,
  cross: (x, y) => min(abs(x), abs(y)) < 0.25 && max(abs(x), abs(y)) < 1,
  bars: (x, y) => inSquare(x, y) && sin(11 * x) > 0,
  checks: (x, y) => inSquare(x, y) && sin(7 * x) * sin(7 * y) > 0,
};
const classNames = Object.keys(figures);

const size = 32;

/** Pictures to train and to test with; the same seed gives the same ones. */
export function colorShapes(
  { seed, train, test }: { readonly seed: number; readonly train: number; readonly test: number },
): ImageDataset {
  const random = randomStream([seed >>> 0, 0]);
  return { name: "coloured shapes", classNames, train: drawSet(random, train), test: drawSet(random, test) };
}

function drawSet(random: RandomStream, count: number): ImageSet {
  const images = new Uint8Array(count * 3 * size * size);
  const labels = Uint8Array.from({ length: count }, () => random.below(classNames.length));
  labels.forEach((label, i) =>
    draw(random, figures[classNames[label]], images.subarray(i * 3 * size * size, (i + 1) * 3 * size * size))
  );
  return { images, labels, count, shape: [3, size, size], classes: classNames.length };
}

/** Draws a figure into the planes of an image. */
function draw(random: RandomStream, figure: Figure, planes: Uint8Array): void {
  const radius = random.uniform(8, 13), turn = random.uniform(-0.3, 0.3), noise = random.uniform(0, 20);
  const [left, top] = [random.uniform(12, 20), random.uniform(12, 20)];
  const [cos, sin] = [Math.cos(turn) / radius, Math.sin(turn) / radius];
  const covered = (x: number, y: number) => figure(cos * (x - left) + sin * (y - top), cos * (y - top) - sin * (x - left));
  // The channels differ: two colours that are as bright are seen too.
  const colors = [0, 1, 2].map(() => [random.uniform(0, 255), random.uniform(0, 255)]);
  for (let pixel = 0; pixel < size * size; pixel++) {
    const [x, y] = [pixel % size, Math.floor(pixel / size)];
    const share =
      (Number(covered(x, y)) + Number(covered(x + 0.5, y)) + Number(covered(x, y + 0.5)) + Number(covered(x + 0.5, y + 0.5))) / 4;
    colors.forEach(([back, front], channel) => {
      const light = back + share * (front - back) + noise * random.normal();
      planes[channel * size * size + pixel] = Math.min(255, Math.max(0, light));
    });
  }
}
