/**
 * What slides over images: convolutions and pools on numbers that can be checked by hand, activations, and how large results are.
 *
 * ```sh
 * deno run examples/windows.ts
 * ```
 *
 * @module
 */
import { add, arange, conv2d, layers, maxPool2d, ones, random, relu, reshape, sigmoid, type Tensor, tensor } from "../mod.ts";
import { exampleCommand, runExample } from "./cli/example.ts";
import { runChapters, show, showRefused } from "./cli/session.ts";

const { evalMode, serial } = layers;

/** The image and the filter of the convolution, as [batch, channels, height, width] and [out, in, height, width]. */
const input = tensor([[
  [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]],
]]);
const kernel = tensor([[
  [[1, 2, 1], [0, 1, 0], [2, 1, 0]],
]]);

/** A function is a stage of a model as it is. */
async function module({ seed }: { readonly seed: number }): Promise<void> {
  const model = serial({ plusOne: (x: Tensor) => add(x, 1) });
  const { params, state } = model.init(random.key(seed), []);
  const x = tensor([1]);
  await show(() => model.apply(params, state, x, evalMode)[0]);
}

async function convolution(): Promise<void> {
  await show(
    () => [input.shape, kernel.shape],
    () => conv2d(input, kernel, { stride: 1 }),
    () => conv2d(input, kernel, { stride: 2 }),
    () => conv2d(input, kernel, { stride: 1, padding: 1 }),
  );
  await showRefused(() => conv2d(ones([1, 3, 5, 5]), kernel), () => conv2d(ones([1, 1, 2, 2]), kernel));
}

async function pooling(): Promise<void> {
  await show(
    () => maxPool2d(input, { kernel: 3 }), // the stride is that of the kernel; what is left over is left out
    () => maxPool2d(input, { kernel: 3, ceilMode: true }),
    () => maxPool2d(input, { kernel: 3, stride: 1, dilation: 2 }), // nine numbers, two apart
    () => conv2d(input, kernel, { dilation: 2 }),
  );
}

async function activations(): Promise<void> {
  const x = reshape(tensor([[1, -0.5], [-1, 3]]), [-1, 1, 2, 2]);
  await show(() => x.shape, () => relu(x), () => sigmoid(x), () => sigmoid(relu(x)));
}

async function sizes({ seed }: { readonly seed: number }): Promise<void> {
  const key = random.key(seed);
  const images = random.normal(key, [1, 5, 100, 100]);
  const conv = layers.conv2d({ features: 10, kernel: 3 });
  const { params, state, output } = conv.init(key, [5, 100, 100]);
  const nine = reshape(arange(1, 10, { dtype: "f32" }), [1, 1, 3, 3]);
  await show(
    () => images.shape,
    () => conv.apply(params, state, images, evalMode)[0].shape,
    () => output, // known before anything is computed: (100 - 3) / 1 + 1
    () => params.weight.shape,
    () => conv2d(ones([1, 1, 5, 5]), nine, { padding: 1 }),
    () => maxPool2d(ones([1, 1, 5, 5]), { kernel: 2 }),
  );
}

const command = exampleCommand("windows.ts", "Convolutions, pools and activations on numbers that can be checked by hand.");

if (import.meta.main) {
  await runExample(command, (options) =>
    runChapters(options, {
      "A module that adds 1": module,
      "Convolution": convolution,
      "Maximum pool, dilation": pooling,
      "Activations": activations,
      "Sizes": sizes,
    }));
}
