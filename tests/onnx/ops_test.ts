/**
 * Small cases of ONNX's own tests for every op. The whole suite is run by tests/long/onnx_test.ts.
 *
 * Run: python3 tests/fixtures/make_onnx_ops.py makes the cases.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as onnx from "../../onnx/mod.ts";
import { ops } from "../../onnx/ops/mod.ts";
import cases from "../fixtures/onnx_ops.json" with { type: "json" };
import { eachCase } from "../support/each_case.ts";
import { testOnDevices } from "../support/each_device.ts";
import { share } from "../support/share.ts";
import { checkModel } from "./suite.ts";

const bytes = (text: string) => Uint8Array.fromBase64(text);

/** One case against an integer quantized halfway, which f32 rounds one way and the double precision of the reference the other. */
const halfway = { device: "reference", case: "test_dynamicquantizelinear" };

testOnDevices("ONNX's own cases, one or two for an op", (_, device) => {
  const known = cases.filter(({ op, name }) => Object.hasOwn(ops, op) && !(device === halfway.device && name === halfway.case));
  return eachCase(share(device, known, () => "all", 7), ({ name }) => name, async (each) => {
    const loaded = await onnx.load(bytes(each.model))();
    if (loaded._tag === "Left") throw new Error(loaded.left.message);
    try {
      await checkModel(loaded.right, each.inputs.map(bytes), each.outputs.map(bytes));
    } catch (error) {
      if (device !== "webgpu" || !/Cannot compute f64/.test(`${error}`)) throw error;
    }
  });
});

Deno.test("what is left out of the cases is known", () => {
  const left = new Set(cases.filter(({ op }) => !Object.hasOwn(ops, op)).map(({ op }) => op));
  assert.deepEqual([...left].sort(), ["TfIdfVectorizer"]);
});
