/**
 * Networks and their blocks against PyTorch: values and gradients, and state dicts of torchvision.
 *
 * @module
 */
import assert from "node:assert/strict";
import { data, layers, random, type Tensor, tensor, zeros } from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { deviceNames, testOnDevices } from "../support/each_device.ts";
import stored from "../fixtures/networks.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import zoo from "../fixtures/zoo.json" with { type: "json" };
import { noise } from "../support/noise.ts";
import { isLong } from "../support/share.ts";
import { nested } from "./nested.ts";
import { type Call, testParity } from "./run.ts";

const { basicBlock, denseNet, resNet, vgg } = layers.zoo;

const fixtures = stored as unknown as Readonly<Record<keyof typeof stored, readonly OperationFixture[]>>;
const key = random.key(0);

/** The network that `make` makes of the options, trained on x with the other inputs for parameters: statistics are the batch's. */
function trained(make: (options: never) => layers.AnyLayer): Call {
  return ({ x, ...params }, options) => {
    const model = make(options as never);
    const { state } = model.init(key, x.shape.slice(1));
    return model.apply(nested(params), state, x, layers.trainMode(key))[0];
  };
}

testParity("a residual block agrees with PyTorch", fixtures.blocks, { calls: { basicBlock: trained(basicBlock) } });
// Its many shapes are many shaders, of which those of the block above are examples.
const devices = isLong ? deviceNames : (["reference", "wasm"] as const);
testParity("a small DenseNet agrees with torchvision's", fixtures.networks, { calls: { denseNet: trained(denseNet) }, devices });

const dicts: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = zoo.dicts;
const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

const models: Readonly<Record<string, layers.AnyLayer>> = {
  resnet18: resNet({ classes: 1000 }),
  vgg11: vgg({ depth: 11, classes: 1000 }),
  vgg11_bn: vgg({ depth: 11, classes: 1000, norm: true }),
  vgg16: vgg({ depth: 16, classes: 1000 }),
  densenet121: denseNet({ classes: 1000 }),
};

for (const [name, model] of Object.entries(models)) {
  Deno.test(`${name} has torchvision's names and shapes, and loads its state dict`, () => {
    const initial = model.init(key, [3, 224, 224]);
    const { params, state } = initial;
    const ours = Object.entries(layers.stateDict(params, state)).map(([each, { shape }]) => [each, [...shape]]);
    const theirs = Object.entries(dicts[name]).filter(([each]) => !each.endsWith("num_batches_tracked"));
    assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs));
    const dict = Object.fromEntries(Object.entries(dicts[name]).map(([each, shape]) => [each, zeros(shape)]));
    const loaded = layers.loadStateDict(initial, dict);
    assert.ok(loaded._tag === "Right" && layers.namedParameters(loaded.right).length === theirs.length);
  });
}

/** The numbers that make_zoo.py gave entry k of a state dict. */
function entry(name: string, shape: readonly number[], k: number): layers.StoredTensor {
  const scale = shape.length > 1 ? Math.sqrt(6 / sizeOf(shape.slice(1))) : 0.1;
  const values = noise(100 + k, sizeOf(shape), scale);
  const aroundOne = shape.length === 1 && /(weight|running_var)$/.test(name);
  return { shape, data: aroundOne ? values.map((x) => x + 1) : values };
}

testOnDevices("ResNet-18 with a state dict gives torchvision's logits", async () => {
  const model = resNet({ classes: 10 });
  const shapes = Object.entries(dicts.resnet18).map(([name, shape]) =>
    [name, name.startsWith("fc.") ? [10, ...shape.slice(1)] : shape] as const
  );
  const dict = Object.fromEntries(shapes.map(([name, shape], k) => [name, entry(name, shape, k)]));
  const { input, logits } = zoo.resnet18;
  const loaded = layers.loadStateDict(model.init(key, input.slice(1)), dict);
  assert.ok(loaded._tag === "Right", loaded._tag === "Left" ? loaded.left.message : "");
  const x: Tensor = tensor(noise(1, sizeOf(input)), { shape: input });
  const [y] = model.apply(loaded.right.params, loaded.right.state, x, layers.evalMode);
  assertClose(await data(y), logits, { relative: 1e-4, absolute: 1e-4 }, "logits");
}, ["wasm"]);
