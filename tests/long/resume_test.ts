/**
 * Three epochs killed at twenty moments, in the middle of steps, of saving, of starting, and resumed each time: the parameters are those of
 * one run without a break, bit for bit.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomStream } from "../../datasets/mod.ts";
import { withFolder } from "../datasets/fixtures.ts";
import { atStep, differing, killedAndResumed, type Moment, newestIn, unbroken } from "../examples/resuming.ts";
import { webgpu } from "../support/devices.ts";
import "../examples/resume_test.ts";

const kills = 20;
const training = ["--data", "synthetic", "--epochs", "3"];

/** Flags, and after how many steps there is a checkpoint: so many that the kills are spread over the whole training. */
const devices: Readonly<Record<string, readonly [flags: readonly string[], steps: number]>> = {
  "wasm with one thread": [["--device", "wasm", "--threads", "1"], 25],
  "wasm with two threads": [["--device", "wasm", "--threads", "2"], 25],
  webgpu: [["--device", "webgpu", "--limit", "5000"], 8],
};

const after = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

Object.entries(devices).forEach(([device, [flags, steps]], i) => {
  Deno.test({
    name: `three epochs, killed twenty times, on ${device}`,
    ignore: device === "webgpu" && webgpu instanceof Error,
    fn: async () => {
      const random = randomStream([i, 0]);
      await withFolder(async (folder) => {
        const args = [...training, ...flags];
        const moments = Array.from({ length: kills }, (): Moment => {
          const delay = random.uniform(0, 100);
          // Some while the program starts, the others after it has come further, while it trains or saves.
          if (random.uniform() < 0.2) return () => after(10 * delay);
          return async (process) => {
            await process.begun;
            await atStep(await newestIn(process.checkpoints) + 1)(process);
            await after(delay);
          };
        });
        const { model, said, kills: done } = await killedAndResumed(folder, [...args, "--checkpoint-steps", `${steps}`], moments);
        const began = said.map((text) => /Goes on from step (\d+)/.exec(text)?.[1] ?? "-");
        console.log(`${done} kills; began at steps ${began.join(" ")}`);
        assert.ok(done > kills / 2, `${done} kills`);
        assert.deepEqual(await differing(model, await unbroken(folder, args)), []);
      });
    },
  });
});
