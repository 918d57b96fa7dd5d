/**
 * A network that has just learned digits, as an ONNX file, and pictures of letters for it to learn next.
 *
 * @module
 */
import { join } from "node:path";
import { type ImageSet, syntheticDigits } from "../../datasets/mod.ts";
import { layers, optimizers, type Tensor } from "../../mod.ts";
import { encode } from "../../onnx/mod.ts";
import { imageGrid } from "../../visual/mod.ts";
import { percent } from "../cli/display.ts";
import { letters } from "../parts/letter_pictures.ts";
import { imageShape, type Model, models } from "../parts/models.ts";
import { makeTrainer } from "../parts/training.ts";
import { onePass } from "./one_pass.ts";

/** The file of a network that has seen a few digits. */
export async function digitNetwork(seed: number): Promise<Uint8Array> {
  const model: Model = models.cnn;
  const digits = syntheticDigits({ seed, train: 6000, test: 500 });
  const trainer = makeTrainer(model, optimizers.adam({ learningRate: 0.01 }), imageShape, seed);
  const { state: { params, state }, accuracy } = await onePass(trainer, digits, seed);
  console.log(`a network for ten digits: test accuracy ${percent(accuracy)}`);
  const f = (x: Tensor) => model.apply(params, state, x, layers.evalMode)[0];
  return await encode(f, [{ shape: [1, ...imageShape] }], { params: layers.stateDict(params, state) });
}

/** Writes pictures as PNG files, twice as large, into a subfolder for each letter. */
export async function writePictures({ images, labels, count, shape }: ImageSet, folder: string): Promise<void> {
  for (const letter of letters) await Deno.mkdir(join(folder, letter), { recursive: true });
  const size = images.length / count;
  for (let i = 0; i < count; i++) {
    const bytes = await imageGrid({ images: images.subarray(i * size, (i + 1) * size), shape: [1, ...shape] }, { scale: 2 });
    await Deno.writeFile(join(folder, letters[labels[i]], `${i}.png`), bytes);
  }
}
