/**
 * Every number that a public function takes, as an argument of `jit`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { testOnDevices } from "../../support/each_device.ts";
import { share } from "../../support/share.ts";
import { casesOf, check, rows, subjects } from "../../support/number_arguments.ts";

/** Numbers that stand for no tensor and are traced all the same: positions, rates, and options that only take part in arithmetic. */
const traced = [
  "addAt(1.0)",
  "at(1.0)",
  "dynamicSlice(1.0)",
  "dynamicUpdateSlice(2.0)",
  "setAt(1.0)",
  "full(1)",
  "fullLike(1)",
  "celu(1.alpha)",
  "clip(1.max)",
  "clip(1.min)",
  "cosineEmbeddingLoss(3.margin)",
  "elu(1.alpha)",
  "hardTanh(1.max)",
  "hardTanh(1.min)",
  "leakyRelu(1.negativeSlope)",
  "polyLoss(2.epsilon)",
  "tripletMarginLoss(3.margin)",
  "random.bernoulli(1)",
  "random.normal(2.mean)",
  "random.normal(2.std)",
  ...["adadelta", "adagrad", "adam", "adamW", "lion", "rmsprop", "sgd"].map((name) => `optimizers.${name}(0.learningRate)`),
];

testOnDevices("every number that a public function takes is traced, or names static", async (_, device) => {
  const found = { traced: [] as string[], refused: [] as string[] };
  const cases = share(device, subjects.flatMap(([path, f]) => casesOf(path, f, rows[path])), () => "all", 12);
  for (const each of cases) {
    const how = await check(each, device === "reference" ? [-0, -1, 0.5, 3, NaN] : []);
    found[how].push(each.name);
    if (each.isTensorLike) assert.equal(how, "traced", each.name);
  }
  assert.deepEqual(
    traced.filter((name) => cases.some((each) => each.name === name) && !found.traced.includes(name)),
    [],
    "no longer traced",
  );
  console.log(`${found.traced.length} numbers are traced, ${found.refused.length} name static`);
});
