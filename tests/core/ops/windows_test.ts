/**
 * Functions on windows and within examples that are made of other operations: the laws, special points, sizes and errors. (Values and gradients
 * against PyTorch: tests/parity/.)
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  CotangentError,
  data,
  globalAvgPool2d,
  grad,
  groupNorm,
  instanceNorm,
  interpolate,
  layerNorm,
  maxPool1d,
  maxPool2d,
  reshape,
  sum,
  type Tensor,
  tensor,
  toArray,
  vmap,
  zeros,
} from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { testOnDevices } from "../../support/each_device.ts";
import { testSubjects } from "../../support/each_subject.ts";
import type { Subject } from "../../support/laws.ts";
import type { Input } from "../../support/op_cases.ts";

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

const subjects: readonly Subject[] = [
  subject(
    "conv1d with bias",
    [float(2, 2, 7), float(4, 1, 3), float(4)],
    (x, weight, bias) => conv1d(x, weight, { bias, stride: 2, padding: [2, 0], groups: 2 }),
  ),
  subject("conv2d to the same size", [float(1, 2, 4, 5), float(2, 2, 2, 3)], (x, weight) => {
    return conv2d(x, weight, { padding: "same", dilation: [1, 2] });
  }),
  subject(
    "convTranspose2d with bias",
    [float(2, 4, 3, 2), float(4, 1, 3, 3), float(2)],
    (x, weight, bias) => convTranspose2d(x, weight, { bias, stride: 2, padding: 1, outputPadding: [1, 0], groups: 2 }),
  ),
  subject("convTranspose1d", [float(1, 2, 4), float(2, 3, 2)], (x, weight) => {
    return convTranspose1d(x, weight, { stride: 3, padding: [0, 1] });
  }),
  subject("maxPool1d", [float(2, 2, 7)], (x) => maxPool1d(x, { kernel: 3, stride: 2, ceilMode: true, padding: 1 })),
  subject("avgPool1d", [float(2, 2, 7)], (x) => avgPool1d(x, { kernel: 3, stride: 2, ceilMode: true, padding: 1 })),
  subject("avgPool2d with a divisor", [float(1, 2, 5, 4)], (x) => {
    return avgPool2d(x, { kernel: [3, 2], stride: 2, padding: 1, ceilMode: true, divisorOverride: 3 });
  }),
  subject("adaptiveAvgPool2d, windows alike", [float(2, 2, 4, 6)], (x) => adaptiveAvgPool2d(x, [2, 3])),
  subject("adaptiveAvgPool2d, windows of several sizes", [float(1, 2, 5, 4)], (x) => adaptiveAvgPool2d(x, [3, 6])),
  subject("adaptiveMaxPool2d", [float(1, 2, 5, 4)], (x) => adaptiveMaxPool2d(x, 3)),
  subject("globalAvgPool2d", [float(2, 3, 2, 4)], (x) => globalAvgPool2d(x, { keepDims: true })),
  subject("interpolate, nearest", [float(1, 2, 3, 4)], (x) => interpolate(x, { size: [6, 3] })),
  subject("interpolate, bilinear", [float(1, 2, 3, 2)], (x) => interpolate(x, { scaleFactor: [1.5, 2], mode: "bilinear" })),
  subject(
    "layerNorm over the last axes",
    [float(2, 3, 4), float(3, 4), float(3, 4)],
    (x, weight, bias) => layerNorm(x, { axis: [1, 2], weight, bias }),
  ),
  subject(
    "layerNorm over the channels of images",
    [float(2, 3, 2, 2), float(3)],
    (x, weight) => layerNorm(x, { axis: 1, weight }),
  ),
  subject(
    "groupNorm",
    [float(2, 4, 3), float(4), float(4)],
    (x, weight, bias) => groupNorm(x, { groups: 2, weight, bias, epsilon: 1e-2 }),
  ),
  subject("instanceNorm", [float(2, 2, 2, 3)], (x) => instanceNorm(x)),
];

testSubjects(subjects);

const inf = Infinity;
const row = (...values: number[]) => tensor([[[values]]]);
const signal = (...values: number[]) => tensor([[values]]);

testOnDevices("windows at special points", async () => {
  const cases: readonly [string, Tensor, number[]][] = [
    ["an infinity and a NaN stay in their windows", adaptiveAvgPool2d(row(1, inf, 3, 4, NaN), [1, 3]), [inf, inf, NaN]],
    ["also in the next one", adaptiveAvgPool2d(row(inf, 1, 1, 3, 5), [1, 3]), [inf, 5 / 3, 4]],
    ["NaN is the largest", adaptiveMaxPool2d(row(1, 2, NaN, 4, 3), [1, 2]), [NaN, NaN]],
    ["the largest of -inf", adaptiveMaxPool2d(row(-inf, -inf, -1), [1, 2]), [-inf, -1]],
    ["more windows than elements", adaptiveAvgPool2d(row(1, 2), [1, 5]), [1, 1, 1.5, 2, 2]],
    ["maxPool1d of negatives with padding", maxPool1d(signal(-5, -6), { kernel: 2, padding: 1 }), [-5, -6]],
    [
      "padding of half of what a spread window covers",
      maxPool1d(signal(1, 2, 3), {
        kernel: 2,
        dilation: 3,
        padding: 2,
        stride: 1,
      }),
      [2, 3, 1, 2],
    ],
    ["avgPool1d without the padding", avgPool1d(signal(4, 6), { kernel: 2, padding: 1, countIncludePad: false }), [4, 6]],
    ["the mean of a pixel", globalAvgPool2d(row(7)), [7]],
    ["integers", globalAvgPool2d(tensor([[[[1, 2]]]], { dtype: "i32" })), [1.5]],
    ["layerNorm of equals", layerNorm(tensor([[3, 3, 3]])), [0, 0, 0]],
    ["layerNorm of large numbers", layerNorm(tensor([[1e6, 1e6 + 2]])), [-1, 1]],
    ["layerNorm of one element", layerNorm(tensor([[5]]), { bias: tensor([2]) }), [2]],
    ["groupNorm of one element a group", groupNorm(tensor([[5, 7]]), { groups: 2 }), [0, 0]],
  ];
  for (const [name, x, expected] of cases) {
    assertClose(await data(x), expected, { relative: 1e-5, absolute: 1e-5 }, name);
  }
  const slopes: readonly [string, (x: Tensor) => Tensor, number[], number[]][] = [
    ["adaptiveMaxPool2d chooses the first", (x) => adaptiveMaxPool2d(x, [1, 2]), [3, 3, 3], [1, 1, 0]],
    ["though windows are filled up", (x) => adaptiveMaxPool2d(x, [1, 3]), [1, 2, 2, 2, 2], [0, 2, 0, 1, 0]],
    ["adaptiveAvgPool2d shares", (x) => adaptiveAvgPool2d(x, [1, 2]), [1, 2, 3], [0.5, 1, 0.5]],
  ];
  for (const [name, f, at, expected] of slopes) {
    assertClose(await data(grad((x: Tensor) => sum(f(x)))(row(...at))), expected, { relative: 1e-6, absolute: 0 }, name);
  }
});

Deno.test("vmap over the channels of a convolution's input", async () => {
  const x = tensor([[1, 2, 3, 4], [5, 6, 7, 8]]);
  const smooth = (s: Tensor) => reshape(conv1d(reshape(s, [1, 1, 4]), signal(1, 1)), [3]);
  assert.deepEqual(await toArray(vmap(smooth)(x)), [[3, 5, 7], [11, 13, 15]]);
});

Deno.test("a transposed convolution goes back to each of the sizes that its convolution makes the same of", () => {
  for (const size of [7, 8, 9]) {
    for (const [kernel, stride, padding, dilation] of [[3, 2, 1, 1], [4, 3, 0, 1], [2, 4, 0, 1], [3, 3, 2, 2]]) {
      const options = { stride, padding, dilation };
      const small = conv1d(zeros([1, 2, size]), zeros([3, 2, kernel]), options);
      const outputPadding = (size + 2 * padding - dilation * (kernel - 1) - 1) % stride;
      const back = convTranspose1d(small, zeros([3, 2, kernel]), { ...options, outputPadding });
      assert.deepEqual(back.shape, [1, 2, size], JSON.stringify({ size, kernel, ...options }));
    }
  }
});

const x4 = zeros([1, 4, 5, 6]);
const x3 = zeros([1, 4, 6]);

const refused: readonly [() => unknown, abstract new (...args: never[]) => Error, string][] = [
  [
    () => conv2d(zeros([4, 5, 6]), zeros([2, 4, 3, 3])),
    CotangentError,
    "Cannot apply conv2d to input [4, 5, 6]: it needs 4 axes " +
    "[batch, channels, height, width], add one with reshape(x, [4, 1, 5, 6])",
  ],
  [
    () => conv1d(x4, zeros([2, 4, 3])),
    CotangentError,
    "Cannot apply conv1d to input [1, 4, 5, 6]: it needs 3 axes " +
    "[batch, channels, length]",
  ],
  [
    () => conv1d(x3, zeros([2, 4])),
    CotangentError,
    "Cannot apply conv1d with weight [2, 4]: it needs 3 axes " +
    "[output channels, channels / groups, length]",
  ],
  [
    () => conv1d(x3, zeros([2, 3, 3])),
    CotangentError,
    "Cannot apply conv1d to input [1, 4, 6] with weight [2, 3, 3]: " +
    "the input has 4 channels, the weight takes 3",
  ],
  [
    () => conv2d(zeros([1, 8, 9, 3]), zeros([2, 3, 2, 2])),
    CotangentError,
    "Cannot apply conv2d to input [1, 8, 9, 3] with weight [2, 3, 2, 2]: the input has 8 channels, the weight takes 3; " +
    "channels are axis 1, not the last: permute(x, [0, 3, 1, 2])",
  ],
  [
    () => convTranspose1d(zeros([1, 8, 3]), zeros([3, 2, 2])),
    CotangentError,
    "Cannot apply convTranspose1d to input [1, 8, 3] with weight [3, 2, 2]: the input has 8 channels, the weight takes 3; " +
    "channels are axis 1, not the last: permute(x, [0, 2, 1])",
  ],
  [
    () => conv1d(x3, zeros([2, 4, 4]), { dilation: 2 }),
    CotangentError,
    "Cannot apply conv1d with kernel [4] to input [1, 4, 6]: " +
    "the window (with its dilation) is larger than the padded input",
  ],
  [
    () => conv2d(x4, zeros([3, 2, 3, 3]), { groups: 2 }),
    CotangentError,
    "Cannot apply conv2d to input [1, 4, 5, 6] with weight " +
    "[3, 2, 3, 3] and 2 groups: the input has 4 channels, the weight takes 4, and 3 output channels are not divisible by 2",
  ],
  [
    () => conv2d(x4, zeros([2, 4, 0, 3])),
    CotangentError,
    "Cannot apply conv2d with weight [2, 4, 0, 3]: it needs 4 axes " +
    "[output channels, channels / groups, height, width], and at least one tap",
  ],
  [
    () => conv2d(x4, zeros([2, 4, 3, 3]), { bias: zeros([3]) }),
    CotangentError,
    "Cannot add bias [3] to 2 output channels: " +
    "it needs one number each, [2]",
  ],
  [
    () => conv2d(x4, zeros([2, 4, 3, 3]), { padding: "same", stride: 2 }),
    RangeError,
    'padding "same" needs stride 1, ' +
    "but the stride is 2",
  ],
  [
    () => conv2d(x4, zeros([2, 4, 3, 3]), { padding: "full" as "same" }),
    RangeError,
    "padding must be an integer from 0 to 2147483647, " +
    'or [vertical, horizontal] of them or of pairs [before, after], but is "full"',
  ],
  [
    () => conv2d(x4, zeros([2, 4, 3, 3]), { stride: [0, 1] }),
    RangeError,
    "stride must be an integer from 1 to 2147483647, or two of them, " +
    "but is [0, 1]",
  ],
  [() => conv1d(x3, zeros([2, 4, 3]), { stride: 0 }), RangeError, "stride must be an integer from 1 to 2147483647, but is 0"],
  [
    () => convTranspose2d(x4, zeros([3, 2, 3, 3])),
    CotangentError,
    "Cannot apply convTranspose2d to input [1, 4, 5, 6] with weight " +
    "[3, 2, 3, 3]: the input has 4 channels, the weight takes 3",
  ],
  [
    () => convTranspose2d(x4, zeros([4, 2, 3, 3]), { groups: 3 }),
    CotangentError,
    "Cannot apply convTranspose2d to input " +
    "[1, 4, 5, 6] with weight [4, 2, 3, 3]: 4 channels are not divisible by 3 groups",
  ],
  [
    () => convTranspose1d(zeros([1, 2, 1]), zeros([2, 3, 2]), { padding: 1 }),
    CotangentError,
    "Cannot apply convTranspose1d to input " +
    "[1, 2, 1] with weight [2, 3, 2]: there would be nothing left, an output of extents [0]",
  ],
  [
    () => convTranspose2d(x4, zeros([4, 2, 3, 3]), { stride: 2, outputPadding: 2 }),
    RangeError,
    "outputPadding must be less than " +
    "the stride (2) or the dilation (1), but is 2",
  ],
  [
    () => maxPool2d(x4, { kernel: 6 }),
    CotangentError,
    "Cannot apply maxPool2d with kernel [6, 6] to input [1, 4, 5, 6]: " +
    "the window (with its dilation) is larger than the padded input",
  ],
  [
    () => maxPool2d(x4, { kernel: 2, padding: [0, 2] }),
    RangeError,
    "padding must be at most half of the 2 elements that the window " +
    "covers, but is 2",
  ],
  [
    () => maxPool2d(zeros([1, 2, 0, 5]), { kernel: 1 }),
    CotangentError,
    "Cannot apply maxPool2d to input [1, 2, 0, 5]: " +
    "there is no element in it",
  ],
  [
    () => maxPool1d(x3, { kernel: 7 }),
    CotangentError,
    "Cannot apply maxPool1d with kernel [7] to input [1, 4, 6]: " +
    "the window (with its dilation) is larger than the padded input",
  ],
  [() => maxPool1d(x3, { kernel: 1.5 }), RangeError, "kernel must be an integer from 1 to 2147483647, but is 1.5"],
  [() => avgPool2d(x4, { kernel: 2, divisorOverride: 0 }), RangeError, "divisorOverride must be finite and not 0, but is 0"],
  [() => adaptiveAvgPool2d(x4, 0), RangeError, "size must be an integer of at least 1, or two of them, but is 0"],
  [
    () => adaptiveMaxPool2d(x3, 2),
    CotangentError,
    "Cannot apply adaptiveMaxPool2d to input [1, 4, 6]: it needs 4 axes " +
    "[batch, channels, height, width], add one with reshape(x, [1, 1, 4, 6])",
  ],
  [
    () => globalAvgPool2d(zeros([1, 2, 3, 0])),
    CotangentError,
    "Cannot apply globalAvgPool2d to input [1, 2, 3, 0]: " +
    "there is no element in it",
  ],
  [() => interpolate(x4, {}), RangeError, "Cannot interpolate: it needs either a size or a scaleFactor"],
  [() => interpolate(x4, { size: 2, scaleFactor: 2 }), RangeError, "Cannot interpolate: it needs either a size or a scaleFactor"],
  [() => interpolate(x4, { scaleFactor: [2, -1] }), RangeError, "scaleFactor must be positive and finite, but is -1"],
  [
    () => interpolate(x4, { size: 2, mode: "cubic" as never }),
    RangeError,
    'mode must be "nearest" or "bilinear", but is "cubic"',
  ],
  [
    () => interpolate(x4, { scaleFactor: 0.1 }),
    CotangentError,
    "Cannot interpolate images [1, 4, 5, 6] to size [0, 0]: " +
    "there is no element",
  ],
  [() => layerNorm(x3, { axis: 3 }), CotangentError, "Cannot apply layerNorm along axis 3: the tensor has 3 axes"],
  [
    () => layerNorm(x3, { weight: zeros([4]) }),
    CotangentError,
    "Cannot apply layerNorm to input [1, 4, 6]: its weight must be [6], " +
    "but is [4]",
  ],
  [() => layerNorm(x3, { epsilon: -1 }), RangeError, "epsilon must be positive and finite, but is -1"],
  [
    () => groupNorm(x3, { groups: 3 }),
    CotangentError,
    "Cannot apply groupNorm to input [1, 4, 6]: its 4 channels are not divisible by " +
    "3 groups",
  ],
  [
    () => groupNorm(zeros([3]), { groups: 1 }),
    CotangentError,
    "Cannot apply groupNorm to input [3]: it needs axes " +
    "[batch, channels, ...]",
  ],
  [
    () => instanceNorm(zeros([2, 3, 1, 1])),
    CotangentError,
    "Cannot apply instanceNorm to input [2, 3, 1, 1]: it needs at least two " +
    "elements per channel for a variance",
  ],
  [
    () => instanceNorm(zeros([2])),
    CotangentError,
    "Cannot apply instanceNorm to input [2]: it needs axes [batch, channels, ...]",
  ],
];

Deno.test("what does not fit is refused at once, with the reason", () => {
  for (const [run, kind, message] of refused) {
    assert.throws(run, (error: Error) => {
      assert.equal(error.message, message);
      return error instanceof kind;
    });
  }
});
