/**
 * Networks of the zoo: the documents' feature-map shapes, and that each of them trains.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  add,
  applyUpdates,
  binaryCrossEntropyWithLogits,
  compileCount,
  crossEntropy,
  full,
  item,
  jit,
  layers,
  mul,
  optimizers,
  random,
  setDevice,
  ShapeError,
  stopGradient,
  sub,
  type Tensor,
  tensor,
  treeMap,
  valueAndGrad,
  valueAndGradAux,
} from "../../mod.ts";

await setDevice("wasm");

const { alexNet, basicBlock, denseNet, discriminator, generator, leNet, nin, resNet, vgg, vggBlock } = layers.zoo;
const key = random.key(0);

type Shapes = readonly (readonly number[])[];

/** The output shapes, with a batch of 1, of the stages one level below `path`. */
function shapes(model: layers.AnyLayer, input: readonly number[], path: readonly string[] = []): Shapes {
  const initial = path.reduce((at: layers.Initial<object, object>, name) => at.stages![name], model.init(key, input));
  return layers.namedStages(initial, { depth: 1 }).map(([, { output }]) => [1, ...output]);
}

/** Only those that differ from the one before: activations keep shapes. */
function changes(list: Shapes): Shapes {
  return list.filter((shape, i) => i === 0 || shape.join() !== list[i - 1].join());
}

Deno.test("NiN has the document's feature maps", () => {
  assert.deepEqual(shapes(nin(), [1, 224, 224]), [
    [1, 96, 54, 54],
    [1, 96, 26, 26],
    [1, 256, 26, 26],
    [1, 256, 12, 12],
    [1, 384, 12, 12],
    [1, 384, 5, 5],
    [1, 384, 5, 5],
    [1, 10, 5, 5],
    [1, 10, 1, 1],
    [1, 10],
  ]);
});

Deno.test("LeNet has the document's feature maps, with batch norm too", () => {
  for (const norm of [false, true]) {
    const conv = [[1, 6, 24, 24], [1, 6, 12, 12], [1, 16, 8, 8], [1, 16, 4, 4]];
    assert.deepEqual(changes(shapes(leNet({ norm }), [1, 28, 28], ["conv"])), conv);
    assert.deepEqual(changes(shapes(leNet({ norm }), [1, 28, 28], ["fc"])), [[1, 120], [1, 84], [1, 10]]);
  }
  const { params } = leNet().init(key, [1, 28, 28]);
  assert.deepEqual(layers.namedParameters(params).map(([name]) => name), [
    ...["conv.0.weight", "conv.0.bias", "conv.3.weight", "conv.3.bias"],
    ...["fc.0.weight", "fc.0.bias", "fc.2.weight", "fc.2.bias", "fc.4.weight", "fc.4.bias"],
  ]);
});

Deno.test("AlexNet has the document's feature maps", () => {
  assert.deepEqual(changes(shapes(alexNet(), [1, 224, 224], ["conv"])), [
    [1, 96, 54, 54],
    [1, 96, 26, 26],
    [1, 256, 26, 26],
    [1, 256, 12, 12],
    [1, 384, 12, 12],
    [1, 256, 12, 12],
    [1, 256, 5, 5],
  ]);
  assert.deepEqual(changes(shapes(alexNet(), [1, 224, 224], ["fc"])), [[1, 4096], [1, 10]]);
  const weights = layers.namedParameters(alexNet().init(key, [1, 224, 224]).params);
  assert.deepEqual(weights.find(([name]) => name === "fc.0.weight")![1].shape, [4096, 256 * 5 * 5]);
});

Deno.test("VGG-11 and VGG-16 have the document's feature maps", () => {
  const halved = (depth: 11 | 16) =>
    shapes(vgg({ depth }), [1, 224, 224], ["features"]).filter((shape, i, all) => i > 0 && shape[2] < all[i - 1][2]);
  const expected = [[1, 64, 112, 112], [1, 128, 56, 56], [1, 256, 28, 28], [1, 512, 14, 14], [1, 512, 7, 7]];
  assert.deepEqual(halved(11), expected);
  assert.deepEqual(halved(16), expected);
  assert.deepEqual(changes(shapes(vgg({ depth: 16 }), [1, 224, 224], ["classifier"])), [[1, 4096], [1, 10]]);
  assert.deepEqual(vggBlock({ convolutions: 2, features: 8 }).init(key, [3, 32, 32]).output, [8, 16, 16]);
});

Deno.test("ResNet-18 and DenseNet have the papers' feature maps", () => {
  assert.deepEqual(changes(shapes(resNet(), [1, 224, 224])), [
    [1, 64, 112, 112],
    [1, 64, 56, 56],
    [1, 128, 28, 28],
    [1, 256, 14, 14],
    [1, 512, 7, 7],
    [1, 512],
    [1, 10],
  ]);
  assert.deepEqual(changes(shapes(denseNet({ blocks: [4, 4, 4, 4] }), [1, 96, 96], ["features"])), [
    [1, 64, 48, 48],
    [1, 64, 24, 24],
    [1, 192, 24, 24],
    [1, 96, 12, 12],
    [1, 224, 12, 12],
    [1, 112, 6, 6],
    [1, 240, 6, 6],
    [1, 120, 3, 3],
    [1, 248, 3, 3],
  ]);
});

Deno.test("shapes are found without computing anything", () => {
  const before = compileCount();
  vgg({ depth: 16 }).init(key, [3, 224, 224]);
  assert.equal(compileCount(), before);
});

const small: readonly [string, layers.AnyLayer, readonly number[]][] = [
  ["LeNet", leNet(), [1, 28, 28]],
  ["LeNet with batch norm", leNet({ norm: true }), [1, 28, 28]],
  ["AlexNet", alexNet({ ratio: 32 }), [1, 67, 67]],
  ["VGG-11", vgg({ depth: 11, ratio: 32 }), [3, 32, 32]],
  ["VGG-16 with batch norm", vgg({ depth: 16, ratio: 32, norm: true }), [1, 32, 32]],
  ["NiN", nin({ ratio: 32 }), [1, 67, 67]],
  ["ResNet-18", resNet({ ratio: 16 }), [3, 32, 32]],
  ["DenseNet", denseNet({ blocks: [2, 2], growthRate: 4 }), [1, 32, 32]],
];

for (const [name, model, input] of small) {
  Deno.test(`${name} trains`, async () => {
    const { params, state } = model.init(key, input);
    const optimizer = optimizers.adam({ learningRate: 1e-2 });
    const x = random.normal(random.key(1), [4, ...input]);
    const labels = tensor([3, 1, 4, 1], { dtype: "i32" });
    const step = jit((p: object, s: object, o: optimizers.OptimizerState, k: random.Key) => {
      const { value, aux, grads } = valueAndGradAux((q: object) => {
        const [logits, next] = model.apply(q, s, x, layers.trainMode(k));
        return [crossEntropy(logits, labels), next];
      })(p);
      const [updates, optim] = optimizer.update(grads, o, p);
      return { value, norms: optimizers.gradientNorms(grads), state: aux, params: applyUpdates(p, updates), optim };
    });
    const losses: number[] = [];
    let now = { params, state, optim: optimizer.init(params) };
    for (let i = 0; i < 4; i++) {
      const { value, norms, ...next } = step(now.params, now.state, now.optim, random.foldIn(key, i));
      losses.push(await item(value));
      if (i === 0) await assertFinite(norms);
      now = next;
    }
    assert.ok(losses.every(Number.isFinite) && Math.min(...losses.slice(1)) < losses[0], losses.join(" "));
    const [y] = model.apply(now.params, now.state, x, layers.evalMode);
    assert.deepEqual(y.shape, [4, 10]);
  });
}

async function assertFinite(norms: Readonly<Record<string, Tensor>>, least = 5): Promise<void> {
  assert.ok(Object.keys(norms).length >= least);
  for (const [layer, norm] of Object.entries(norms)) assert.ok(await item(norm) > 0, `${layer}: ${await item(norm)}`);
}

Deno.test("the pair of a GAN has its shapes and learns from each other", async () => {
  const [draw, judge] = [generator({ features: 8 }), discriminator({ features: 4 })];
  assert.deepEqual(changes(shapes(draw, [16])), [[1, 392], [1, 8, 7, 7], [1, 4, 14, 14], [1, 1, 28, 28]]);
  assert.deepEqual(changes(shapes(judge, [1, 28, 28])), [[1, 4, 14, 14], [1, 8, 7, 7], [1, 392], [1, 1]]);
  const [g, d] = [draw.init(key, [16]), judge.init(random.key(1), [1, 28, 28])];
  const real = random.uniform(random.key(2), [4, 1, 28, 28]);
  const noise = random.normal(random.key(3), [4, 16]);
  const mode = layers.trainMode(key);
  const fake = (p: object) => draw.apply(p, g.state, noise, mode)[0];
  const score = (p: object, x: Tensor, isReal: number) =>
    binaryCrossEntropyWithLogits(judge.apply(p, d.state, x, mode)[0], full([4, 1], isReal));
  const judging = (p: object) => add(score(p, real, 1), score(p, stopGradient(fake(g.params)), 0));
  const drawing = (p: object) => score(d.params, fake(p), 1);
  for (const [loss, params] of [[judging, d.params], [drawing, g.params]] as const) {
    const step = jit((p: object) => {
      const [value, grads] = valueAndGrad(loss)(p);
      return {
        value,
        next: treeMap((x: Tensor, dx: Tensor) => sub(x, mul(0.05, dx)), p, grads),
        norms: optimizers.gradientNorms(grads),
      };
    });
    const { value, next, norms } = step(params);
    await assertFinite(norms, 4);
    assert.ok(await item(step(next).value) < await item(value));
  }
});

Deno.test("networks refuse what does not fit", () => {
  assert.throws(() => vgg({ depth: 12 as 11 }), RangeError);
  assert.throws(() => resNet({ depth: 50 as 18 }), RangeError);
  assert.throws(() => nin({ ratio: 0 }), RangeError);
  const tooSmall = () => alexNet({ ratio: 32 }).init(key, [1, 28, 28]);
  assert.throws(tooSmall, (error) => error instanceof ShapeError && error.facts.layer === "conv.5");
  const misfit = () => basicBlock({ features: 4 }).init(key, [3, 8, 8]);
  assert.throws(misfit, ShapeError);
  assert.throws(() => generator({ features: 3 }), RangeError);
});
