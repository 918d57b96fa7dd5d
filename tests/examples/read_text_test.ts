/** `examples/read_text.ts`: boxes from maps, what is in them, where the networks come from, and text read from files by another process. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { packTar } from "../../dev_deps.ts";
import { hexDigest } from "../../datasets/hex_digest.ts";
import { showDatasetError } from "../../datasets/mod.ts";
import { fileNames, textFiles, type TextSource, textSource } from "../../examples/cli/text_models.ts";
import { drawText, paper } from "../../examples/parts/drawn_text.ts";
import { letterNetworks } from "../../examples/parts/letter_filters.ts";
import { cornersOf, type ProbabilityMap, type TextBox, textBoxes } from "../../examples/parts/text_boxes.ts";
import { cutOut, lineHeight } from "../../examples/parts/text_reader.ts";
import { encodePng } from "../../visual/deps.ts";
import { gzip, left, put, right, serve, serveFile, withCache, withFolder } from "../datasets/fixtures.ts";
import { checkEnded, runExample, smoke } from "./run_example.ts";

const file = "read_text.ts";

/** A map with rectangles of some probability. */
function mapOf(width: number, height: number, boxes: readonly (TextBox & { readonly probability?: number })[]): ProbabilityMap {
  const data = new Float32Array(width * height);
  for (const { centre: [cx, cy], angle, probability = 0.9, ...box } of boxes) {
    for (let i = 0; i < data.length; i++) {
      const [x, y] = [i % width + 0.5 - cx, Math.floor(i / width) + 0.5 - cy];
      const along = x * Math.cos(angle) + y * Math.sin(angle), across = y * Math.cos(angle) - x * Math.sin(angle);
      if (Math.abs(along) <= box.width / 2 && Math.abs(across) <= box.height / 2) data[i] = probability;
    }
  }
  return { width, height, data };
}

/** What a middle becomes: wider and higher by twice its area over its half circumference, times three quarters. */
function grown(middle: TextBox): TextBox {
  const margin = 1.5 * middle.width * middle.height / (2 * (middle.width + middle.height));
  return { ...middle, width: middle.width + 2 * margin, height: middle.height + 2 * margin };
}

Deno.test("boxes are the rectangles of a map, at any angle, made larger; tall ones read from the top down", () => {
  for (const degrees of [0, 7, -30, 44, -44]) {
    const middle = { centre: [100, 90] as const, width: 120, height: 14, angle: degrees * Math.PI / 180 };
    const boxes = textBoxes(mapOf(200, 180, [middle]));
    assert.equal(boxes.length, 1);
    const [box] = boxes, expected = grown(middle);
    for (
      const [actual, wanted, bound] of [
        [box.centre[0], 100, 1],
        [box.centre[1], 90, 1],
        [box.width, expected.width, 4],
        [box.height, expected.height, 4],
        [box.angle, expected.angle, 0.03],
      ]
    ) {
      assert.ok(
        Math.abs(actual - wanted) <= bound,
        `${degrees} degrees: ${JSON.stringify(box)}, not ${JSON.stringify(expected)}`,
      );
    }
  }
  const [tall] = textBoxes(mapOf(60, 200, [{ centre: [30, 100], width: 10, height: 120, angle: 0 }]));
  assert.ok(Math.abs(tall.angle - Math.PI / 2) < 1e-9 && tall.width > 120, JSON.stringify(tall));
  const corners = cornersOf({ centre: [10, 20], width: 8, height: 4, angle: Math.PI / 2 }).map((corner) =>
    corner.map(Math.round)
  );
  assert.deepEqual(corners, [[12, 16], [12, 24], [8, 24], [8, 16]]);
});

Deno.test("boxes come as one reads; what is small or improbable is none", () => {
  const at = (x: number, y: number, more: object = {}) => ({ centre: [x, y] as const, width: 40, height: 10, angle: 0, ...more });
  const boxes = textBoxes(mapOf(200, 120, [
    at(150, 20),
    at(40, 23),
    at(100, 60),
    at(100, 100, { probability: 0.5 }),
    at(20, 100, { width: 2 }),
  ]));
  assert.deepEqual(boxes.map(({ centre }) => centre.map(Math.round)), [[40, 23], [150, 20], [100, 60]]);
  assert.deepEqual(textBoxes(mapOf(8, 8, [])), []);
  // All of the map is one spot.
  assert.equal(textBoxes({ width: 64, height: 32, data: new Float32Array(64 * 32).fill(1) }).length, 1);
});

Deno.test("what is in a box is the same however the line is turned", () => {
  const cut = (angle: number) => {
    const picture = paper(200, 200, [250, 240, 230]);
    drawText(picture, { text: "R2D", centre: [100, 100], height: 40, angle, color: [10, 60, 90] });
    return cutOut(picture, { centre: [100, 100], width: 120, height: 48, angle }, 120).values;
  };
  const level = cut(0);
  const [blue, red] = [Math.min(...level.subarray(0, lineHeight * 120)), Math.min(...level.subarray(2 * lineHeight * 120))];
  assert.deepEqual([blue, red].map(Math.round), [90, 10]);
  for (const angle of [0.5, 1.5, 3, -2]) {
    const difference = cut(angle).reduce((sum, value, i) => sum + Math.abs(value - level[i]), 0) / level.length;
    assert.ok(difference < 4, `turned by ${angle}: ${difference}`);
  }
  // Beyond the edge it goes on as it is there.
  const edge = cutOut(paper(4, 4, [7, 8, 9]), { centre: [0, 0], width: 90, height: 90, angle: 1 }, 5).values;
  assert.deepEqual([...new Set(edge)], [9, 8, 7]);
});

/** Small files under the names of the large ones, as an archive. */
const contents = Object.fromEntries(
  Object.values(fileNames).map((name) => [name, new TextEncoder().encode(`content of ${name}`)]),
);

async function archiveOf(names: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const entries = names.map((name) => ({
    header: { name: `package/assets/${name}`, size: contents[name].length },
    body: contents[name],
  }));
  return await gzip(Uint8Array.from(await packTar(entries)));
}

async function sourceOf(bytes: Uint8Array<ArrayBuffer>): Promise<TextSource> {
  const digest = { algorithm: "sha256", of: "packed", bytes: bytes.length, hex: await hexDigest("sha256", bytes) } as const;
  return { ...textSource, name: "small", digest };
}

Deno.test("the networks are downloaded once, to the byte, and then come from the cache, or from a folder", async () => {
  const archive = await archiveOf(Object.keys(contents));
  const source = await sourceOf(archive);
  await withCache(async () => {
    await using server = serve((_, request) => serveFile(archive, request));
    const files = right(await textFiles({ mirrors: [server.url] }, source)());
    assert.deepEqual(files.recognition, contents[fileNames.recognition]);
    assert.equal(files.characters, "content of ppocr_keys_v1.txt");
    assert.deepEqual(right(await textFiles({ download: false }, source)()), files);
    assert.deepEqual(server.requests.map(({ path }) => path), [textSource.archive]);
  });
  await withFolder(async (folder) => {
    await put(folder, contents);
    assert.deepEqual(right(await textFiles({ folder })()).detection, contents[fileNames.detection]);
    await Deno.remove(join(folder, fileNames.direction));
    assert.match(left(await textFiles({ folder })(), "NotFound").message, /cls_infer\.onnx/);
  });
});

Deno.test("no network, other bytes, an archive without a network: each is told", async () => {
  const part = await archiveOf(Object.keys(contents).slice(1));
  const partial = await sourceOf(part);
  await withCache(async () => {
    await using server = serve((_, request) => serveFile(part, request));
    assert.match(left(await textFiles({ mirrors: [server.url] }, partial)(), "Format").message, /it has no file ch_PP-OCRv4_det/);
    const wrong = { ...partial, archive: "other.tgz", digest: { ...partial.digest, hex: "0".repeat(64) } };
    assert.match(showDatasetError(left(await textFiles({ mirrors: [server.url] }, wrong)(), "Download")), /SHA-256/);
  });
  await withCache(async () => {
    const options = { mirrors: ["http://127.0.0.1:9/"] };
    assert.match(
      left(await textFiles(options)(), "Download").message,
      /^Cannot download ocr-models-1\.4\.2\.tgz from the one mirror/,
    );
    assert.equal(left(await textFiles({ download: false })(), "NotFound").file, textSource.archive);
  });
});

Deno.test("--smoke: reads the picture that it draws, without permission", async () => {
  const ended = await runExample(file, smoke);
  checkEnded(ended, 0, /No PP-OCR here: .*--allow-env/);
  assert.equal(ended.err, "");
  const read = [...ended.out.matchAll(/^ {2}(.*) {2}\(([\d.]+) %; ([\d, -]+)\)$/gm)];
  assert.deepEqual(read.map(([, text]) => text), ["FUNCTIONS OF TENSORS", "TURNED 27", "UPSIDE DOWN"], ended.out);
  const corners = read.map(([, , , places]) => places.split(" ").map((place) => place.split(",").map(Number)));
  assert.ok(corners[0][0][0] < corners[0][1][0] && corners[0][0][1] < corners[0][3][1]);
  // The text that is upside down begins at its right end, below.
  assert.ok(corners[2][0][0] > corners[2][1][0] && corners[2][0][1] > corners[2][3][1]);
});

Deno.test("text on files is read by the networks of a folder; what cannot be read is told, and the rest is read", async () => {
  await withFolder(async (folder) => {
    const files = await letterNetworks(160, 320, 640);
    const networks = join(folder, "networks");
    await put(
      networks,
      Object.fromEntries(
        Object.entries(files).map(([kind, content]) => {
          return [
            fileNames[kind as keyof typeof fileNames],
            typeof content === "string" ? new TextEncoder().encode(content) : content,
          ];
        }),
      ),
    );
    const picture = paper(320, 160, [20, 60, 40]);
    drawText(picture, { text: "LIGHT ON DARK", centre: [160, 40], height: 20, color: [250, 250, 210] });
    drawText(picture, { text: "B25", centre: [80, 110], height: 21, color: [240, 200, 120] });
    drawText(picture, { text: "XYZ", centre: [240, 112], height: 21, color: [240, 200, 120] });
    const png = ({ width, height, data }: typeof picture) =>
      encodePng({ width, height, data: Uint8Array.from(data), channels: 4 });
    const blank = paper(320, 160, [0, 0, 0]);
    blank.data.fill(0); // transparent black is white paper
    await put(folder, { "sign.png": png(picture), "blank.png": png(blank), "text.jpg": new TextEncoder().encode("no picture") });
    const paths = ["none.png", "text.jpg", "sign.png", "blank.png"].map((name) => join(folder, name));
    const args = ["--models", networks, "--device", "wasm", ...paths];
    const permissions = [`--allow-read=${folder}`];
    const read = await runExample(file, args, { permissions });
    checkEnded(read, 1, /^Cannot read .*none\.png: there is no such file$/m);
    assert.match(read.err, /^Cannot read .*text\.jpg: it is neither a PNG nor a JPEG file$/m);
    assert.match(read.out, /sign\.png, 320x160: 3 lines\n {2}LIGHT ON DARK {2}\(.*\n {2}B25 {2}\(.*\n {2}XYZ {2}\(/);
    assert.match(read.out, /blank\.png, 320x160: no text/);

    checkEnded(await runExample(file, args), 1, /Cannot read the networks in .* without permission: run deno with --allow-read=/);
    checkEnded(
      await runExample(file, paths),
      1,
      /Cannot find the cache folder without permission: .*--allow-net=registry\.npmjs\.org/,
    );
    checkEnded(await runExample(file, [], { permissions }), 2, /an IMAGE is needed/);
    await Deno.writeFile(join(networks, fileNames.detection), files.detection.slice(0, 300));
    checkEnded(await runExample(file, args, { permissions }), 1, /^Cannot read .*as ONNX/m);
  });
});
