/**
 * Operations, losses and layers against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import assert from "node:assert/strict";
import { layers, random, realize, type Tensor, vjp, zerosLike } from "../../mod.ts";
import type { Tolerance } from "../support/close.ts";
import { eachCase } from "../support/each_case.ts";
import { testOnDevices } from "../support/each_device.ts";
import { type NormalizationFixture, normalizations, operations } from "../fixtures/ops.ts";
import { assertAll, assertSame, inputsOf, tensorOf, type Tensors, testParity, title } from "./run.ts";

const close: Tolerance = { relative: 2e-5, absolute: 2e-5 };

function linear({ x, weight, bias }: Tensors): Tensor {
  const layer = layers.linear({ features: weight.shape[0] });
  return layer.apply(bias ? { weight, bias } : { weight } as { weight: Tensor; bias: Tensor }, {}, x, layers.evalMode)[0];
}

testParity("operations agree with PyTorch", operations, { f32: 2e-5, calls: { linear } });

/** The layer applied to the fixture's inputs: output and state. */
function normalization({ options }: NormalizationFixture, inputs: Tensors): { output: Tensor; state: Tensors } {
  const { momentum, epsilon, training } = options as { momentum: number; epsilon: number; training: boolean };
  const { x, weight, bias, runningMean, runningVar } = inputs;
  const mode = training ? layers.trainMode(random.key(0)) : layers.evalMode;
  const [output, state] = layers.batchNorm({ momentum, epsilon }).apply(
    { weight, bias },
    { runningMean, runningVar },
    x,
    mode,
  );
  return { output, state: { ...state } };
}

testOnDevices("batchNorm agrees with PyTorch", () => {
  const fixtures = normalizations.filter(({ name }) => name === "batchNorm");
  assert.ok(fixtures.length >= 6);
  return eachCase(fixtures, title, async (fixture) => {
    const { variables, others } = inputsOf(fixture);
    const [value, pull] = vjp((inputs: Tensors) => normalization(fixture, { ...inputs, ...others }), variables);
    const zeros = Object.fromEntries(Object.entries(value.state).map(([name, x]) => [name, zerosLike(x)]));
    const [pulled] = pull({ output: tensorOf(fixture.cotangent!), state: zeros });
    const { output, state, grads } = realize({ ...value, grads: pulled });
    await assertSame(output, fixture.output, close, "output");
    await assertAll(state, fixture.state, close, "state");
    await assertAll(grads, fixture.grads!, close, "gradient of");
  });
});
