/**
 * Runs the visits of `visit.ts` in a process of their own, and checks what any training must show.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { SeenConsole, SeenTraining, Visit, VisitName } from "./visit.ts";

/** What was seen on visits of the page, one after the other. */
export async function visits(...names: readonly VisitName[]): Promise<(Visit<SeenTraining> | Visit<SeenConsole>)[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-check", fileURLToPath(new URL("visit.ts", import.meta.url)), ...names],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const seen = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  for (const { errors } of seen) assert.deepEqual(errors, []);
  return seen;
}

/** A training that has learned to read: 95 % and more, the drawn three and the written seven. It paused, and began anew. */
export function checkTrained(seen: SeenTraining): void {
  const { accuracy, drawn, written, wrong, loss } = seen;
  assert.ok(accuracy >= 95, `${accuracy} %`);
  assert.ok(loss < 1.5, `loss ${loss}`);
  assert.deepEqual([drawn, written], ["3", "7"]);
  assert.match(wrong, /^(none|1?\d) of 100$/);
  const [paused, later, reset] = seen.seen;
  assert.ok(paused > 0 && later === paused && reset === 0, `${paused}, ${later}, ${reset}`);
}
