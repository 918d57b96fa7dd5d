/**
 * Networks in another runtime, at batches that were not traced.
 *
 * @module
 */
import { letterNetworks } from "../../../examples/parts/letter_filters.ts";
import { random, setDevice } from "../../../mod.ts";
import * as onnx from "../../../onnx/mod.ts";
import { right } from "../../formats/results.ts";
import { exportNetwork, networks } from "../../onnx/networks.ts";
import { assertSame } from "./run.ts";

await setDevice("wasm");

for (const [name, network] of Object.entries(networks)) {
  Deno.test(name, async () => {
    const { f, bytes, inputs } = await exportNetwork(network);
    for (const size of [1, 3]) await assertSame(f, bytes, [inputs(size)]);
  });
}

Deno.test("the networks that read_text.ts makes", async () => {
  const { detection, direction, recognition } = await letterNetworks(64, 96, 160);
  for (const bytes of [detection, direction, recognition]) {
    const { params, apply, inputs: [{ name, shape = [] }], outputs: [output] } = right(await onnx.load(bytes)());
    for (const size of [1, 3]) {
      const x = random.uniform(random.key(size), [size, ...shape.slice(1).map(Number)], { min: -1, max: 1 });
      await assertSame((x) => apply(params, { [name]: x })[output.name], bytes, [x]);
    }
  }
});
