/** Pictures of images: every pixel where it belongs, read with another PNG decoder than the writer's. */
import assert from "node:assert/strict";
import { cast, datasets, reshape, ShapeError, tensor } from "../../mod.ts";
import { fc } from "../../dev_deps.ts";
import { imageFigure, imageGrid, type Images, showImages } from "../../visual/mod.ts";
import { decoded } from "./png.ts";
import { elements, texts } from "./svg.ts";

/** The first channel of every pixel. */
async function grey(images: Images, options?: Parameters<typeof imageGrid>[1]): Promise<number[][]> {
  const { width, height, at } = decoded(await imageGrid(images, { padding: 0, ...options }));
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => at(y, x)[0]));
}

const layouts = fc.record({
  count: fc.integer({ min: 1, max: 7 }),
  channels: fc.constantFrom(1, 3),
  height: fc.integer({ min: 1, max: 5 }),
  width: fc.integer({ min: 1, max: 5 }),
  columns: fc.integer({ min: 1, max: 9 }),
  scale: fc.integer({ min: 1, max: 3 }),
  padding: fc.integer({ min: 0, max: 2 }),
});

Deno.test("imageGrid puts every pixel in its place", async () => {
  await fc.assert(fc.asyncProperty(layouts, async ({ count, channels, height, width, scale, padding, ...wish }) => {
    const shape = [count, channels, height, width];
    const images = Uint8Array.from({ length: count * channels * height * width }, (_, i) => 37 * i);
    const png = decoded(await imageGrid({ images, shape }, { ...wish, scale, padding, background: 0.4 }));
    const columns = Math.min(wish.columns, count), rows = Math.ceil(count / columns);
    assert.equal(png.height, scale * (rows * height + (rows - 1) * padding));
    assert.equal(png.width, scale * (columns * width + (columns - 1) * padding));
    for (let y = 0; y < png.height; y++) {
      for (let x = 0; x < png.width; x++) {
        const [row, top] = [Math.floor(y / scale / (height + padding)), Math.floor(y / scale) % (height + padding)];
        const [column, left] = [Math.floor(x / scale / (width + padding)), Math.floor(x / scale) % (width + padding)];
        const image = row * columns + column;
        const covered = image < count && top < height && left < width;
        const light = [0, 1, 2].map((color) => {
          const channel = channels === 1 ? 0 : color;
          return covered ? images[((image * channels + channel) * height + top) * width + left] : 102;
        });
        assert.deepEqual(png.at(y, x), [...light, 255]);
      }
    }
  }));
});

Deno.test("floats from 0 to 1 and integers from 0 to 255 are clamped; NaN is black", async () => {
  assert.deepEqual(await grey(tensor([[-1, 0, 0.5, 1, 2, NaN, Infinity]])), [[0, 0, 128, 255, 255, 0, 255]]);
  assert.deepEqual(await grey(tensor([[-5, 0, 128, 255, 300]], { dtype: "i32" })), [[0, 0, 128, 255, 255]]);
  assert.deepEqual(await grey(tensor([[0, 128, 255]], { dtype: "u8" })), [[0, 128, 255]]);
  assert.deepEqual(await grey(tensor([[true, false]])), [[255, 0]]);
  for (const dtype of ["f32", "f16", "bf16"] as const) {
    assert.deepEqual(await grey(tensor([[0, 0.5, 1]], { dtype })), [[0, 128, 255]]);
  }
  assert.deepEqual(await grey(tensor([[-2, 0, 2]]), { range: [-2, 2] }), [[0, 128, 255]]);
  assert.deepEqual(await grey(tensor([[-2, 0, 2]]), { range: [2, -2] }), [[255, 128, 0]]);
});

Deno.test("tensors, arrays, batches and sets of the same images give the same picture", async () => {
  const { train } = datasets.syntheticDigits({ train: 3, test: 0 });
  const [batch] = datasets.batches(train, { batchSize: 3 });
  const bytes = tensor(train.images, { shape: [3, 28, 28] });
  const expected = await grey(train);
  const others: Images[] = [batch, bytes, reshape(bytes, [3, 1, 28, 28]), { images: train.images, shape: [3, 28, 28] }];
  for (const images of others) assert.deepEqual(await grey(images), expected);
  const floats = tensor(Float32Array.from(train.images, (value) => value / 255), { shape: [3, 28, 28] });
  assert.deepEqual(await grey(floats), expected);
  assert.deepEqual(await grey(cast(bytes, "i32")), expected);
});

Deno.test("what is no picture is refused", async () => {
  const shapes = [[], [3], [1, 2, 3, 3], [1, 1, 1, 1, 1], [0, 1, 2, 2], [2, 1, 0, 2]];
  for (const shape of shapes) {
    const images = new Float32Array(shape.reduce((size, extent) => size * extent, 1));
    await assert.rejects(imageGrid({ images, shape }), (error) => error instanceof ShapeError && error.facts.shape === shape);
  }
  await assert.rejects(imageGrid({ images: new Uint8Array(5), shape: [1, 2, 2] }), ShapeError);
  const image = tensor([[1]]);
  const ranges = [[1, 1], [0, Infinity], [-1e308, 1e308]].map(([black, white]) => ({ range: [black, white] as const }));
  for (const options of [{ columns: 0 }, { scale: 1.5 }, { padding: -1 }, { background: 2 }, ...ranges]) {
    await assert.rejects(imageGrid(image, options), RangeError);
  }
  await assert.rejects(imageFigure(image, { labels: [1, 2] }), RangeError);
  await assert.rejects(showImages(image, { labels: [] }), RangeError);
  await assert.rejects(showImages(image, { width: 0 }), RangeError);
});

Deno.test("imageFigure holds every image and its label", async () => {
  const images = Uint8Array.from({ length: 3 * 2 * 2 }, (_, i) => 20 * i);
  const svg = await imageFigure({ images, shape: [3, 2, 2] }, {
    labels: ["<a>", `"b" & 'c'`, 3],
    title: "x < y",
    scale: 2,
    columns: 2,
  });
  assert.deepEqual(texts(svg), ["x < y", "<a>", `"b" & 'c'`, "3"]);
  const pictures = elements(svg, "image");
  const embedded = pictures.map(({ href }) => decoded(Uint8Array.fromBase64(href.replace("data:image/png;base64,", ""))));
  assert.deepEqual(embedded.map(({ at }) => [at(0, 0)[0], at(1, 1)[0], at(1, 2)[0], at(3, 3)[0]]), [
    [0, 0, 20, 60],
    [80, 80, 100, 140],
    [160, 160, 180, 220],
  ]);
  const places = pictures.map(({ x, y }) => [Number(x), Number(y)]);
  assert.ok(places[0][0] < places[1][0] && places[0][1] === places[1][1] && places[2][1] > places[0][1]);
});

Deno.test("a figure is wide enough for its texts", async () => {
  const width = async (options: Parameters<typeof imageFigure>[1]) =>
    Number(elements(await imageFigure(tensor([[1]]), options), "svg")[0].width);
  assert.ok(await width({ title: "a title of some forty letters, or a few" }) > 300);
  assert.ok(await width({ labels: ["airplane, predicted bird"] }) > 180);
});

Deno.test("showImages draws shades, two rows in a character", async () => {
  const ramp = tensor([[0, 0.3, 0.5, 0.7, 1], [0, 0.3, 0.5, 0.7, 1], [1, 0, 0, 0, 0]]);
  assert.equal(await showImages(ramp, { color: false }), " ░▒▓█\n▒");
  const text = await showImages(tensor([[[1, 1]], [[1, 1]], [[1, 1]]]), { color: false, columns: 2, labels: ["a", "long", 7] });
  assert.equal(text, "a  lo\n▒▒ ▒▒\n\n7\n▒▒");
});

Deno.test("showImages draws colours as half blocks", async () => {
  const red = tensor([[[[1], [0], [0.2]], [[0], [0], [0.4]], [[0], [1], [0.6]]]]);
  const escape = "\u001b";
  assert.equal(
    await showImages(red, { color: true }),
    `${escape}[38;2;255;0;0;48;2;0;0;255m▀${escape}[0m\n${escape}[38;2;51;102;153m▀${escape}[0m`,
  );
});

Deno.test("showImages shrinks by the mean of what a pixel covers", async () => {
  const image = { images: Uint8Array.from([0, 90, 255, 0, 90, 255]), shape: [2, 3] };
  const codes = (text: string) => Array.from(text.matchAll(/38;2;(\d+);/g), ([, light]) => Number(light));
  assert.deepEqual(codes(await showImages(image, { color: true, width: 1 })), [115]);
  assert.deepEqual(codes(await showImages(image, { color: true, width: 2 })), [30, 200]);
  assert.deepEqual(codes(await showImages(image, { color: true, width: 9 })), [0, 90, 255]);
});
