/**
 * Windows of any numbers: an error of ours, or a result that is right on every device, and either of them soon.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  avgPool1d,
  conv1d,
  convTranspose1d,
  data,
  grad,
  maxPool1d,
  mul,
  setDevice,
  ShapeError,
  sum,
  type Tensor,
  tensor,
} from "../../../mod.ts";
import { assertClose } from "../../support/close.ts";
import { deviceNames } from "../../support/each_device.ts";
import { isLong } from "../../support/share.ts";

const x = tensor([[[1, -2, 4, 0.5, 3]]]);
const filter = tensor([[[2, 3]]]);

/** The derivatives of weighted outputs by the first argument. */
function slope(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return grad((at: Tensor) => {
    const y = f(at);
    return sum(mul(y, y));
  });
}

const half = (n: number) => Math.floor(n / 2);

/** Functions of windows by one of their numbers; results stay small whatever it is. */
const functions: Readonly<Record<string, (n: number) => Tensor>> = {
  "stride of conv1d": (n) => conv1d(x, filter, { stride: n }),
  "its derivative": (n) => slope((x) => conv1d(x, filter, { stride: n }))(x),
  "dilation of conv1d": (n) => conv1d(x, filter, { dilation: n }),
  "padding of convTranspose1d": (n) => convTranspose1d(x, filter, { padding: n }),
  "outputPadding of convTranspose1d": (n) => convTranspose1d(x, filter, { outputPadding: n }),
  "kernel of maxPool1d": (n) => maxPool1d(x, { kernel: n }),
  "kernel of maxPool1d in ceil mode": (n) => maxPool1d(x, { kernel: n, ceilMode: true }),
  "kernel and padding of maxPool1d": (n) => maxPool1d(x, { kernel: n, padding: half(n), stride: 2 }),
  "their derivative in maxPool1d": (n) => slope((x) => maxPool1d(x, { kernel: n, padding: half(n), stride: 2 }))(x),
  "kernel and padding in ceil mode": (n) => maxPool1d(x, { kernel: n, padding: half(n), ceilMode: true }),
  "dilation of maxPool1d": (n) => maxPool1d(x, { kernel: 2, dilation: n, padding: half(n) }),
  "derivative of spread windows": (n) => slope((x) => maxPool1d(x, { kernel: 3, dilation: n, padding: n, stride: 1 }))(x),
  "stride of maxPool1d": (n) => maxPool1d(x, { kernel: 2, stride: n, ceilMode: true }),
  "kernel and padding of avgPool1d": (n) => avgPool1d(x, { kernel: n, padding: half(n), stride: 2 }),
  "without the padding": (n) => avgPool1d(x, { kernel: n, padding: half(n), stride: 2, countIncludePad: false }),
  "their derivative in avgPool1d": (n) =>
    slope((x) => avgPool1d(x, { kernel: n, padding: half(n), stride: 2, countIncludePad: false }))(x),
  "stride of avgPool1d": (n) => avgPool1d(x, { kernel: 2, stride: n, ceilMode: true }),
};

/** Those that may copy an image with its padding, which takes time and memory where that is long. */
const copying: typeof functions = {
  "stride and padding of conv1d": (n) => conv1d(x, filter, { stride: n, padding: n }),
  "their derivative": (n) => slope((x) => conv1d(x, filter, { stride: n, padding: n }))(x),
  "their derivative by the filter": (n) => slope((w) => conv1d(x, w, { stride: n, padding: n }))(filter),
  "dilation and padding of conv1d": (n) => conv1d(x, filter, { dilation: n, padding: [half(n), n - half(n)] }),
  "derivative by the input of a spread filter": (n) => slope((x) => conv1d(x, filter, { dilation: n, padding: [n, 0] }))(x),
  "stride and padding of convTranspose1d": (n) => convTranspose1d(x, filter, { stride: n, padding: [2 * n, 2 * n - 1] }),
  "dilation and padding of convTranspose1d": (n) => convTranspose1d(x, filter, { dilation: n, padding: [n, 0] }),
};

const whole = [1, 2, 3, 7, 70, 1000, 2 ** 20, 2 ** 29 + 1, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 53];
const others = [-1, 0.5, NaN, Infinity, -Infinity];

async function outcome(f: (n: number) => Tensor, n: number): Promise<Float32Array | Error> {
  try {
    return await data(f(n)) as Float32Array;
  } catch (error) {
    assert.ok(error instanceof RangeError || error instanceof ShapeError, `${error}`);
    assert.match(error.message, /^Cannot apply|must be/);
    return error;
  }
}

for (const [name, f] of Object.entries({ ...functions, ...copying })) {
  Deno.test(`windows of any numbers: ${name}`, async () => {
    for (const [i, n] of whole.entries()) {
      if (name in copying && n > 2 ** 20 && n < 2 ** 31) continue;
      const found: (Float32Array | Error)[] = [];
      // Each number is a shader.
      for (const device of deviceNames.filter((each) => isLong || each !== "webgpu" || i % 3 === 1)) {
        await setDevice(device);
        found.push(await outcome(f, n));
      }
      const [expected, ...rest] = found;
      for (const values of rest) {
        if (expected instanceof Error) assert.equal(`${values}`, `${expected}`);
        else {
          assert.ok(!(values instanceof Error), `${n}: ${values}`);
          assertClose(values, expected, { relative: 1e-5, absolute: 1e-6 }, `${name} ${n}`);
        }
      }
      if (n >= 2 ** 31) assert.ok(expected instanceof RangeError, `${name} ${n}: ${expected}`);
    }
    for (const n of others) assert.ok(await outcome(f, n) instanceof RangeError, `${name} ${n}`);
  });
}
