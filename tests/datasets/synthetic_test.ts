/** The digits drawn by our own code: the same for the same seed, of the form of MNIST, and tellable apart. */
import assert from "node:assert/strict";
import { hexDigest } from "../../datasets/hex_digest.ts";
import { type ImageSet, syntheticDigits } from "../../datasets/mod.ts";

Deno.test("the same seed gives the same digits, and more of them begin with the same", () => {
  const few = syntheticDigits({ seed: 3, train: 50, test: 20 });
  const many = syntheticDigits({ seed: 3, train: 80, test: 30 });
  assert.deepEqual(syntheticDigits({ seed: 3, train: 50, test: 20 }), few);
  assert.deepEqual(many.train.images.subarray(0, 50 * 784), few.train.images);
  assert.deepEqual(many.test.labels.subarray(0, 20), few.test.labels);
});

Deno.test("the digits of a seed are the same on every machine", async () => {
  const { train } = syntheticDigits({ seed: 0, train: 1000, test: 0 });
  assert.equal(
    await hexDigest("sha256", new Uint8Array(train.images)),
    "f3cd3d65f0e02e94c72e82599c9f011583c622d272c63d98bbfc9b0617864b11",
  );
  assert.deepEqual([...train.labels.subarray(0, 10)], [6, 7, 9, 8, 8, 8, 7, 3, 0, 8]);
});

Deno.test("other seeds, and training and test, give other digits", () => {
  const first = syntheticDigits({ seed: 0, train: 50, test: 50 });
  assert.notDeepEqual(syntheticDigits({ seed: 1, train: 50, test: 0 }).train.images, first.train.images);
  assert.notDeepEqual(first.test.images, first.train.images);
});

Deno.test("digits have the form of MNIST", () => {
  const { name, train, test } = syntheticDigits({ train: 3000, test: 0 });
  assert.equal(name, "synthetic digits");
  assert.deepEqual([train.count, train.shape, train.classes, test.count], [3000, [1, 28, 28], 10, 0]);
  assert.equal(train.images.length, 3000 * 784);
  for (let digit = 0; digit < 10; digit++) {
    const count = train.labels.filter((label) => label === digit).length;
    assert.ok(Math.abs(count - 300) < 80, `${count} of digit ${digit}`);
  }
  for (let i = 0; i < train.count; i++) {
    const image = train.images.subarray(i * 784, (i + 1) * 784);
    const bright = image.filter((pixel) => pixel > 128).length;
    assert.ok(bright >= 8 && bright < 350, `${bright} bright pixels in image ${i}`);
  }
  const mean = train.images.reduce((sum, pixel) => sum + pixel, 0) / train.images.length / 255;
  assert.ok(mean > 0.07 && mean < 0.14, `mean ${mean}`);
});

Deno.test("numbers of digits that mean nothing are refused", () => {
  for (const train of [-1, 1.5, NaN]) assert.throws(() => syntheticDigits({ train, test: 0 }), RangeError);
  assert.throws(() => syntheticDigits({ seed: 0.5, train: 1, test: 1 }), RangeError);
});

/** The share of test images that have the label of the training image nearest to them. */
function nearestNeighbour(train: ImageSet, test: ImageSet): number {
  let right = 0;
  for (let i = 0; i < test.count; i++) {
    let best = 0, least = Infinity;
    for (let j = 0; j < train.count; j++) {
      let distance = 0;
      for (let p = 0; p < 784 && distance < least; p++) distance += (test.images[i * 784 + p] - train.images[j * 784 + p]) ** 2;
      if (distance < least) least = distance, best = train.labels[j];
    }
    if (best === test.labels[i]) right++;
  }
  return right / test.count;
}

Deno.test("digits can be classified, but not by a few examples alone", () => {
  const { train, test } = syntheticDigits({ seed: 0, train: 2000, test: 200 });
  const share = nearestNeighbour(train, test);
  assert.ok(share > 0.5 && share < 0.97, `${share}`);
});
