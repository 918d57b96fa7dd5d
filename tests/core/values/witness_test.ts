/** Within one job it is known what has become unreachable in it. */
import assert from "node:assert/strict";
import { collect } from "../../../core/values/collector.ts";
import { ask, fillStock, type Watch, watch, type Watched } from "../../../core/values/witness.ts";

// Until it turned, weak references that were made by this job would tell nothing.
await new Promise((resolve) => setTimeout(resolve));

Deno.test("what is unreachable is found without a turn of the event loop, what is reachable is watched further", () => {
  const kept: Watched[] = [];
  const watches = Array.from({ length: 20 }, (_, i) => {
    const watched: Watched = { witness: undefined };
    if (i % 2 === 0) kept.push(watched);
    return watch(watched)!;
  });
  const isKept = (_: unknown, i: number) => i % 2 === 0;
  collect();
  const answers = watches.map(ask);
  assert.ok(answers.every((answer, i) => (answer !== "unreachable") === isKept(answer, i)), `${answers}`);
  kept.length = 0;
  collect();
  assert.ok(answers.filter(isKept).every((again) => ask(again as Watch) === "unreachable"));
});

Deno.test("whoever finds the stock empty is not watched, and a later job finds it full", async () => {
  let count = 0;
  while (watch({ witness: undefined })) count++;
  assert.ok(count > 0);
  assert.equal(watch({ witness: undefined }), undefined);
  fillStock();
  await new Promise((resolve) => setTimeout(resolve));
  const [watching] = [{ witness: undefined }].map(watch);
  collect();
  assert.equal(ask(watching!), "unreachable");
});
