/** The page of `examples/browser` trains to 95 % on one thread, too, and on WebGPU in a browser that has a processor for a GPU. */
import assert from "node:assert/strict";
import { hasBrowser } from "../browser/chromium.ts";
import type { SeenTraining } from "../browser/visit.ts";
import { checkTrained, visits } from "../browser/visiting.ts";

Deno.test({ name: "the page trains to 95 % on one thread and on WebGPU, and reads a three", ignore: !hasBrowser }, async () => {
  const [plain, webgpu] = await visits("plain", "webgpu") as SeenTraining[];
  checkTrained(plain);
  checkTrained(webgpu);
  assert.deepEqual([plain.isolated, plain.status], [false, "Paused, on WebAssembly SIMD, 1 thread"]);
  assert.doesNotMatch(webgpu.status, /WebAssembly/);
});
