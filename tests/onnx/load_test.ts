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
import { testOnDevices } from "../support/each_device.ts";

type Name = keyof typeof fixtures;

/** The bytes of a network. */
export const bytesOf = (name: Name): Uint8Array => Uint8Array.from(atob(fixtures[name].model), (c) => c.charCodeAt(0));

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

for (const name of Object.keys(fixtures) as Name[]) {
  const { data, dtype } = fixtures[name];

  testOnDevices(`${name}: the outputs of PyTorch, eagerly and compiled`, async () => {
    const { params, inputs, outputs, apply } = await loaded(name);
    assert.deepEqual([inputs.length, inputs[0].name, outputs[0].name], [1, "x", "y"]);
    assert.equal(inputs[0].shape?.[0], "batch");
    const compiled = jit(apply);
    for (const { x, shape, y, out } of data) {
      const given = { x: tensor(x, { shape, dtype: dtype as DType }) };
      for (const f of [apply, compiled]) {
        const result = f(params, given).y;
        assert.deepEqual(result.shape, out);
        assertClose(await numbers(result), y);
      }
    }
  });
}

Deno.test("gradients of a loaded network are those of finite differences, for all parameters that matter", async () => {
  const { params, apply } = await loaded("convolutional");
  const { x, shape } = fixtures.convolutional.data[0];
  const given = { x: tensor(x, { shape }) };
  const loss = (p: onnx.NamedTensors) => {
    const { y } = apply(p, given);
    return sum(mul(y, y));
  };
  const gradients = jit(grad(loss))(params);
  assert.deepEqual(Object.keys(gradients), Object.keys(params));
  const [name] = Object.keys(params).filter((each) => each.endsWith("head.bias"));
  const [g] = await numbers(gradients[name]);
  const step = 1e-2;
  const at = async (by: number) => {
    const bias = await numbers(params[name]);
    return (await numbers(loss({ ...params, [name]: tensor(bias.map((value, i) => i === 0 ? value + by : value)) })))[0];
  };
  const slope = (await at(step) - await at(-step)) / (2 * step);
  assert.ok(Math.abs(slope - g) <= 1e-2 * Math.abs(slope), `${g} beside ${slope}`);
});

Deno.test("a loaded network is batched by vmap as by its own batch axis", async () => {
  const { params, apply } = await loaded("attention");
  const { x, shape, y } = fixtures.attention.data[1];
  const rows = tensor(x, { shape: [shape[0], 1, shape[1]], dtype: "i32" });
  const mapped = vmap((row: Tensor) => apply(params, { x: row }).y)(rows);
  assertClose(await numbers(mapped), y);
});
