/**
 * Networks from elsewhere compute what onnxruntime computes, eagerly and compiled. `deno task bench:imported` times them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { importedNetworks } from "../../../bench/imported_networks.ts";
import { data, jit, setDevice } from "../../../mod.ts";
import * as onnx from "../../../onnx/mod.ts";
import { right } from "../../formats/results.ts";
import { runtimeResults } from "./run.ts";

await setDevice("wasm");

/** The largest difference of a number. */
const bound = 1e-3;

for (const [name, { bytes, inputs, constants }] of Object.entries(await importedNetworks())) {
  Deno.test(name, async () => {
    const model = right(await onnx.load(bytes)());
    const all = { ...inputs, ...constants };
    const expected = await runtimeResults(bytes, model.inputs.map(({ name }) => all[name]));
    const compiled = jit((p: onnx.NamedTensors, xs: typeof inputs) => model.apply(p, { ...xs, ...constants }));
    for (const results of [model.apply(model.params, all), compiled(model.params, inputs)]) {
      for (const [i, { name }] of model.outputs.entries()) {
        assert.deepEqual(results[name].shape, expected[i].shape);
        const values = Array.from(await data(results[name]), Number);
        const worst = values.reduce((most, value, k) => Math.max(most, Math.abs(value - expected[i].values[k])), 0);
        assert.ok(worst <= bound, `${name} differs by ${worst}`);
        // A network that says the same everywhere would prove little.
        assert.ok(new Set(values).size > values.length / 10, `${name} has only ${new Set(values).size} numbers`);
      }
    }
  });
}
