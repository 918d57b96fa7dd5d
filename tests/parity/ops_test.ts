/**
 * Operations, losses, layers and optimizers against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import assert from "node:assert/strict";
import { applyUpdates, data, jit, layers, optimizers, random, type Tensor, tensor, vjp, zerosLike } from "../../mod.ts";
import { assertClose, type Tolerance } from "../close.ts";
import { testOnDevices } from "../each_device.ts";
import {
  type NormalizationFixture,
  normalizations,
  operations,
  type OptimizerFixture,
  optimizers as paths,
} from "../fixtures/ops.ts";
import { assertAll, assertSame, inputsOf, tensorOf, type Tensors, testParity, title } from "./run.ts";

type Options = Readonly<Record<string, unknown>>;

const close: Tolerance = { relative: 2e-5, absolute: 2e-5 };

function linear({ x, weight, bias }: Tensors): Tensor {
  const layer = layers.linear({ features: weight.shape[0] });
  return layer.apply(bias ? { weight, bias } : { weight } as { weight: Tensor; bias: Tensor }, {}, x, layers.evaluate)[0];
}

testParity("operations agree with PyTorch", operations, { f32: 2e-5, calls: { linear } });

/** The layer applied to the fixture's inputs: output and state. */
function normalization({ options }: NormalizationFixture, inputs: Tensors): { output: Tensor; state: Tensors } {
  const { momentum, epsilon, training } = options as { momentum: number; epsilon: number; training: boolean };
  const { x, weight, bias, runningMean, runningVar } = inputs;
  const mode = training ? layers.training(random.key(0)) : layers.evaluate;
  const [output, state] = layers.batchNorm({ momentum, epsilon }).apply(
    { weight, bias },
    { runningMean, runningVar },
    x,
    mode,
  );
  return { output, state: { ...state } };
}

testOnDevices("batchNorm agrees with PyTorch", async (t) => {
  const fixtures = normalizations.filter(({ name }) => name === "batchNorm");
  assert.ok(fixtures.length >= 6);
  for (const fixture of fixtures) {
    await t.step(title(fixture), async () => {
      const { variables, others } = inputsOf(fixture);
      const [{ output, state }, pull] = vjp((inputs: Tensors) => normalization(fixture, { ...inputs, ...others }), variables);
      const zeros = Object.fromEntries(Object.entries(state).map(([name, x]) => [name, zerosLike(x)]));
      const [grads] = pull({ output: tensorOf(fixture.cotangent!), state: zeros });
      await assertSame(output, fixture.output, close, "output");
      await assertAll(state, fixture.state, close, "state");
      await assertAll(grads, fixture.grads!, close, "gradient of");
    });
  }
});

const makers: Readonly<Record<string, (options: never) => optimizers.Optimizer>> = {
  sgd: optimizers.sgd,
  adam: optimizers.adam,
  adamw: optimizers.adamW,
  adadelta: optimizers.adadelta,
};

/** Fixtures of what this library has: no dampening, and four optimizers. */
const known = ({ name, options }: OptimizerFixture) => name in makers && !("dampening" in options);

async function assertPath(optimizer: optimizers.Optimizer, { start, gradients, path }: OptimizerFixture): Promise<void> {
  type Params = { x: Tensor };
  const step = jit((params: Params, state: optimizers.OptimizerState, grads: Params) => {
    const [updates, next] = optimizer.update(grads, state, params);
    return [applyUpdates(params, updates), next] as const;
  });
  let params = { x: tensor([...start]) };
  let state = optimizer.init(params);
  for (const [i, gradient] of gradients.entries()) {
    [params, state] = step(params, state, { x: tensor([...gradient]) });
    assertClose(await data(params.x), path[i], { relative: 2e-6, absolute: 2e-6 }, `step ${i + 1}`);
  }
}

testOnDevices("optimizers follow PyTorch's paths", async (t) => {
  const fixtures = paths.filter(known);
  assert.ok(fixtures.length >= 15);
  for (const fixture of fixtures) {
    const { name, options } = fixture;
    const make = (more: Options = {}) => makers[name]({ ...options, ...more } as never);
    await t.step(`${name} ${JSON.stringify(options)}`, () => assertPath(make(), fixture));
    await t.step(`${name} with a schedule and a tensor for the rate ${JSON.stringify(options)}`, async () => {
      const rate = options.learningRate as number;
      await assertPath(make({ learningRate: optimizers.schedules.constant(rate) }), fixture);
      await assertPath(make({ learningRate: tensor(rate) }), fixture);
    });
  }
});
