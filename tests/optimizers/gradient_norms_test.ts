/**
 * Gradients that vanish and explode are seen by layer, and what mends them is seen, too.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  data,
  grad,
  item,
  jit,
  layers,
  mean,
  mul,
  optimizers,
  random,
  relu,
  setDevice,
  sigmoid,
  type Tensor,
  tensor,
} from "../../mod.ts";

await setDevice("reference");

const { evalMode, initializers, linear, residual, serial } = layers;
const { gradientNorms } = optimizers;
const key = random.key(0);

/** Norms of the gradients of the first and the last of `depth` like layers. */
async function ends(block: layers.Stage, depth = 12): Promise<[number, number]> {
  const stages = Object.fromEntries(Array.from({ length: depth }, (_, i) => [`block${i}`, block]));
  const model: layers.AnyLayer = serial(stages);
  const { params, state } = model.init(key, [16]);
  const x = random.normal(random.key(1), [8, 16]);
  const loss = (p: object) => {
    const [y] = model.apply(p, state, x, evalMode);
    return mean(mul(y, y));
  };
  const norms = Object.values(gradientNorms(grad(loss)(params)));
  assert.equal(norms.length, depth);
  return [await item(norms[0]), await item(norms[depth - 1])];
}

Deno.test("gradients through sigmoids vanish; residual connections mend it", async () => {
  const [first, last] = await ends(serial({ fc: linear({ features: 16 }), sigmoid }));
  assert.ok(first < 1e-6 * last, `${first} ${last}`);
  const [mended, end] = await ends(residual({ fc: linear({ features: 16 }), sigmoid }));
  assert.ok(mended > 0.01 * end, `${mended} ${end}`);
});

Deno.test("gradients through large weights explode; He's numbers mend it", async () => {
  const start = (weightInit: layers.Initializer) => serial({ fc: linear({ features: 16, weightInit }), relu });
  const [first, last] = await ends(start(initializers.normal({ std: 2 })));
  assert.ok(first > 1e6, `${first} ${last}`);
  const [mended] = await ends(start(initializers.heNormal()));
  assert.ok(mended > 1e-3 && mended < 1e3, `${mended}`);
});

Deno.test("norms by layer or by tensor, inside jit too", async () => {
  const grads = {
    body: { fc: { weight: tensor([[3]]), bias: tensor([4]) } },
    head: { weight: tensor([2, 0]) },
    scale: tensor(5),
  };
  const found = async (norms: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(await Promise.all(Object.entries(norms).map(async ([name, x]) => [name, (await data(x))[0]] as const)));
  const byLayer = { "body.fc": 5, head: 2, "": 5 };
  assert.deepEqual(await found(gradientNorms(grads)), byLayer);
  assert.deepEqual(await found(jit((g: typeof grads) => gradientNorms(g))(grads)), byLayer);
  assert.deepEqual(await found(gradientNorms(grads, { per: "tensor" })), {
    "body.fc.weight": 3,
    "body.fc.bias": 4,
    "head.weight": 2,
    scale: 5,
  });
});
