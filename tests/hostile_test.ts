/**
 * Every public function, every parameter and every option with values that no one means to pass: an error that says what is wrong, or a
 * sound result; nothing is accepted in silence.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as library from "../mod.ts";
import { type Outcome, outcomeOf } from "./support/hostile/check.ts";
import type { Rows } from "./support/hostile/rows.ts";
import * as visual from "../visual/mod.ts";
import { coreRows } from "./support/hostile/rows_core.ts";
import { dataRows } from "./support/hostile/rows_data.ts";
import { formatRows } from "./support/hostile/rows_formats.ts";
import { layerRows } from "./support/hostile/rows_layers.ts";
import { opRows } from "./support/hostile/rows_ops.ts";
import { trainingRows } from "./support/hostile/rows_training.ts";
import { visualRows } from "./support/hostile/rows_visual.ts";
import { argumentsOf, functionsOf, trialsOf } from "./support/hostile/trials.ts";
import { OptionParams } from "./support/hostile/values.ts";

const { OptionError, setDevice } = library;
await setDevice("reference");

const rows: Rows = { ...opRows, ...coreRows, ...layerRows, ...trainingRows, ...dataRows, ...visualRows, ...formatRows };

const functions = functionsOf({ ...library, visual });

const counts = { functions: 0, options: 0, calls: 0, refused: 0, sound: 0 };

Deno.test("every public function has a row", () => {
  const missing = functions.filter(([path]) => !(path in rows)).map(([path]) => path);
  assert.deepEqual(missing, []);
  const gone = Object.keys(rows).filter((path) => !functions.some(([known]) => known === path));
  assert.deepEqual(gone, [], "rows of what there is no longer");
});

Deno.test("rows name all options, and others are refused", async (t) => {
  for (const [path, f] of functions) {
    const each = rows[path];
    const position = each?.params.findIndex((param) => param instanceof OptionParams) ?? -1;
    if (position < 0) continue;
    await t.step(path, async () => {
      const args = argumentsOf(each);
      args[position] = { ...args[position] as object, noSuchOption: 1 };
      try {
        await f(...args);
      } catch (error) {
        assert.ok(error instanceof OptionError, `${error}`);
        assert.deepEqual(
          [...error.facts.options as string[]].sort(),
          Object.keys((each.params[position] as OptionParams).options).sort(),
        );
        counts.options += Object.keys((each.params[position] as OptionParams).options).length;
        return;
      }
      assert.fail("an option that there is not was accepted");
    });
  }
});

Deno.test("hostile values are refused, or mean what they say", async (t) => {
  const { log } = console;
  console.log = () => {}; // debug.print is among the functions
  for (const [path, f] of functions) {
    const each = rows[path];
    if (!each) continue;
    await t.step(path, async () => {
      counts.functions++;
      const plain = await outcomeOf(async () => {
        const result = await f(...argumentsOf(each));
        return each.use ? await each.use(result as never) : result;
      });
      assert.equal(plain.kind, "sound", `${path} with its own arguments: ${JSON.stringify(plain)}`);
      const wrong: string[] = [];
      for (const { what, run, maySucceed } of trialsOf(path, f, each)) {
        const outcome: Outcome = await outcomeOf(run);
        counts.calls++;
        if (outcome.kind === "refused") counts.refused++;
        if (outcome.kind === "sound") counts.sound++;
        if (outcome.kind === "wrong") wrong.push(`${what}: ${outcome.why}`);
        if (outcome.kind === "sound" && !maySucceed) wrong.push(`${what}: accepted in silence`);
      }
      assert.deepEqual(wrong, []);
    });
  }
  console.log = log;
  const { functions: tried, calls, refused, sound } = counts;
  assert.ok(tried === functions.length && tried >= 390 && calls >= 40_000, JSON.stringify(counts));
  assert.equal(refused + sound, calls);
});
