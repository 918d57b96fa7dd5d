/**
 * What the page of `page_test.ts` runs, and the test itself: a few steps of training on the device that the address asks for.
 *
 * @module
 */
import { trainingStep } from "../../bench/training_step.ts";
import { deviceInfo, setDevice } from "../../mod.ts";

/** What came of it. */
export interface Trained {
  readonly description: string;
  readonly losses: readonly number[];
}

/** Trains the small convolutional network. */
export async function train(
  device: "wasm" | "webgpu" | "reference",
  options: { readonly threads?: number } = {},
): Promise<Trained> {
  await setDevice(device, options);
  const step = trainingStep("cnn", 16);
  const losses: number[] = [];
  for (let i = 0; i < 6; i++) losses.push(await step());
  return { description: deviceInfo().description, losses };
}
