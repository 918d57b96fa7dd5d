/**
 * Schedules: learning rates that change with the step. They are ordinary functions of a tensor, so inside `jit` a new step compiles
 * nothing, and one can be called on a number to see its value.
 *
 * ```ts
 * import { item, optimizers } from "../../mod.ts";
 * const { adam, schedules } = optimizers;
 * const rate = schedules.warmup(schedules.cosineDecay({ from: 1e-3, steps: 900 }), { steps: 100 });
 * console.log(await item(rate(50))); // 0.0005
 * const optimizer = adam({ learningRate: rate });
 * ```
 *
 * @module
 */
export * from "./cosine.ts";
export * from "./decay.ts";
export * from "./join.ts";
export * from "./plateau.ts";
