/** Transforms of images: what each does to pixels, each image by its own chance, the same by the same key, under jit and vmap too. */
import assert from "node:assert/strict";
import {
  arange,
  cast,
  data,
  datasets,
  DTypeError,
  grad,
  jit,
  mul,
  ones,
  random,
  reshape,
  ShapeError,
  slice,
  sum,
  type Tensor,
  tensor,
  toArray,
  vmap,
  zeros,
} from "../../mod.ts";
import { testOnDevices } from "../support/each_device.ts";
import { share } from "../support/share.ts";

const { transforms } = datasets;
type Transform = datasets.transforms.Transform;

/** Images whose pixels are all different: 1, 2, 3, ... */
function numbered(shape: readonly number[], dtype: "f32" | "u8" = "f32"): Tensor {
  return reshape(cast(arange(1, 1 + shape.reduce((a, b) => a * b, 1)), dtype), shape);
}

/** A transform of every kind. */
const all: Readonly<Record<string, Transform>> = {
  toTensor: transforms.toTensor,
  normalize: (x) => transforms.normalize({ mean: [0.1, 0.2, 0.3], std: 0.5 })(transforms.toTensor(x)),
  randomCrop: transforms.randomCrop({ size: [5, 6], padding: 2, paddingMode: "reflect" }),
  centerCrop: transforms.centerCrop(5),
  randomHorizontalFlip: transforms.randomHorizontalFlip(),
  randomVerticalFlip: transforms.randomVerticalFlip(),
  randomRotation: transforms.randomRotation(30),
  rotationBilinear: transforms.randomRotation([10, 80], { interpolation: "bilinear", fill: 3 }),
  randomErasing: transforms.randomErasing({ p: 0.8, value: [1, 2, 3] }),
  colorJitter: transforms.colorJitter({ brightness: 0.4, contrast: [0.5, 1.5], saturation: 0.3 }),
  resize: transforms.resize([9, 5]),
  randomResizedCrop: transforms.randomResizedCrop({ size: [4, 5] }),
  composed: transforms.compose(
    transforms.randomCrop({ size: 6, padding: 1 }),
    transforms.randomHorizontalFlip(),
    transforms.toTensor,
    transforms.randomErasing(),
  ),
};

testOnDevices(
  "transforms are functions of the key, under jit as well, and take one image as a batch of one",
  async (t, device) => {
    const bytes = numbered([4, 3, 6, 7], "u8");
    const floats = transforms.toTensor(bytes);
    const cases = Object.entries(all).flatMap(([name, transform], i) =>
      (i % 2 === 0 ? [bytes, floats] : [floats, bytes]).map((images) => ({ name, transform, images }))
    );
    for (const { name, transform, images } of share(device, cases, () => "all", 12)) {
      await t.step(`${name} of ${images.dtype}`, async () => {
        const made = transform(images, random.key(1));
        const values = await data(made);
        assert.equal(made.dtype, /toTensor|normalize|composed/.test(name) ? "f32" : images.dtype);
        assert.deepEqual(await data(transform(images, random.key(1))), values);
        const jitted = jit(transform);
        const again = await data(jitted(images, random.key(1)));
        again.forEach((value, i) =>
          assert.ok(Math.abs(value - values[i]) <= 1e-5 * Math.abs(values[i]) + (made.dtype === "u8" ? 1 : 1e-6))
        );
        if (/^random|^composed|^color|^rotation/.test(name)) {
          assert.notDeepEqual(await data(transform(images, random.key(2))), values);
        }
        const one = numbered([3, 6, 7], images.dtype as "u8" | "f32");
        const batch = transform(reshape(one, [1, 3, 6, 7]), random.key(3));
        assert.deepEqual(transform(one, random.key(3)).shape, batch.shape.slice(1));
        assert.deepEqual(await data(transform(one, random.key(3))), await data(batch));
      });
    }
  },
);

testOnDevices("vmap over images and keys is a loop", async (_, device) => {
  const images = transforms.toTensor(numbered([3, 3, 6, 7], "u8"));
  const keys = random.split(random.key(5), 3);
  const stacked = tensor(Uint32Array.from((await Promise.all(keys.map((key) => data(key)))).flatMap((words) => [...words])), {
    shape: [3, 2],
  });
  for (const [name, transform] of share(device, Object.entries(all), () => "all", 7)) {
    const together = await toArray(vmap(transform)(images, stacked)) as unknown[];
    for (const [i, key] of keys.entries()) {
      const alone = await data(transform(reshape(slice(images, { start: i, stop: i + 1 }), [3, 6, 7]), key));
      const flat = (together[i] as unknown[]).flat(Infinity) as number[];
      assert.equal(flat.length, alone.length);
      flat.forEach((value, j) => assert.ok(Math.abs(value - alone[j]) < 1e-5, `${name} [${i}]: ${value}, not ${alone[j]}`));
    }
  }
});

/** The first value of each image, which shows where a crop began. */
async function corners(images: Tensor): Promise<number[]> {
  const values = await data(images);
  const [n] = images.shape;
  return Array.from({ length: n }, (_, i) => values[i * values.length / n]);
}

testOnDevices("a random crop is a part of its image, and every position comes up", async () => {
  const images = reshape(mul(ones([400, 1, 1, 1]), numbered([1, 1, 4, 5])), [400, 1, 4, 5]);
  const crop = transforms.randomCrop({ size: [3, 3] });
  const values = await data(crop(images, random.key(0)));
  const seen = new Map<number, number>();
  for (let i = 0; i < 400; i++) {
    const [first] = values.subarray(9 * i, 9 * i + 1);
    seen.set(first, (seen.get(first) ?? 0) + 1);
    const expected = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => first + 5 * row + column));
    assert.deepEqual([...values.subarray(9 * i, 9 * i + 9)], expected);
  }
  // Two rows by three columns of positions, about 67 each.
  assert.deepEqual([...seen.keys()].sort((a, b) => a - b), [1, 2, 3, 6, 7, 8]);
  for (const count of seen.values()) assert.ok(count > 35 && count < 105, `${count}`);
});

testOnDevices("what a padded crop finds beyond the edge", async () => {
  const row = numbered([1, 1, 1, 4]);
  const images = reshape(mul(ones([64, 1, 1, 1]), row), [64, 1, 1, 4]);
  const beyond = {
    constant: [9, 9, 9, 1, 2, 3, 4, 9, 9, 9],
    edge: [1, 1, 1, 1, 2, 3, 4, 4, 4, 4],
    reflect: [4, 3, 2, 1, 2, 3, 4, 3, 2, 1],
    symmetric: [3, 2, 1, 1, 2, 3, 4, 4, 3, 2],
  };
  for (const [mode, padded] of Object.entries(beyond)) {
    const crop = transforms.randomCrop({ size: [1, 4], padding: [0, 3], paddingMode: mode as keyof typeof beyond, fill: 9 });
    const values = await data(crop(images, random.key(3)));
    const windows = new Set(Array.from({ length: 7 }, (_, i) => padded.slice(i, i + 4).join()));
    const found = new Set(Array.from({ length: 64 }, (_, i) => values.slice(4 * i, 4 * i + 4).join()));
    assert.deepEqual([...found].sort(), [...windows].sort(), mode);
  }
  const bytes = transforms.randomCrop({ size: 3, padding: 3, fill: 200 })(zeros([8, 2, 1, 1], { dtype: "u8" }), random.key(0));
  assert.equal(bytes.dtype, "u8");
  assert.ok((await data(bytes)).every((value) => value === 0 || value === 200));
});

testOnDevices("the middle of images, of larger and smaller ones", async () => {
  const crop = async (size: number | [number, number], shape: number[]) =>
    await toArray(transforms.centerCrop(size)(numbered(shape)));
  assert.deepEqual(await crop(2, [1, 1, 4, 4]), [[[[6, 7], [10, 11]]]]);
  // PyTorch rounds the middle to even: 0.5 to 0, 1.5 to 2.
  assert.deepEqual(await crop([1, 2], [1, 1, 1, 3]), [[[[1, 2]]]]);
  assert.deepEqual(await crop([1, 2], [1, 1, 1, 5]), [[[[3, 4]]]]);
  assert.deepEqual(await crop([1, 4], [1, 1, 2, 1]), [[[[0, 1, 0, 0]]]]);
});

testOnDevices("flips mirror the share of images that is asked for, whole images", async () => {
  const images = reshape(mul(ones([1000, 1, 1, 1]), numbered([1, 1, 2, 2])), [1000, 1, 2, 2]);
  for (const [flip, mirrored] of [[transforms.randomHorizontalFlip, 2], [transforms.randomVerticalFlip, 3]] as const) {
    const first = await corners(flip(0.3)(images, random.key(7)));
    assert.ok(first.every((value) => value === 1 || value === mirrored));
    const share = first.filter((value) => value === mirrored).length / 1000;
    assert.ok(Math.abs(share - 0.3) < 0.06, `${share}`);
    assert.ok((await corners(flip(0)(images, random.key(0)))).every((value) => value === 1));
    assert.ok((await corners(flip(1)(images, random.key(0)))).every((value) => value === mirrored));
  }
});

testOnDevices("rotations turn counter-clockwise, within the frame", async () => {
  const image = numbered([1, 1, 3, 3]);
  const turned = async (degrees: number, interpolation: "nearest" | "bilinear") =>
    (await data(transforms.rotate(image, degrees, { interpolation, fill: 7 }))).map((value) => Math.round(1e4 * value) / 1e4);
  for (const interpolation of ["nearest", "bilinear"] as const) {
    assert.deepEqual([...await turned(0, interpolation)], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual([...await turned(90, interpolation)], [3, 6, 9, 2, 5, 8, 1, 4, 7]);
    assert.deepEqual([...await turned(-90, interpolation)], [7, 4, 1, 8, 5, 2, 9, 6, 3]);
    assert.deepEqual([...await turned(180, interpolation)], [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  }
  // At 45 degrees the corners come from beyond the edge.
  const corner = (await turned(45, "nearest")).filter((_, i) => [0, 2, 6, 8].includes(i));
  assert.ok([...corner].every((value) => value === 2 || value === 4 || value === 6 || value === 8 || value === 7), `${corner}`);
  const each = await data(transforms.rotate(mul(ones([2, 1, 1, 1]), numbered([1, 1, 1, 3])), tensor([0, 180])));
  assert.deepEqual([...each].map(Math.round), [1, 2, 3, 3, 2, 1]);
  const [least, most] = [await data(transforms.randomRotation([90, 90])(image, random.key(0))), await turned(90, "nearest")];
  assert.deepEqual(least, most);
  assert.throws(() => transforms.rotate(image, tensor([1, 2])), ShapeError);
});

testOnDevices("what is erased is one rectangle of the area and ratio asked for, of the share asked for", async () => {
  const [n, side] = [300, 16];
  const erase = transforms.randomErasing({ p: 0.6, scale: [0.1, 0.3], ratio: [0.5, 2], value: 5 });
  const values = await data(erase(ones([n, 2, side, side]), random.key(4)));
  let erased = 0;
  for (let i = 0; i < n; i++) {
    const image = values.subarray(i * 2 * side * side, (i + 1) * 2 * side * side);
    assert.ok(
      image.every((value, at) => (value === 1 || value === 5) && value === image[(at + side * side) % (2 * side * side)]),
    );
    const pixels = Array.from({ length: side * side }, (_, at) => at).filter((at) => image[at] === 5);
    if (pixels.length === 0) continue;
    erased++;
    const rows = new Set(pixels.map((at) => Math.floor(at / side))), columns = new Set(pixels.map((at) => at % side));
    assert.equal(pixels.length, rows.size * columns.size);
    assert.equal(Math.max(...rows) - Math.min(...rows) + 1, rows.size);
    assert.equal(Math.max(...columns) - Math.min(...columns) + 1, columns.size);
    // Sides are rounded to whole pixels.
    assert.ok(pixels.length > 0.1 * 256 - 9 && pixels.length < 0.3 * 256 + 10, `${pixels.length}`);
    assert.ok(rows.size / columns.size > 0.4 && rows.size / columns.size < 2.5);
  }
  assert.ok(Math.abs(erased / n - 0.6) < 0.1, `${erased}`);
  // Nothing larger than the image fits, and so nothing is erased.
  const none = transforms.randomErasing({ p: 1, scale: [2, 3] })(ones([4, 1, 4, 4]), random.key(0));
  assert.ok((await data(none)).every((value) => value === 1));
  const noise = await data(
    transforms.randomErasing({ p: 1, scale: [0.5, 0.5], ratio: [1, 1], value: "random" })(zeros([1, 1, 20, 20]), random.key(0)),
  );
  assert.equal(noise.filter((value) => value !== 0).length, 14 * 14);
  assert.equal(new Set(noise).size, 14 * 14 + 1);
});

testOnDevices("colours change by factors of each image's own, within their range", async () => {
  const bright = await data(transforms.colorJitter({ brightness: [0.5, 0.5] })(tensor([[[0.2, 0.8]]]), random.key(0)));
  assert.deepEqual([...bright].map((value) => Math.round(10 * value)), [1, 4]);
  const twice = await data(transforms.colorJitter({ contrast: [2, 2] })(tensor([[[0.4, 0.6]]]), random.key(0)));
  assert.deepEqual([...twice].map((value) => Math.round(10 * value)), [3, 7]);
  const grey = await data(transforms.colorJitter({ saturation: [0, 0] })(tensor([[[0.1]], [[0.5]], [[0.9]]]), random.key(0)));
  for (const value of grey) assert.ok(Math.abs(value - (0.2989 * 0.1 + 0.587 * 0.5 + 0.114 * 0.9)) < 1e-5);
  const many = await data(transforms.colorJitter({ brightness: 0.5 })(zeros([50, 1, 1, 1], { dtype: "u8" }), random.key(0)));
  assert.ok(many.every((value) => value === 0));
  const spread = await data(transforms.colorJitter({ brightness: 0.5 })(ones([50, 1, 1, 1]), random.key(0)));
  assert.ok(Math.min(...spread) < 0.7 && Math.max(...spread) === 1 && Math.min(...spread) >= 0.5);
  const same = transforms.colorJitter({})(numbered([2, 3, 2, 2], "u8"), random.key(0));
  assert.deepEqual(await data(same), await data(numbered([2, 3, 2, 2], "u8")));
});

testOnDevices("fractions and normalised values", async () => {
  const images = numbered([2, 3, 1, 1], "u8");
  const { compose, normalize, toTensor } = transforms;
  const values = await data(compose(toTensor, normalize({ mean: [0, 0.1, 0.2], std: [1, 2, 4] }))(images));
  [1, 2, 3, 4, 5, 6].forEach((value, i) => {
    const [mean, std] = [[0, 1], [0.1, 2], [0.2, 4]][i % 3];
    assert.ok(Math.abs(values[i] - (value / 255 - mean) / std) < 1e-6);
  });
  assert.deepEqual(await data(compose()(images)), await data(images));
});

Deno.test("transforms have derivatives", async () => {
  const images = numbered([2, 3, 6, 7]);
  for (const [name, transform] of Object.entries(all)) {
    const slope = await data(grad((x: Tensor) => sum(transform(x, random.key(0))))(images));
    assert.ok(slope.every(Number.isFinite) && (name === "colorJitter" || slope.some((value) => value !== 0)), name);
  }
});

Deno.test("a batch of no images stays one", async () => {
  for (const [name, transform] of Object.entries(all)) {
    const made = transform(zeros([0, 3, 6, 7]), random.key(0));
    assert.equal(made.shape[0], 0, name);
    assert.equal((await data(made)).length, 0, name);
  }
});

Deno.test("options and images that do not fit are refused", () => {
  const {
    centerCrop,
    colorJitter,
    normalize,
    randomCrop,
    randomErasing,
    randomHorizontalFlip,
    randomRotation,
    resize,
    toTensor,
  } = transforms;
  const key = random.key(0);
  for (const size of [0, -1, 1.5]) {
    assert.throws(() => randomCrop({ size }), RangeError);
    assert.throws(() => centerCrop(size), RangeError);
    assert.throws(() => resize(size), RangeError);
  }
  assert.throws(() => randomCrop({ size: 1, padding: -1 }), RangeError);
  assert.throws(() => randomHorizontalFlip(1.1), RangeError);
  assert.throws(() => randomRotation([3, 2]), RangeError);
  assert.throws(() => randomRotation(NaN), RangeError);
  assert.throws(() => randomErasing({ p: 2 }), RangeError);
  assert.throws(() => randomErasing({ scale: [0.3, 0.2] }), /scale must be two finite numbers of at least 0, in order/);
  assert.throws(() => randomErasing({ ratio: [0, 1] }), RangeError);
  assert.throws(() => colorJitter({ brightness: -1 }), RangeError);
  assert.throws(() => colorJitter({ contrast: [2, 1] }), RangeError);
  assert.throws(() => normalize({ mean: 0, std: [1, 0] }), RangeError);
  assert.throws(() => normalize({ mean: NaN, std: 1 }), RangeError);
  assert.throws(() => normalize({ mean: [1, 2], std: 1 })(zeros([1, 3, 2, 2])), /2 values of mean to images of 3 channels/);
  assert.throws(() => normalize({ mean: 0, std: 1 })(zeros([1, 3, 2, 2], { dtype: "u8" })), DTypeError);
  assert.throws(() => toTensor(zeros([1, 1, 1, 1], { dtype: "i32" })), DTypeError);
  assert.throws(() => randomErasing({ value: "random" })(zeros([1, 3, 2, 2], { dtype: "u8" }), key), DTypeError);
  assert.throws(
    () => randomCrop({ size: 5, padding: 1 })(zeros([1, 1, 2, 9]), key),
    /Cannot crop \[5, 5\] from images \[1, 1, 2, 9\]/,
  );
  assert.throws(
    () => randomCrop({ size: 2, padding: 2, paddingMode: "reflect" })(zeros([1, 1, 2, 9]), key),
    /too little to mirror/,
  );
  assert.throws(() => colorJitter({ saturation: 1 })(zeros([1, 2, 2, 2]), key), ShapeError);
  assert.throws(() => resize(3)(zeros([1, 1, 0, 2])), ShapeError);
  for (const transform of Object.values(all).slice(1)) assert.throws(() => transform(zeros([6, 7]), key), ShapeError);
});

testOnDevices(
  "random resized crops are parts of the area and ratio asked for, anywhere in the image, or its middle",
  async () => {
    const [n, height, width, size] = [200, 30, 50, 20];
    // One channel counts the columns, the other the rows: a crop shows where it began and ended.
    const places = tensor(
      [0, 1].map((axis) => Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => axis === 0 ? x : y))),
    );
    const images = mul(ones([n, 1, 1, 1]), reshape(places, [1, 2, height, width]));
    const crop = transforms.randomResizedCrop({ size, scale: [0.2, 0.6], ratio: [0.5, 2], antialias: false });
    const values = await data(crop(images, random.key(4)));
    const starts = new Set<string>();
    let [highest, widest] = [0, 0];
    for (let i = 0; i < n; i++) {
      const plane = (channel: number) => values.subarray((2 * i + channel) * size * size, (2 * i + channel + 1) * size * size);
      const [across, down] = [plane(0), plane(1)];
      // Between the centres of the first and the last new pixel are all but one of them.
      const w = (across[size - 2] - across[1]) * size / (size - 3),
        h = (down[size * (size - 2)] - down[size]) * size / (size - 3);
      // Weights of neighbours are rounded, and so is their sum.
      const [right, bottom] = [width - 1, height - 1].map((most) => most * (1 + 1e-6));
      assert.ok(across[0] >= 0 && across[size - 1] <= right && down[0] >= 0 && down[size * size - 1] <= bottom);
      assert.ok(w * h > 0.2 * 1500 * 0.9 && w * h < 0.6 * 1500 * 1.1, `${w} x ${h}`);
      assert.ok(w / h > 0.45 && w / h < 2.2, `${w} x ${h}`);
      starts.add(`${across[0].toFixed(1)} ${down[0].toFixed(1)}`);
      [highest, widest] = [Math.max(highest, h), Math.max(widest, w)];
    }
    assert.ok(starts.size > n / 2 && highest > 20 && widest > 30, `${starts.size} ${highest} ${widest}`);
    // Nothing of that ratio and area fits: the middle is taken, all rows and the columns 4 and 5.
    const strip = tensor([[Array.from({ length: 10 }, (_, x) => x), Array.from({ length: 10 }, (_, x) => x)]]);
    const middle = transforms.randomResizedCrop({ size: [2, 2], scale: [1, 1], ratio: [1, 1] });
    assert.deepEqual(await toArray(middle(strip, random.key(0))), [[[4, 5], [4, 5]]]);
  },
);

testOnDevices("a resized crop is the crop, resized, of each image its own", async () => {
  const images = numbered([2, 1, 4, 6]);
  const made = await toArray(transforms.resizedCrop(images, tensor([[1, 2, 2, 2], [0, 0, 4, 6]]), [2, 2], { antialias: false }));
  assert.deepEqual(made, [[[[9, 10], [15, 16]]], [[[29, 32], [41, 44]]]]);
  assert.deepEqual(await toArray(transforms.resizedCrop(cast(images, "u8"), tensor([0, 0, 1, 2]), 1)), [[[[2]]], [[[26]]]]);
  assert.throws(() => transforms.resizedCrop(images, tensor([[0, 0, 1, 1]]), 1), /\[2, 4\], one for each image/);
  assert.throws(() => transforms.resizedCrop(images, tensor([0, 0, 1]), 1), ShapeError);
  assert.throws(() => transforms.randomResizedCrop({ size: 2, scale: [0.5, 0.1] }), RangeError);
  assert.throws(() => transforms.randomResizedCrop({ size: 2, ratio: [0, 1] }), RangeError);
  assert.throws(() => transforms.randomResizedCrop({ size: 0 }), RangeError);
});
