/**
 * The numbers of five notes about convolutional networks (in PyTorch) that this toolkit has to be able to follow, example by example: what they
 * print, or what PyTorch gives for their inputs where they print nothing. A row's number is the note's and the example's in it.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  arange,
  cast,
  conv2d,
  data,
  layers,
  maxPool2d,
  ones,
  random,
  relu,
  reshape,
  sum,
  type Tensor,
  tensor,
  toArray,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { testOnDevices } from "../support/each_device.ts";

const key = random.key(0);

/** One image of one channel. */
const image = (rows: number[][]): Tensor => reshape(tensor(rows), [1, 1, rows.length, rows[0].length]);

async function assertImage(x: Tensor, rows: number[][]): Promise<void> {
  assert.deepEqual(await toArray(x), [[rows]]);
}

testOnDevices("0.4: a convolution to 32 channels on the numbers 1 to 25, and relu", async () => {
  const x = reshape(cast(arange(1, 26), "f32"), [1, 1, 5, 5]);
  const conv = layers.conv2d({ features: 32, kernel: 3, stride: 1 });
  const { params, state, output } = conv.init(key, [1, 5, 5]);
  assert.deepEqual(output, [32, 3, 3]);
  const [y] = conv.apply(params, state, x, layers.evalMode);
  assert.deepEqual(y.shape, [1, 32, 3, 3]);
  // As in the note's tables: a step to the right adds the sum of the filter, a step down five times that.
  const steps = await data(sum(params.weight, { axis: [1, 2, 3] }));
  const values = await data(y);
  const expected = Array.from(values, (_, i) => {
    const channel = Math.floor(i / 9);
    return values[9 * channel] + steps[channel] * (i % 3 + 5 * (Math.floor(i / 3) % 3));
  });
  assertClose(values, expected, { relative: 1e-5, absolute: 1e-4 }, "a table per channel");
  assert.ok(values.some((v) => v < 0) && values.some((v) => v > 0));
  assert.deepEqual(await data(relu(y)), values.map((v) => Math.max(v, 0)));
  const printed = tensor([
    [[6.9225, 7.8138, 8.7051], [11.379, 12.27, 13.162], [15.836, 16.727, 17.618]],
    [[-0.68776, -0.87886, -1.0699], [-1.6432, -1.8343, -2.0254], [-2.5987, -2.7898, -2.9809]],
  ]);
  const zeroed = [6.9225, 7.8138, 8.7051, 11.379, 12.2703, 13.1616, 15.8355, 16.7268, 17.6181, ...Array(9).fill(0)];
  assertClose(await data(relu(printed)), zeroed, { relative: 5e-5, absolute: 0 }, "as printed");
});

const input = image([[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]);
const kernel = image([[1, 2, 1], [0, 1, 0], [2, 1, 0]]);

testOnDevices("3.5: conv2d with stride 1, stride 2, and padding 1", async () => {
  await assertImage(conv2d(input, kernel, { stride: 1 }), [[10, 12, 12], [18, 16, 16], [13, 9, 3]]);
  await assertImage(conv2d(input, kernel, { stride: 2 }), [[10, 12], [13, 3]]);
  await assertImage(conv2d(input, kernel, { stride: 1, padding: 1 }), [
    [1, 3, 4, 10, 8],
    [5, 10, 12, 12, 6],
    [7, 18, 16, 16, 8],
    [11, 13, 9, 3, 4],
    [14, 13, 9, 7, 4],
  ]);
});

testOnDevices("3.6: max-pool of kernel 3 with and without ceil mode, and dilation", async () => {
  await assertImage(maxPool2d(input, { kernel: 3, ceilMode: true }), [[2, 3], [5, 1]]);
  await assertImage(maxPool2d(input, { kernel: 3, ceilMode: false }), [[2]]);
  await assertImage(maxPool2d(input, { kernel: 2, dilation: 2 }), [[1, 1], [2, 1]]);
  const batch = ones([64, 3, 32, 32]);
  assert.deepEqual(maxPool2d(batch, { kernel: 3 }).shape, [64, 3, 10, 10]);
  assert.deepEqual(maxPool2d(batch, { kernel: 3, ceilMode: true }).shape, [64, 3, 11, 11]);
});

Deno.test("3.5: a layer of 6 channels on CIFAR-10's images", () => {
  const { output } = layers.conv2d({ features: 6, kernel: 3, stride: 1, padding: 0 }).init(key, [3, 32, 32]);
  assert.deepEqual(output, [6, 30, 30]);
});

testOnDevices("4.11: shapes of a convolution, padding, and max-pool", async () => {
  const conv = layers.conv2d({ features: 10, kernel: 3 });
  const { params, output } = conv.init(key, [5, 100, 100]);
  assert.deepEqual([output, params.weight.shape], [[10, 98, 98], [10, 5, 3, 3]]);
  const filter = reshape(cast(arange(1, 10), "f32"), [1, 1, 3, 3]);
  await assertImage(conv2d(ones([1, 1, 5, 5]), filter, { padding: 1 }), [
    [28, 39, 39, 39, 24],
    [33, 45, 45, 45, 27],
    [33, 45, 45, 45, 27],
    [33, 45, 45, 45, 27],
    [16, 21, 21, 21, 12],
  ]);
  await assertImage(maxPool2d(ones([1, 1, 5, 5]), { kernel: 2 }), [[1, 1], [1, 1]]);
});
