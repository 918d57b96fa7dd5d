/** The page of `examples/browser` trains to 95 % on WebGPU, too, in a browser that has a processor for a GPU. */
import assert from "node:assert/strict";
import { hasBrowser } from "../browser/chromium.ts";
import type { SeenTraining } from "../browser/visit.ts";
import { checkTrained, visits } from "../browser/visiting.ts";

Deno.test({ name: "the page trains to 95 % on WebGPU and reads a three", ignore: !hasBrowser }, async () => {
  const [seen] = await visits("webgpuToTheEnd") as SeenTraining[];
  checkTrained(seen);
  assert.doesNotMatch(seen.status, /WebAssembly/);
});
