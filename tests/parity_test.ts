/**
 * Operations, losses, layers and optimizers against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as cotangent from "../mod.ts";
import { applyUpdates, data, jit, layers, optimizers, random, type Tensor, tensor, vjp } from "../mod.ts";
import { assertClose, type Tolerance } from "./close.ts";
import { testOnDevices } from "./each_device.ts";
import {
  type ArrayFixture,
  type NormalizationFixture,
  normalizations,
  type OperationFixture,
  operations,
  type OptimizerFixture,
  optimizers as paths,
} from "./fixtures/ops.ts";

type Tensors = Record<string, Tensor>;
type Options = Readonly<Record<string, unknown>>;

const close: Tolerance = { relative: 2e-5, absolute: 2e-5 };

function tensorOf({ shape, data }: ArrayFixture, dtype: "f32" | "i32" = "f32"): Tensor {
  return tensor(dtype === "f32" ? Float32Array.from(data) : Int32Array.from(data), { shape });
}

/** The inputs that have a gradient, and those that have none. */
function inputsOf({ inputs, grads }: OperationFixture): { variables: Tensors; others: Tensors } {
  const made = Object.entries(inputs).map(([name, array]) => [name, tensorOf(array, name === "labels" ? "i32" : "f32")] as const);
  return {
    variables: Object.fromEntries(made.filter(([name]) => name in grads)),
    others: Object.fromEntries(made.filter(([name]) => !(name in grads))),
  };
}

async function assertSame(actual: Tensor, expected: ArrayFixture, what: string): Promise<void> {
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  assertClose(await data(actual), expected.data, close, what);
}

async function assertAll(actual: Tensors, expected: Readonly<Record<string, ArrayFixture>>, what: string): Promise<void> {
  for (const [name, array] of Object.entries(expected)) await assertSame(actual[name], array, `${what} ${name}`);
}

function title({ name, options, inputs }: OperationFixture): string {
  const shapes = Object.entries(inputs).map(([input, { shape }]) => `${input} [${shape.join()}]`);
  return `${name} ${JSON.stringify(options)} ${shapes.join(" ")}`;
}

function linear(x: Tensor, weight: Tensor, { bias }: { bias?: Tensor }): Tensor {
  const layer = layers.linear({ features: weight.shape[0] });
  return layer.apply(bias ? { weight, bias } : { weight } as { weight: Tensor; bias: Tensor }, {}, x, layers.evaluate)[0];
}

type Operation = (...args: unknown[]) => Tensor;
const named = { ...cotangent, linear } as unknown as Record<string, Operation>;

/** The operation as a function of all its inputs by name. */
function operationOf(fixture: OperationFixture): (inputs: Tensors) => Tensor {
  const run = named[fixture.name];
  assert.equal(typeof run, "function", `there is no ${fixture.name}`);
  const tensorOptions = Object.keys(fixture.inputs).filter((input) => !fixture.arguments.includes(input));
  return (inputs) => {
    const options = { ...fixture.options, ...Object.fromEntries(tensorOptions.map((name) => [name, inputs[name]])) };
    const args = fixture.arguments.map((name) => inputs[name]);
    return Object.keys(options).length > 0 || fixture.name === "linear" ? run(...args, options) : run(...args);
  };
}

testOnDevices("operations agree with PyTorch", async (t) => {
  for (const fixture of operations) {
    await t.step(title(fixture), async () => {
      const { variables, others } = inputsOf(fixture);
      const operation = operationOf(fixture);
      const [output, pull] = vjp((inputs: Tensors) => operation({ ...inputs, ...others }), variables);
      const [grads] = pull(tensorOf(fixture.cotangent));
      await assertSame(output, fixture.output, "output");
      await assertAll(grads, fixture.grads, "gradient of");
    });
  }
});

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
      const zeros = Object.fromEntries(Object.entries(state).map(([name, x]) => [name, cotangent.zerosLike(x)]));
      const [grads] = pull({ output: tensorOf(fixture.cotangent), state: zeros });
      await assertSame(output, fixture.output, "output");
      await assertAll(state, fixture.state, "state");
      await assertAll(grads, fixture.grads, "gradient of");
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
