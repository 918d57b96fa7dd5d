/** Parsing IDX files and unpacking gzip: what is right comes through, and what is wrong is named. */
import assert from "node:assert/strict";
import { unpack } from "../../datasets/gzip.ts";
import { parseIdx, parseImageSet } from "../../datasets/idx.ts";
import { fc } from "../../dev_deps.ts";
import { gzip, idxBytes, imageFile, labelFile, left, right } from "./fixtures.ts";

Deno.test("parseIdx gives back the shape and the elements", () => {
  const arrays = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 4 }).chain((shape) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return fc.tuple(fc.constant(shape), fc.uint8Array({ minLength: size, maxLength: size }));
  });
  fc.assert(fc.property(arrays, ([shape, data]) => {
    const parsed = right(parseIdx(idxBytes(shape, data), shape.length, "file"));
    assert.deepEqual(parsed.shape, shape);
    assert.deepEqual([...parsed.data], [...data]);
  }));
});

Deno.test("parseIdx reads a view that does not start at its buffer's start", () => {
  const file = idxBytes([3], [7, 8, 9]);
  const buffer = new Uint8Array(file.length + 5);
  buffer.set(file, 5);
  assert.deepEqual([...right(parseIdx(buffer.subarray(5), 1, "file")).data], [7, 8, 9]);
});

Deno.test("parseIdx refuses every file that is not whole", () => {
  const file = idxBytes([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  for (let length = 0; length < file.length; length++) left(parseIdx(file.slice(0, length), 3, "file"), "Format");
});

Deno.test("parseIdx names what is wrong", () => {
  const labels = idxBytes([3], [0, 1, 2]);
  const changed = (offset: number, value: number) => labels.with(offset, value);
  const cases: readonly [bytes: Uint8Array, axes: number, reason: RegExp][] = [
    [new Uint8Array(0), 1, /0 bytes/],
    [changed(0, 0x1f), 1, /starts with 0x1f000801, not with 0x00000801/],
    [changed(2, 0x0d), 1, /32-bit floats/],
    [changed(2, 0x42), 1, /starts with 0x00004201/],
    [labels, 3, /has 1 axes \(it starts with 0x00000801\), not 3/],
    [labels.slice(0, 6), 1, /within its header of 8/],
    [labels.slice(0, 10), 1, /cut short: shape \[3\] needs 3 bytes after the header, there are 2/],
    [new Uint8Array([...labels, 9, 9]), 1, /2 bytes follow the 3 of shape \[3\]/],
    [idxBytes([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], []), 3, /cut short/],
  ];
  for (const [bytes, axes, reason] of cases) {
    const error = left(parseIdx(bytes, axes, "labels.idx"), "Format");
    assert.match(error.message, reason);
    assert.equal(error.file, "labels.idx");
  }
});

Deno.test("parseImageSet refuses images and labels that do not belong together", () => {
  const set = (images: Uint8Array, labels: Uint8Array) =>
    parseImageSet({ file: "images", bytes: images }, { file: "labels", bytes: labels }, [1, 28, 28], 10);
  const whole = right(set(imageFile(12), labelFile(12)));
  assert.equal(whole.count, 12);
  assert.deepEqual([...whole.labels], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  assert.equal(whole.images.length, 12 * 784);

  assert.match(left(set(imageFile(3), labelFile(4)), "Format").message, /4 labels for the 3 images of images/);
  assert.match(left(set(idxBytes([1, 27, 28], new Uint8Array(27 * 28)), labelFile(1)), "Format").message, /27 x 28, not 28 x 28/);
  assert.match(left(set(imageFile(2), idxBytes([2], [3, 10])), "Format").message, /label 10 at index 1 is above 9/);
  assert.equal(left(set(labelFile(2), labelFile(2)), "Format").file, "images");
  assert.equal(left(set(imageFile(2), imageFile(2)), "Format").file, "labels");
  assert.equal(right(set(idxBytes([0, 28, 28], []), idxBytes([0], []))).count, 0);
});

Deno.test("unpack gives back what was packed, and leaves what was not", async () => {
  const bytes = imageFile(2);
  assert.deepEqual(right(await unpack(await gzip(bytes), "file")()), bytes);
  assert.equal(right(await unpack(bytes, "file")()), bytes);
});

Deno.test("unpack refuses a gzip stream that is cut short, damaged or followed by other bytes", async () => {
  const bytes = labelFile(500);
  const packed = await gzip(bytes);
  for (let length = 2; length < packed.length; length += 7) {
    assert.equal(left(await unpack(packed.slice(0, length), "cut.gz")(), "Gzip").file, "cut.gz");
  }
  // The ten bytes of the header may be changed without harm (time, system); the rest may not.
  for (let offset = 10; offset < packed.length; offset += 3) {
    left(await unpack(packed.with(offset, packed[offset] ^ 0x55), "damaged.gz")(), "Gzip");
  }
  left(await unpack(new Uint8Array([...packed, 1, 2, 3]), "longer.gz")(), "Gzip");
});
