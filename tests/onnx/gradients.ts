/**
 * Gradients through a network that was exported and loaded again, next to those of the network itself.
 *
 * @module
 */
import assert from "node:assert/strict";
import { crossEntropy, data, grad, jit, layers, random, type Shape, type Tensor, tensor } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import { right } from "../formats/results.ts";

/** Checks that each gradient is off by at most `bound` times the largest number in it. */
export async function checkGradients(model: layers.AnyLayer, shape: Shape, bound: number): Promise<void> {
  const [initKey, x] = [random.key(1), random.normal(random.key(2), [3, ...shape])];
  const labels = tensor([1, 0, 3], { dtype: "i32" });
  const { params, state: initial } = model.init(initKey, shape);
  // Statistics of a batch instead of zeros and ones.
  const [, state] = jit((p: object, s: object) => model.apply(p, s, x, layers.trainMode(random.key(3))))(params, initial);

  const all = { params, state };
  const loss = ({ params, state }: typeof all) => crossEntropy(model.apply(params, state, x, layers.evalMode)[0], labels);
  const gradients = jit(grad(loss))(all);
  const expected = layers.stateDict(gradients.params, gradients.state);

  const f = (x: Tensor) => model.apply(params, state, x, layers.evalMode)[0];
  const named = { params: layers.stateDict(params, state), inputNames: ["x"], outputNames: ["y"] };
  const loaded = right(await onnx.load(await onnx.encode(f, [{ shape: [2, ...shape] }], named))());
  const found = jit(grad((p: onnx.NamedTensors) => crossEntropy(loaded.apply(p, { x }).y, labels)))(loaded.params);

  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
  for (const [name, wanted] of Object.entries(expected)) {
    const [a, b] = await Promise.all([wanted, found[name]].map(async (each) => Array.from(await data(each), Number)));
    assert.equal(a.length, b.length, name);
    const size = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(size > 0, `the gradient by ${name} is 0`);
    const worst = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
    assert.ok(worst <= bound * size, `the gradient by ${name} differs by ${worst / size}, relative to its largest number`);
  }
}
