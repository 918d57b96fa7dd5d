/**
 * Networks as PyTorch exports them: the outputs are PyTorch's at two batch sizes, and gradients go to their parameters.
 *
 * Run: python3 tests/fixtures/make_onnx.py makes the networks.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type DType, grad, jit, mul, sum, type Tensor, tensor, toArray, vmap } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import fixtures from "../fixtures/onnx.json" with { type: "json" };
import { deviceNames, testOnDevices } from "../support/each_device.ts";
import { isLong } from "../support/share.ts";

type Name = keyof typeof fixtures;

/** The bytes of a network. */
const bytesOf = (name: Name): Uint8Array => Uint8Array.from(atob(fixtures[name].model), (c) => c.charCodeAt(0));

async function loaded(name: Name): Promise<onnx.Model> {
  const result = await onnx.load(bytesOf(name))();
  if (result._tag === "Left") throw new Error(result.left.message);
  return result.right;
}

const numbers = async (x: Tensor) => [await toArray(x) as unknown].flat(Infinity) as number[];

function assertClose(given: readonly number[], expected: readonly number[], within = 2e-5): void {
  assert.equal(given.length, expected.length);
  given.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]) <= within * (1 + Math.abs(expected[i])), `${value}, not ${expected[i]}, at ${i}`)
  );
}

for (const [i, name] of (Object.keys(fixtures) as Name[]).entries()) {
  const { data, dtype } = fixtures[name];
  // Every other of them is enough for shaders.
  const devices = deviceNames.filter((device) => isLong || device !== "webgpu" || i % 2 === 0);

  testOnDevices(`${name}: the outputs of PyTorch, eagerly and compiled`, async (_, device) => {
    const { params, inputs, outputs, apply } = await loaded(name);
    assert.deepEqual([inputs.length, inputs[0].name, outputs[0].name], [1, "x", "y"]);
    assert.equal(inputs[0].shape?.[0], "batch");
    const compiled = jit(apply);
    for (const { x, shape, y, out } of data) {
      const given = { x: tensor(x, { shape, dtype: dtype as DType }) };
      // One operation after the other is a shader each.
      for (const f of device === "webgpu" && !isLong ? [compiled] : [apply, compiled]) {
        const result = f(params, given).y;
        assert.deepEqual(result.shape, out);
        assertClose(await numbers(result), y);
      }
    }
  }, devices);
}

testOnDevices("gradients of a loaded network are those of PyTorch, by the names of its parameters", async () => {
  const { params, apply } = await loaded("whole");
  const { x, shape, gradients } = fixtures.whole.data[1];
  const loss = (p: onnx.NamedTensors) => {
    const { y } = apply(p, { x: tensor(x, { shape }) });
    return sum(mul(y, y));
  };
  const given = jit(grad(loss))(params);
  for (const [name, expected] of Object.entries(gradients!)) assertClose(await numbers(given[name]), expected, 1e-4);
});

Deno.test("a loaded network is batched by vmap as by its own batch axis", async () => {
  const { params, apply } = await loaded("attention");
  const { x, shape, y } = fixtures.attention.data[1];
  const rows = tensor(x, { shape: [shape[0], 1, shape[1]], dtype: "i32" });
  const mapped = vmap((row: Tensor) => apply(params, { x: row }).y)(rows);
  assertClose(await numbers(mapped), y);
});
