/**
 * Two hundred runs of `examples/mnist_parallel.ts` of which a random process is killed at a random moment: none hangs, no process is left, the
 * checkpoints can be read, and the run that goes on ends with the parameters of one that was never broken off. And hundreds of steps by two
 * processes against those by one, and a hundred by two against four.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomStream } from "../../datasets/mod.ts";
import { withFolder } from "../datasets/fixtures.ts";
import { type Launcher, processes, reported, running, runProcesses, testWithProcesses } from "../support/processes.ts";
import { digests, relativeDistance, type Trained } from "../support/trained.ts";

const program = "examples/mnist_parallel.ts";
const epochs = 3;
const args = (folder: string) => ["--smoke", "--device", "wasm", "--epochs", `${epochs}`, "--checkpoint", folder];
const lastOf = (folder: string) => Deno.readFile(join(folder, `step-${epochs}.safetensors`));

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the program and kills one of its processes after a while; whether it was still running. */
async function broken(launcher: Launcher, folder: string, afterMs: number, which: number): Promise<boolean> {
  const child = processes(launcher, 2, program, args(folder)).spawn();
  await sleep(afterMs);
  const [, ...ranks] = await running(folder);
  const victim = ranks[Math.floor(which * ranks.length)];
  try {
    if (victim !== undefined) Deno.kill(victim, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
  const ended = await Promise.race([child.output().then(() => true), sleep(45_000).then(() => false)]);
  assert.ok(ended, "the processes hang");
  for (let i = 0; (await running(folder)).length > 0; i++) {
    assert.ok(i < 100, `${await running(folder)} are left`);
    await sleep(100);
  }
  return victim !== undefined;
}

const parts = 8;
const killsOfPart = 25;

for (let part = 1; part <= parts; part++) {
  testWithProcesses(`${killsOfPart} kills, part ${part} of ${parts}`, async (launcher) => {
    const random = randomStream([part, 0]);
    await withFolder(async (root) => {
      const whole = join(root, "whole");
      assert.equal((await runProcesses(launcher, 2, program, args(whole))).code, 0);
      const wanted = await lastOf(whole);
      let kills = 0;
      for (let run = 0; kills < killsOfPart; run++) {
        assert.ok(run < 100);
        const folder = join(root, `run-${run}`);
        // Several breaks of one run; each time it goes on from the last epoch that was kept.
        for (let i = 0; i < 4 && kills < killsOfPart; i++) {
          if (await broken(launcher, folder, random.uniform(300, 2800), random.uniform())) kills++;
        }
        const { code, err } = await runProcesses(launcher, 2, program, args(folder));
        assert.equal(code, 0, err);
        assert.deepEqual(await lastOf(folder), wanted);
        await Deno.remove(folder, { recursive: true });
      }
    });
  });
}

const train = "tests/distributed/programs/train.ts";

testWithProcesses(
  "three hundred steps by two processes, with overlap and without, and by one that accumulates: the same bits",
  async (launcher) => {
    const run = async (count: number, ...how: readonly string[]) =>
      reported<Trained>(await runProcesses(launcher, count, train, ["cnn", "300", "64", ...how]));
    assert.equal(digests([...await run(2, "1"), ...await run(2, "1", "false"), ...await run(1, "2")]).size, 1);
  },
);

for (const model of ["cnn", "simple"]) {
  // In f32 the two may part by more: about one window of a maximum in ten million has two values that are closer than a rounding.
  testWithProcesses(
    `four processes differ from two by the rounding of sums: ${model}, a hundred steps in f64`,
    async (launcher) => {
      const ends: Trained[] = [];
      for (const count of [2, 4]) {
        const trained = reported<Trained>(await runProcesses(launcher, count, train, [model, "100", "64", "1", "true", "f64"]));
        assert.equal(digests(trained).size, 1);
        ends.push(trained[0]);
      }
      assert.ok(relativeDistance(ends[1], ends[0]) <= 1e-12, `${relativeDistance(ends[1], ends[0])}`);
    },
  );
}
