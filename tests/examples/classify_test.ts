/** `examples/classify.ts`: pictures of many kinds become digits as the models know them; a saved model names them in another process. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodePicture } from "../../examples/cli/picture_file.ts";
import { drawnDigits } from "../../examples/cli/drawn_digits.ts";
import { digitPicture, type GreyPicture } from "../../examples/parts/digit_picture.ts";
import { encodeJpeg } from "../../dev_deps.ts";
import { formats, ones } from "../../mod.ts";
import { encodePng } from "../../visual/deps.ts";
import { withFolder } from "../datasets/fixtures.ts";
import { checkEnded, runExample, smoke } from "./run_example.ts";

const file = "classify.ts";

async function decoded(bytes: Uint8Array): Promise<GreyPicture> {
  const read = await decodePicture(bytes, "picture")();
  if (read._tag === "Left") throw new Error(read.left.message);
  return read.right;
}

/** A JPEG file of the best quality. */
async function jpeg(width: number, height: number, rgba: readonly number[]): Promise<Uint8Array> {
  const data = new ImageData(Uint8ClampedArray.from(rgba), width, height);
  return new Uint8Array(await encodeJpeg(data, { quality: 100 }));
}

/** A PNG file of one bit a pixel: an L, black on white, which fast-png reads and does not write. */
const oneBit = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAwAAAAKAQAAAACoV4JXAAAAHUlEQVR4nGP8/5HpBQMTAxL6ycDEwMD4/yMTAwMAY4UF1M4kmpIAAAAASUVORK5CYII=",
);

Deno.test("PNG and JPEG: grey, colour, 16 bits, opacity", async () => {
  const size = { width: 2, height: 1 };
  const red = 0.299;
  const cases: readonly (readonly [bytes: Uint8Array, expected: readonly number[]])[] = [
    [encodePng({ ...size, data: Uint8Array.of(0, 255), channels: 1 }), [0, 1]],
    [encodePng({ ...size, data: Uint8Array.of(51, 255, 0, 0), channels: 2 }), [0.2, 1]],
    [encodePng({ ...size, data: Uint8Array.of(255, 0, 0, 255, 255, 255), channels: 3 }), [red, 1]],
    [encodePng({ ...size, data: Uint8Array.of(255, 0, 0, 255, 0, 0, 0, 51), channels: 4 }), [red, 0.8]],
    [encodePng({ ...size, data: Uint16Array.of(65535, 13107), channels: 1, depth: 16 }), [1, 0.2]],
    [await jpeg(2, 1, [128, 128, 128, 255, 128, 128, 128, 255]), [0.502, 0.502]],
  ];
  for (const [bytes, expected] of cases) {
    const { width, height, pixels } = await decoded(bytes);
    assert.deepEqual([width, height, pixels.length], [2, 1, 2]);
    pixels.forEach((x, i) => assert.ok(Math.abs(x - expected[i]) < 0.005, `${pixels}, not ${expected}`));
  }
});

Deno.test("what is no picture, or a damaged one, is told", async () => {
  const [{ bytes: png }] = await drawnDigits(1);
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [new TextEncoder().encode("GIF89a"), /^Cannot read x: it is neither a PNG nor a JPEG file$/],
    [new Uint8Array(), /^Cannot read x: it is empty$/],
    [png.slice(0, 60), /^Cannot read x: it ends early/],
  ];
  for (const [bytes, said] of cases) {
    const read = await decodePicture(bytes, "x")();
    assert.match(read._tag === "Left" ? read.left.message : "", said);
  }
});

/** A picture with an L of a shade on a ground: 4 thick, 40 high, 24 wide. */
function drawing({ ink, ground, left, top }: { ink: number; ground: number; left: number; top: number }): GreyPicture {
  const [width, height] = [90, 70];
  const isInk = (x: number, y: number) => x >= 0 && y >= 0 && x < 24 && y < 40 && (x < 4 || y >= 36);
  const pixels = Float32Array.from(
    { length: width * height },
    (_, i) => isInk(i % width - left, Math.floor(i / width) - top) ? ink : ground,
  );
  return { width, height, pixels };
}

Deno.test("a digit is the same wherever it stands, dark on light or light on dark: 20 long, its centre of mass in the middle", () => {
  const first = digitPicture(drawing({ ink: 1, ground: 0, left: 3, top: 5 }))!;
  assert.match(first.steps, /^90x70, dark ground; digit of 24x40 pixels scaled to 12x20 and centred$/);
  const cases = [
    { ink: 0, ground: 1, left: 60, top: 29 },
    { ink: 0.2, ground: 0.8, left: 1, top: 1 },
    { ink: 0.5, ground: 0.3, left: 30, top: 20 },
  ];
  for (const each of cases) {
    const { image, steps } = digitPicture(drawing(each))!;
    assert.deepEqual(image, first.image);
    assert.match(steps, each.ink < each.ground ? /light ground: inverted/ : /dark ground/);
  }
  let [mass, right, down, columns, rows] = [0, 0, 0, new Set<number>(), new Set<number>()];
  first.image.forEach((value, i) => {
    const [x, y] = [i % 28, Math.floor(i / 28)];
    [mass, right, down] = [mass + value, right + value * (x + 0.5), down + value * (y + 0.5)];
    if (value >= 128) [columns, rows] = [columns.add(x), rows.add(y)];
  });
  assert.ok(Math.abs(right / mass - 14) < 0.05 && Math.abs(down / mass - 14) < 0.05, `${right / mass}, ${down / mass}`);
  assert.deepEqual([columns.size, rows.size], [12, 20]);
});

Deno.test("paper without a digit is none", () => {
  assert.equal(digitPicture({ width: 9, height: 9, pixels: new Float32Array(81).fill(0.5) }), undefined);
  assert.equal(
    digitPicture({ width: 9, height: 9, pixels: Float32Array.from({ length: 81 }, (_, i) => 0.8 + 0.01 * (i % 5)) }),
    undefined,
  );
});

Deno.test("--smoke: reads the digits that it draws, without permission", async () => {
  const ended = await runExample(file, [...smoke, "--show"]);
  checkEnded(ended, 0, /test accuracy/);
  assert.equal(ended.err, "");
  const named = [...ended.out.matchAll(/^drawn (\d)\.png: (\d) \(([\d.]+) %\), then \d \([\d.]+ %\)/gm)];
  assert.equal(named.length, 2, ended.out);
  for (const [line, drawn, read] of named) assert.equal(read, drawn, line);
  assert.match(ended.out, /168x168, light ground: inverted; [^]*168x168, dark ground; /);
});

Deno.test("a saved model names the digits on files, in another process; what cannot be read is told, and the rest is read", async () => {
  await withFolder(async (folder) => {
    const model = join(folder, "model.safetensors");
    const args = [
      "--data",
      "synthetic",
      "--epochs",
      "1",
      "--optimizer",
      "adam",
      "--lr",
      "0.01",
      "--limit",
      "8000",
      "--device",
      "wasm",
    ];
    checkEnded(await runExample("mnist_cnn.ts", [...args, "--save", model], { permissions: ["-A"] }), 0, /epoch 1/);
    const paths = await Promise.all((await drawnDigits(1)).map(async ({ name, bytes }) => {
      await Deno.writeFile(join(folder, name), bytes);
      return join(folder, name);
    }));
    const { width, height, pixels } = drawing({ ink: 1, ground: 0.2, left: 9, top: 9 });
    const rgba = [...pixels].flatMap((x) => [255 * x, 255 * x, 200 * x, 255]);
    await Deno.writeFile(join(folder, "l.jpg"), await jpeg(width, height, rgba));
    await Deno.writeFile(join(folder, "l.png"), oneBit);
    const permissions = [`--allow-read=${folder}`];
    const device = ["--device", "wasm"];
    const read = await runExample(file, [
      model,
      ...["none.png", "l.jpg", "l.png"].map((name) => join(folder, name)),
      ...paths,
      ...device,
    ], {
      permissions,
    });
    checkEnded(read, 1, /^Cannot read .*none\.png: there is no such file$/m);
    const named = [...read.out.matchAll(/drawn (\d)\.png: (\d)/g)];
    assert.equal(named.length, 2, read.out);
    for (const [line, drawn, digit] of named) assert.equal(digit, drawn, line);
    assert.match(read.out, /l\.jpg: .*\n {2}90x70, dark ground; digit of 24x40 pixels/);
    assert.match(read.out, /l\.png: .*\n {2}12x10, light ground: inverted; digit of 5x7 pixels/);

    const other = join(folder, "other.safetensors");
    await formats.safetensors.save(other, { x: ones([2]) })();
    checkEnded(
      await runExample(file, [other, paths[0]], { permissions }),
      1,
      /Cannot use .*other.*: its metadata do not say which/,
    );
    const metadata = { model: "cnn", classNames: "[]", pixels: '{"mean":0,"deviation":1}' };
    await formats.safetensors.save(other, { x: ones([2]) }, { metadata })();
    checkEnded(await runExample(file, [other, paths[0]], { permissions }), 1, /is no cnn: .*missing conv1\.weight/);
    checkEnded(await runExample(file, [model]), 2, /a MODEL and an IMAGE are needed/);
    checkEnded(await runExample(file, [model, paths[0]]), 1, /--allow-read/);
  });
});
