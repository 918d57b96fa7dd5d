/**
 * Times of a training step, the same in Deno and in a browser.
 *
 * @module
 */
import type { ModelName } from "../../examples/parts/models.ts";
import { deviceInfo, type DeviceName, setDevice } from "../../mod.ts";
import { trainingStep } from "../training_step.ts";

/** What is timed. */
export interface Timing {
  readonly device: DeviceName;
  readonly model: ModelName;
  readonly batch: number;
  readonly steps: number;
}

/** Milliseconds of the first step, with tracing and compiling, and of those that are timed, each with its loss read back. */
export interface Timed {
  readonly description: string;
  readonly first: number;
  readonly times: readonly number[];
}

/** Steps that are not timed: machine code settles. */
const warmup = 200;

/** Times steps one by one. */
export async function timeSteps({ device, model, batch, steps }: Timing): Promise<Timed> {
  await setDevice(device);
  const step = trainingStep(model, batch);
  const times: number[] = [];
  for (let i = 0; i < 1 + warmup + steps; i++) {
    const begun = performance.now();
    await step();
    times.push(performance.now() - begun);
  }
  return { description: deviceInfo().description, first: times[0], times: times.slice(1 + warmup) };
}
