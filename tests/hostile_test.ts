/**
 * Every public function, every parameter and every option with values that no one means to pass: an error that says what is wrong, or a
 * sound result; nothing is accepted in silence.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as library from "../mod.ts";
import { eachCase } from "./support/each_case.ts";
import { type Outcome, outcomeOf } from "./support/hostile/check.ts";
import type { Rows } from "./support/hostile/rows.ts";
import * as visual from "../visual/mod.ts";
import { coreRows } from "./support/hostile/rows_core.ts";
import { dataRows } from "./support/hostile/rows_data.ts";
import { formatRows } from "./support/hostile/rows_formats.ts";
import { layerInputs, layerRows } from "./support/hostile/rows_layers.ts";
import { opRows } from "./support/hostile/rows_ops.ts";
import { optimizerPaths, trainingRows } from "./support/hostile/rows_training.ts";
import { visualRows } from "./support/hostile/rows_visual.ts";
import { argumentsOf, functionsOf, trialsOf } from "./support/hostile/trials.ts";
import { hostileValues, OptionParams } from "./support/hostile/values.ts";

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

Deno.test("rows name all options, and others are refused", () => {
  const withOptions = functions.map(([path, f]) => {
    const each = rows[path];
    return { path, f, each, position: each?.params.findIndex((param) => param instanceof OptionParams) ?? -1 };
  }).filter(({ position }) => position >= 0);
  return eachCase(withOptions, ({ path }) => path, async ({ f, each, position }) => {
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
});

Deno.test("hostile values are refused, or mean what they say", async () => {
  const { log } = console;
  console.log = () => {}; // debug.print is among the functions
  const withRows = functions.filter(([path]) => path in rows);
  await eachCase(withRows, ([path]) => path, async ([path, f]) => {
    const each = rows[path];
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
  }).finally(() => console.log = log);
  const { functions: tried, calls, refused, sound } = counts;
  assert.ok(tried === functions.length && tried >= 390 && calls >= 40_000, JSON.stringify(counts));
  assert.equal(refused + sound, calls);
});

/** What a method may be called with in place of an argument that is only handed on, or is a tree. */
const handedOn: Readonly<Record<string, RegExp>> = {
  params: /./,
  state: /./,
  grads: /./,
  "input shape": /^\[\]$/,
  x: /^(disposed)$/,
  key: /^disposed$/,
  mode: /^$/,
};

/** Calls with each argument of a method replaced by hostile values. */
async function tryMethod(name: string, call: (...args: unknown[]) => unknown, args: Readonly<Record<string, unknown>>) {
  const wrong: string[] = [];
  for (const [i, argument] of Object.keys(args).entries()) {
    for (const [hostile, value] of Object.entries(hostileValues)) {
      const outcome = await outcomeOf(() => call(...Object.values(args).map((given, at) => at === i ? value() : given)));
      if (outcome.kind === "wrong") wrong.push(`${name}, ${argument}: ${hostile}: ${outcome.why}`);
      if (outcome.kind === "sound" && !handedOn[argument].test(hostile)) {
        wrong.push(`${name}, ${argument}: ${hostile}: accepted in silence`);
      }
    }
  }
  return wrong;
}

Deno.test("layers and optimizers check what they are called with", async () => {
  const { evalMode } = library.layers;
  const key = library.random.key(0);
  const makeByPath = (path: string) => functions.find(([known]) => known === path)![1](...argumentsOf(rows[path]));
  await eachCase(Object.entries(layerInputs), ([path]) => path, async ([path, shape]) => {
    const { init, apply } = makeByPath(path) as library.layers.Layer<object, object>;
    const { params, state } = init(key, shape);
    const x = library.zeros([2, ...shape], { dtype: path === "layers.embedding" ? "i32" : "f32" });
    assert.deepEqual(await tryMethod("init", init as never, { key, "input shape": shape }), []);
    assert.deepEqual(await tryMethod("apply", apply as never, { params, state, x, mode: evalMode }), []);
  });
  await eachCase(optimizerPaths, (path) => path, async (path) => {
    const { init, update } = makeByPath(path) as library.optimizers.Optimizer;
    const params = { w: library.tensor([1, 2]) };
    assert.deepEqual(await tryMethod("init", init as never, { params }), []);
    assert.deepEqual(await tryMethod("update", update as never, { grads: params, state: init(params), params }), []);
  });
});
