/** Results as values become values or errors that are thrown. */
import assert from "node:assert/strict";
import { layers, orThrow, type Outcome, OutcomeError } from "../../mod.ts";

type Result = Outcome<{ readonly message: string; readonly file: string }, number>;
const right: Result = { _tag: "Right", right: 3 };
const left: Result = { _tag: "Left", left: { message: "Cannot read x: it is damaged", file: "x" } };

Deno.test("a Right gives its value, a Left throws its sentence with all else as the cause", async () => {
  assert.equal(orThrow(right), 3);
  assert.equal(await orThrow(() => Promise.resolve(right)), 3);
  const expected = {
    name: "OutcomeError",
    message: "Cannot read x: it is damaged",
    cause: left._tag === "Left" ? left.left : undefined,
  };
  assert.throws(() => orThrow(left), expected);
  await assert.rejects(orThrow(() => Promise.resolve(left)), expected);
  assert.throws(() => orThrow(layers.loadStateDict({ params: {}, state: {} }, { a: 1 as never })), OutcomeError);
});

Deno.test("what is no result is told, and what a task throws goes on", async () => {
  for (const wrong of [null, undefined, 3, "x", {}, Promise.resolve(right)]) {
    assert.throws(() => orThrow(wrong as never), TypeError);
  }
  await assert.rejects(orThrow((() => 3) as never), TypeError);
  const thrown = new Error("no");
  await assert.rejects(orThrow(() => Promise.reject(thrown)), (error) => error === thrown);
});
