/**
 * The page of `examples/browser` in a browser: where it is isolated it trains on all cores and reads what one draws; its console runs what
 * one types. On one core where it is not isolated, and by WebGPU: `tests/long/browser_test.ts`, which CI runs, too.
 */
import assert from "node:assert/strict";
import { hasBrowser } from "./chromium.ts";
import type { SeenConsole, SeenTraining } from "./visit.ts";
import { checkTrained, visits } from "./visiting.ts";

/** What was seen on both visits: the page is built once for them, and a browser started once. */
let seen: Promise<[training: SeenTraining, console: SeenConsole]> | undefined;
const bothVisits = () => seen ??= visits("isolated", "console") as NonNullable<typeof seen>;

Deno.test({ name: "the page trains to 95 % and reads a three that is drawn by mouse", ignore: !hasBrowser }, async () => {
  const [isolated] = await bothVisits();
  checkTrained(isolated);
  assert.equal(isolated.isolated, true);
  assert.match(isolated.status, /^Paused, on WebAssembly SIMD, \d+ threads?$/);
});

Deno.test({ name: "the console shows values, errors, charts and pictures", ignore: !hasBrowser }, async () => {
  const [, { shown, charts, tables, pictures }] = await bothVisits();
  assert.deepEqual(shown.slice(0, 3), ["", "tensor([[ 7.0000, 11.0000],\n        [16.5000, 26.2500]], f32[2, 2])", "1"]);
  assert.match(shown[3], /^ShapeError: Cannot matmul \[2, 2\] by \[3\]/);
  assert.equal(shown[4], '2\n[ [ 2, 2 ], { a: "f32" } ]');
  assert.equal(shown[5], "");
  assert.ok(charts > 0);
  assert.deepEqual(tables, ["f32[10, 10]100 numbers, 400 bytes", "linearfor inputs [4]", "2 tensors15 numbers, 60 bytes"]);
  assert.equal(pictures, 1);
});
