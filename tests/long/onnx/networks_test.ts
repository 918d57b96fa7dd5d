/**
 * Networks in another runtime, at batches that were not traced.
 *
 * @module
 */
import { setDevice } from "../../../mod.ts";
import { exportNetwork, networks } from "../../onnx/networks.ts";
import { assertSame } from "./run.ts";

await setDevice("wasm");

for (const [name, network] of Object.entries(networks)) {
  Deno.test(name, async () => {
    const { f, bytes, inputs } = await exportNetwork(network);
    for (const size of [1, 3]) await assertSame(f, bytes, [inputs(size)]);
  });
}
