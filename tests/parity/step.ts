/**
 * Training steps of the four MNIST networks against PyTorch: loss, logits, all gradients, and twenty steps of SGD.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Model, models } from "../../examples/parts/models.ts";
import {
  applyUpdates,
  crossEntropy,
  data,
  type DeviceName,
  item,
  jit,
  layers,
  optimizers,
  type Tensor,
  tensor,
  treeLeaves,
  valueAndGradAux,
} from "../../mod.ts";
import { assertClose, type Tolerance } from "../support/close.ts";
import { testOnDevices } from "../support/each_device.ts";
import {
  assertGradient,
  type NetworkName,
  networks,
  type ParameterFixture,
  stepImages,
  stepLabels,
  stepParameters,
} from "../fixtures/step.ts";

/** Parameters as any of the models takes them. */
type Params = Record<string, { weight: Tensor; bias: Tensor }>;

const tolerance: Tolerance = { relative: 1e-4, absolute: 1e-4 };

/** The fixture's parameters by stage. */
function paramsOf(name: NetworkName): Params {
  const params: Record<string, Record<string, Tensor>> = {};
  for (const [path, { shape, values }] of Object.entries(stepParameters(name))) {
    const [stage, kind] = path.split(".");
    (params[stage] ??= {})[kind] = tensor(values, { shape });
  }
  return params as Params;
}

interface Batch {
  readonly images: Tensor;
  readonly labels: Tensor;
}

function batchOf(name: NetworkName): Batch {
  const fixture = networks[name];
  return { images: tensor(stepImages(fixture), { shape: [fixture.batch, 1, 28, 28] }), labels: tensor(stepLabels(fixture)) };
}

/** The loss and its logits. */
function lossOf(name: NetworkName): (params: Params, batch: Batch) => readonly [Tensor, Tensor] {
  const model: Model = models[name];
  return (params, { images, labels }) => {
    const [logits] = model.apply(params, {}, images, layers.evalMode);
    return [crossEntropy(logits, labels), logits];
  };
}

/** Tests one step on each of the devices. */
export function testStep(name: NetworkName, devices: readonly DeviceName[]): void {
  testOnDevices(`one step of ${name} agrees with PyTorch`, async () => {
    const fixture = networks[name];
    const { value, aux, grads } = jit(valueAndGradAux(lossOf(name)))(paramsOf(name), batchOf(name));
    assertClose([await item(value)], [fixture.loss], tolerance, "loss");
    assertClose((await data(aux)).slice(0, 20), fixture.logits, tolerance, "logits");
    const leaves = treeLeaves(grads);
    assert.deepEqual(leaves.map(({ path }) => path), Object.keys(fixture.parameters));
    for (const { path, value } of leaves) {
      const expected: ParameterFixture = fixture.parameters[path];
      assert.deepEqual([...(value as Tensor).shape], [...expected.shape], path);
      assertGradient(await data(value as Tensor), expected, tolerance, path);
    }
  }, devices);
}

/** Tests twenty steps on each of the devices. */
export function testSteps(name: NetworkName, devices: readonly DeviceName[]): void {
  testOnDevices(`twenty steps of ${name} have PyTorch's losses`, async () => {
    const optimizer = optimizers.sgd({ learningRate: 0.05, momentum: 0.5 });
    const loss = valueAndGradAux(lossOf(name));
    const step = jit((params: Params, state: optimizers.OptimizerState, batch: Batch) => {
      const { value, grads } = loss(params, batch);
      const [updates, next] = optimizer.update(grads, state, params);
      return [value, applyUpdates(params, updates), next] as const;
    }, { donate: [0, 1] });
    const images = batchOf(name);
    let params = paramsOf(name);
    let state = optimizer.init(params);
    const losses: number[] = [];
    for (const _ of networks[name].losses) {
      const [value, nextParams, nextState] = step(params, state, images);
      [params, state] = [nextParams, nextState];
      losses.push(await item(value));
    }
    assertClose(losses, networks[name].losses, tolerance, "losses");
  }, devices);
}
