/**
 * A process that saves checkpoints as fast as it can, until it is killed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { checkpoints, data, zeros } from "../../mod.ts";
import { right } from "./results.ts";

const size = 200_000;

const saver = (folder: string, keep: number, first: number) => `
  import { checkpoints, full } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
  for (let step = ${first};; step++) {
    const tree = { x: full([${size}], step), step };
    const saved = await checkpoints.save(${JSON.stringify(folder)}, step, tree, { keep: ${keep} })();
    if (saved._tag === "Left") throw new Error(saved.left.message);
    if (step === ${first}) console.log("begun");
  }`;

/** Starts the process at a step, and kills it so many milliseconds after its first checkpoint. */
export async function killed(folder: string, keep: number, after: number, first = 1): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await new Blob([saver(folder, keep, first)]).stream().pipeTo(child.stdin);
  const reader = child.stdout.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, after));
  child.kill("SIGKILL");
  while (!(await reader.read()).done);
  await child.status;
}

/** The newest checkpoint, which must be whole; how many newer ones were damaged. */
export async function newestOf(folder: string): Promise<{ readonly step: number; readonly skipped: number }> {
  const { tree, step, skipped } = right(await checkpoints.restore(folder, { x: zeros([size]), step: 0 })());
  assert.equal(tree.step, step);
  assert.deepEqual(new Set(await data(tree.x)), new Set([step]));
  return { step, skipped: skipped.length };
}

/** What processes have left beside checkpoints. */
export function leftIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => !/^step-\d+\.safetensors$|^\.lock$/.test(name));
}
