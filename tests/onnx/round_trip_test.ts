/**
 * What was exported and is read again computes the same, at batches that were not traced.
 *
 * @module
 */
import assert from "node:assert/strict";
import { data, random, setDevice, type Tensor, treeTensors } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import { right } from "../formats/results.ts";
import { functions } from "./functions.ts";
import { exportNetwork, networks } from "./networks.ts";

await setDevice("wasm");

/** Large networks, whose rows the others have too: they are run in another runtime by the long tests. */
const large: ReadonlySet<string> = new Set([
  "alexNet",
  "resNet",
  "nin",
  "vgg",
  "examples' simple",
  "examples' fcn",
  "vgg by blocks",
]);

async function assertSame(f: (x: Tensor) => unknown, bytes: Uint8Array, inputs: readonly Tensor[]): Promise<void> {
  const { params, apply, inputs: [{ name }], outputs } = right(await onnx.load(bytes)());
  for (const x of inputs) {
    const expected = treeTensors(f(x));
    const again = apply(params, { [name]: x });
    assert.equal(outputs.length, expected.length);
    for (const [i, tensor] of expected.entries()) {
      const result = again[outputs[i].name];
      assert.deepEqual(result.shape, tensor.shape);
      const [wanted, found] = await Promise.all([tensor, result].map(async (each) => Array.from(await data(each), Number)));
      const size = Math.max(...wanted.map(Math.abs), 1e-30);
      wanted.forEach((value, at) => {
        const error = value === found[at] ? 0 : Math.abs(value - found[at]) / size;
        assert.ok(error <= 1e-5, `output ${i}, element ${at}: ${found[at]} instead of ${value}`);
      });
    }
  }
}

Deno.test("functions", async (t) => {
  for (const [name, [f, shape = [6]]] of Object.entries(functions)) {
    await t.step(name, async () => {
      const bytes = await onnx.encode(f, [{ shape: [2, ...shape] }]);
      await assertSame(f, bytes, [1, 4].map((size) => random.normal(random.key(size), [size, ...shape])));
    });
  }
});

Deno.test("networks", async (t) => {
  for (const [name, network] of Object.entries(networks)) {
    if (large.has(name)) continue;
    await t.step(name, async () => {
      const { f, bytes, inputs } = await exportNetwork(network);
      await assertSame(f, bytes, [inputs(1), inputs(3)]);
    });
  }
});
