/**
 * Functions of several records in another runtime, at batches that were not traced.
 *
 * @module
 */
import { random, setDevice } from "../../../mod.ts";
import { encode } from "../../../onnx/mod.ts";
import { functions } from "../../onnx/functions.ts";
import { assertSame } from "./run.ts";

await setDevice("wasm");

for (const [name, [f, shape = [6]]] of Object.entries(functions)) {
  Deno.test(name, async () => {
    const bytes = await encode(f, [{ shape: [2, ...shape] }]);
    for (const size of [1, 4]) await assertSame(f, bytes, [random.normal(random.key(size), [size, ...shape])]);
  });
}
