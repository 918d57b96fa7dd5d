/** What a tensor shows in a notebook: statistics, numbers, and pictures, which another decoder reads. */
import assert from "node:assert/strict";
import { cast, datasets, div, full, jit, random, type Tensor, tensor, toArray, zeros } from "../../mod.ts";
import { numberText, statisticsOf } from "../../core/notebook/statistics.ts";
import type { MimeBundle } from "../../core/notebook/html.ts";
import { testOnDevices } from "../support/each_device.ts";
import { decoded } from "../visual/png.ts";
import { elements } from "../visual/svg.ts";

/** What the kernel calls. */
function bundleOf(x: Tensor): Promise<MimeBundle> {
  return (x as unknown as Record<symbol, () => Promise<MimeBundle>>)[Symbol.for("Jupyter.display")]();
}

/** The texts of elements of a bundle's markup, which must be well-formed. */
function textsOf(bundle: MimeBundle, element: string): string[] {
  return elements(`<div>${bundle["text/html"]}</div>`, element).map(({ text }) => text);
}

/** The first is the shape, the others are statistics. */
const codes = (bundle: MimeBundle) => textsOf(bundle, "code");
const kindsOf = (bundle: MimeBundle) => Object.keys(bundle);
const pngOf = (bundle: MimeBundle) => decoded(Uint8Array.fromBase64(bundle["image/png"]));

// First, before anything is loaded: nothing may be left to fail unseen while it is.
Deno.test("where there are no values it says so", async () => {
  let traced: Promise<MimeBundle> | undefined;
  jit((x: Tensor) => {
    traced = bundleOf(x);
    return x;
  })(zeros([2]));
  assert.match((await traced!)["text/html"], /being traced/);
  const gone = tensor([1, 2]);
  gone[Symbol.dispose]();
  const bundle = await bundleOf(gone);
  assert.match(bundle["text/plain"], /^tensor\(<Cannot use a tensor .*>, f32\[2\]\)$/);
  assert.match(textsOf(bundle, "div").join(), /Cannot use a tensor/);
});

testOnDevices("a tensor has its text, its statistics and its numbers", async () => {
  const bundle = await bundleOf(tensor([[1, -2.5], [3, 1e-5]]));
  assert.deepEqual(kindsOf(bundle), ["text/plain", "text/html"]);
  assert.match(bundle["text/plain"], /^tensor\(\[\[.*\]\], f32\[2, 2\]\)$/s);
  assert.deepEqual(textsOf(bundle, "b"), ["f32"]);
  assert.deepEqual(codes(bundle), ["[2, 2]", "−2.5", "0.375", "1.98", "3"]);
  assert.deepEqual(textsOf(bundle, "td"), ["1", "−2.5", "3", "1.00e−5"]);
  assert.deepEqual(textsOf(bundle, "th"), ["", "0", "1", "0", "1"]);
  assert.match(bundle["text/html"], /4 numbers, 16 bytes/);
  assert.deepEqual(textsOf(await bundleOf(tensor(7, { dtype: "i32" })), "td"), ["7"]);
});

Deno.test("numbers that are not finite are counted and left out of the others, whatever the type", async () => {
  const bundle = await bundleOf(tensor([1, NaN, 3, Infinity, -Infinity, NaN]));
  assert.deepEqual(codes(bundle), ["[6]", "1", "2", "1", "3", "2 nan, 2 inf"]);
  assert.deepEqual(textsOf(bundle, "td"), ["1", "nan", "3", "inf", "−inf", "nan"]);
  assert.deepEqual(codes(await bundleOf(tensor([NaN, NaN]))), ["[2]", "nan", "nan", "nan", "nan", "2 nan"]);
  assert.deepEqual(codes(await bundleOf(tensor([true, true, false, true]))), ["[4]", "75 %"]);
  for (const dtype of ["u8", "i32", "u32", "f16", "bf16", "f32", "f64"] as const) {
    const bundle = await bundleOf(cast(tensor([1, 2, 4.5]), dtype)).catch((error) => assert.fail(`${dtype}: ${error}`));
    if (bundle["text/html"].includes("Cannot compute f64")) continue;
    assert.equal(codes(bundle)[1], "1", dtype);
  }
});

Deno.test("tensors without elements, of many axes, and those that are too large for a table", async () => {
  const none = await bundleOf(zeros([0, 3]));
  assert.deepEqual([codes(none), textsOf(none, "td")], [["[0, 3]"], []]);
  const deep = await bundleOf(full([2, 3, 4, 5, 6], 2));
  assert.deepEqual(codes(deep), ["[2, 3, 4, 5, 6]", "2", "2", "0", "2"]);
  assert.match(deep["text/html"], /\[0, 0, 0, :, :\]/);
  assert.equal(textsOf(deep, "td").length, 5 * 6);
  const large = await bundleOf(zeros([300, 400]));
  assert.deepEqual(kindsOf(large), ["text/plain", "text/html"]);
  // Six rows of eight numbers with dots, and a row of dots.
  assert.equal(textsOf(large, "td").length, 6 * 9 + 8);
});

Deno.test("a matrix of some size is a picture: signs by colour, sizes by opacity", async () => {
  const numbers = Array.from({ length: 8 }, (_, y) => Array.from({ length: 9 }, (_, x) => x === 0 ? NaN : (y - 4) * x));
  const bundle = await bundleOf(tensor(numbers));
  assert.deepEqual(kindsOf(bundle), ["text/plain", "text/html", "image/png"]);
  const png = pngOf(bundle);
  assert.deepEqual([png.height, png.width], [8, 9]);
  const most = 32;
  numbers.forEach((row, y) =>
    row.forEach((value, x) => {
      const [red, , blue, opacity] = png.at(y, x);
      assert.equal(opacity, Number.isNaN(value) ? 0 : Math.round(255 * Math.abs(value) / most));
      if (opacity > 0) assert.equal(value > 0 ? red > blue : blue > red, true);
    })
  );
  assert.match(bundle["text/html"], /blue −32, clear 0, orange 32/);
  assert.equal(textsOf(bundle, "details").length, 1);
  assert.equal(elements(`<div>${bundle["text/html"]}</div>`, "img").length, 1);
});

Deno.test("numbers of one sign are grey: images as they are meant, others from the least to the most", async () => {
  const rows = (values: number[]) =>
    Array.from({ length: 8 }, () => Array.from({ length: 8 }, (_, i) => values[i % values.length]));
  const greys = async (values: number[], dtype: "f32" | "u8" | "i32" = "f32") => {
    const bundle = await bundleOf(tensor(rows(values), { dtype }));
    const png = pngOf(bundle);
    return [values.map((_, x) => png.at(0, x)[0]), /black [^<]*/.exec(bundle["text/html"])?.[0]];
  };
  assert.deepEqual(await greys([0, 0.5, 0.25]), [[0, 128, 64], "black 0, white 1"]);
  assert.deepEqual(await greys([0, 100, 200], "u8"), [[0, 100, 200], "black 0, white 255"]);
  assert.deepEqual(await greys([1000, 2000], "i32"), [[0, 255], "black 1,000, white 2,000"]);
  assert.deepEqual(await greys([-3, -1]), [[0, 255], "black −3, white −1"]);
  assert.deepEqual(await greys([5, 5]), [[0, 0], "black 5, white 5"]);
});

Deno.test("a batch of images shows each of them, in colour if it has three channels", async () => {
  const images = random.uniform(random.key(0), [3, 3, 5, 4]);
  const bundle = await bundleOf(images);
  const pictures = elements(`<div>${bundle["text/html"]}</div>`, "img").map(({ src }) => {
    return decoded(Uint8Array.fromBase64(src.slice("data:image/png;base64,".length)));
  });
  const numbers = await toArray(images) as number[][][][];
  const together = pngOf(bundle);
  assert.deepEqual([pictures.length, together.width, together.height], [3, 3 * 4 + 2 * 2, 5]);
  pictures.forEach((picture, i) => {
    assert.deepEqual([picture.height, picture.width], [5, 4]);
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < 4; x++) {
        const colours = numbers[i].map((channel) => Math.round(255 * channel[y][x]));
        assert.deepEqual(picture.at(y, x), [...colours, 255]);
        assert.deepEqual(together.at(y, 6 * i + x), [...colours, 255]);
      }
    }
  });
  const { train } = datasets.syntheticDigits({ train: 100, test: 0 });
  const many = await bundleOf(div(tensor(train.images, { shape: [100, ...train.shape] }), 255));
  assert.match(many["text/html"], /the first 40 of 100; black 0, white 1/);
});

Deno.test("statistics of any numbers are finite where the numbers are", () => {
  const { least, most, mean, deviation, bins } = statisticsOf([0.1, 0.1, 0.1]);
  assert.deepEqual([least, most, mean, deviation < 1e-15, bins], [0.1, 0.1, 0.1, true, []]);
  const spread = statisticsOf(Array.from({ length: 1000 }, (_, i) => i));
  assert.equal(spread.bins.reduce((a, b) => a + b), 1000);
  assert.ok(Math.abs(spread.deviation - Math.sqrt((1000 ** 2 - 1) / 12)) < 1e-9);
  const ends = statisticsOf([-Number.MAX_VALUE, Number.MAX_VALUE]);
  assert.deepEqual([ends.mean, ends.deviation, ends.bins.reduce((a, b) => a + b)], [0, Number.MAX_VALUE, 2]);
  const tiny = statisticsOf([0, Number.MIN_VALUE]);
  assert.deepEqual([tiny.most, tiny.bins.reduce((a, b) => a + b)], [Number.MIN_VALUE, 2]);
  const shown: [number, string][] = [[0, "0"], [-0, "0"], [1234567, "1,234,567"], [1e7, "1.00e7"], [-0.00012345, "−1.23e−4"]];
  for (const [value, text] of [...shown, [0.1 + 0.2, "0.3"], [-Infinity, "−inf"]] as const) assert.equal(numberText(value), text);
});
