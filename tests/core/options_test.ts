/**
 * Records of options: names, values, what is missing, and what is no record.
 *
 * @module
 */
import assert from "node:assert/strict";
import { flag, oneOf, real, whole, wholes } from "../../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../../core/options.ts";
import { nearestName } from "../../core/spelling.ts";
import { add, jit, layers, leakyRelu, OptionError, type Scalar, sum, type Tensor, tensor, toArray, zeros } from "../../mod.ts";
import { withFacts } from "../support/with_facts.ts";

interface Options {
  readonly axis?: number;
  readonly keepDims?: boolean;
  readonly mode?: "mean" | "sum";
  readonly features: number;
}

const table = optionTable<Options>({ axis: whole, keepDims: flag, mode: oneOf("mean", "sum"), features: needed(real) });
const check = (given: unknown) => checkOptions(given as Options, table, "f");
const names = ["axis", "keepDims", "mode", "features"];

Deno.test("a table has exactly the options of its interface", () => {
  // @ts-expect-error one is missing
  optionTable<Options>({ axis: whole, keepDims: flag, features: needed(real) });
  // @ts-expect-error one that there is not
  optionTable<Options>({ axis: whole, keepDims: flag, mode: oneOf("mean", "sum"), features: needed(real), dim: whole });
  // @ts-expect-error an option that must be given
  optionTable<Options>({ axis: whole, keepDims: flag, mode: oneOf("mean", "sum"), features: real });
  // @ts-expect-error another kind
  optionTable<Options>({ axis: wholes, keepDims: flag, mode: oneOf("mean", "sum"), features: needed(real) });
  // @ts-expect-error a word is missing
  optionTable<Options>({ axis: whole, keepDims: flag, mode: oneOf("mean"), features: needed(real) });
});

Deno.test("options are given back as they came; undefined is none", () => {
  for (const given of [{ features: 1 }, { features: 1, axis: undefined }, Object.create({ features: 2, keepDims: true })]) {
    assert.equal(check(given), given);
  }
});

Deno.test("a name that there is not is refused, with the one that was meant", () => {
  for (
    const [option, nearest] of [
      ["axes", "axis"],
      ["keepdim", "keepDims"],
      ["keepDim", "keepDims"],
      ["AXIS", "axis"],
      ["feature", "features"],
      ["feat", "features"],
      ["dim", "axis"],
      ["x", undefined],
      // Names that every object inherits are no options.
      ["toString", undefined],
      ["constructor", undefined],
      ["hasOwnProperty", undefined],
    ] as const
  ) {
    assert.throws(() => check({ features: 1, [option]: undefined }), withFacts(OptionError, { option, nearest, options: names }));
  }
  assert.throws(() => check(JSON.parse('{ "__proto__": 1, "features": 1 }')), withFacts(OptionError, { option: "__proto__" }));
  assert.equal(nearestName("epsilom", ["epsilon", "axis"]), "epsilon");
});

Deno.test("other libraries' words for an option lead to ours", () => {
  const ours = ["axis", "learningRate", "features", "heads", "correction", "kernel", "donate", "layers", "groups", "bias"];
  const words = {
    axis: ["dim", "dims", "axes"],
    learningRate: ["lr", "learning_rate"],
    features: ["out_channels", "outFeatures", "hidden_size", "dModel", "embedding_dim", "units"],
    heads: ["nhead", "num_heads"],
    correction: ["ddof", "unbiased"],
    kernel: ["kernel_size", "kernelSize"],
    donate: ["donate_argnums"],
    layers: ["numLayers"],
  };
  for (const [name, theirs] of Object.entries(words)) {
    for (const word of theirs) assert.equal(nearestName(word, ours), name, word);
  }
  for (const word of ["", "x", "seed", "verbose"]) assert.equal(nearestName(word, ours), undefined, word);
});

Deno.test("an option that must be given is asked for", () => {
  for (const given of [undefined, {}, { features: undefined }, { axis: 1 }]) {
    assert.throws(() => check(given), withFacts(OptionError, { option: "features", options: names }));
  }
});

Deno.test("what is no record of options is refused", () => {
  for (const given of [null, 0, 1, true, "axis", "", [], [1], () => {}, new Map(), zeros([2]), Symbol("axis"), 1n, new Date()]) {
    assert.throws(
      () => check(given),
      /Cannot call f with .* as options: they are a record, \{ axis, keepDims, mode, features \}/,
    );
  }
});

Deno.test("a value of another kind is refused: of the right type a RangeError, otherwise a TypeError", () => {
  for (
    const [given, kind] of [
      [{ axis: 0.5 }, RangeError],
      [{ axis: NaN }, RangeError],
      [{ axis: "0" }, TypeError],
      [{ axis: null }, TypeError],
      [{ keepDims: 1 }, TypeError],
      [{ mode: "max" }, RangeError],
      [{ mode: 1 }, TypeError],
      [{ features: NaN }, RangeError],
    ] as const
  ) {
    assert.throws(() => check({ features: 1, ...given }), kind);
  }
  assert.throws(() => check({ features: 1, mode: "max" }), /Cannot call f with mode "max": it must be "mean" or "sum"/);
});

Deno.test("functions name themselves and their options", () => {
  const wrong = (value: unknown) => value as Record<string, never>;
  assert.throws(
    () => sum(zeros([2]), wrong({ axes: 0 })),
    /Cannot call sum with an option "axes": did you mean axis\? its options are \{ axis, keepDims \}/,
  );
  assert.throws(() => sum(zeros([2]), wrong(0)), /Cannot call sum with 0 as options/);
  assert.throws(() => layers.linear({ features: 1, ...wrong({ out: 3 }) }), withFacts(OptionError, { option: "out" }));
});

Deno.test("a number inside jit is an option where it only takes part in arithmetic", async () => {
  const f = jit((x: Tensor, slope: Scalar) => add(leakyRelu(x, { negativeSlope: slope }), 0));
  assert.deepEqual(await toArray(f(tensor([-2, 2]), 0.5)), [-1, 2]);
});
