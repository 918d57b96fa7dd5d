/** Folders of images: which files and classes they have, what a loader makes of them, and what is damaged, hostile or not permitted. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { datasets, OptionError } from "../../mod.ts";
import { encodePng } from "../../visual/deps.ts";
import { decodeImage } from "../../datasets/images/decode.ts";
import { encodeJpeg } from "../../dev_deps.ts";
import stored from "../fixtures/images.json" with { type: "json" };
import { left, right, withFolder } from "./fixtures.ts";

const { imageFolder, loader, split, subset } = datasets;
type Options = datasets.ImageFolderOptions;

/** A PNG file of one colour, or of noise by a number. */
function png(value: number, height = 5, width = 7): Uint8Array {
  return encodePng({ width, height, channels: 3, data: new Uint8Array(3 * height * width).fill(value) });
}

/** A JPEG file of noise. */
async function jpeg(height: number, width: number): Promise<Uint8Array> {
  const data = Uint8ClampedArray.from({ length: 4 * height * width }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
  return new Uint8Array(await encodeJpeg(new ImageData(data, width, height), { quality: 90 }));
}

async function put(folder: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) {
    await Deno.mkdir(join(folder, path, ".."), { recursive: true });
    await Deno.writeFile(join(folder, path), bytes);
  }
}

async function open(folder: string, options: Partial<Options> = {}): Promise<datasets.ImageFolder> {
  return right(await imageFolder(folder, { size: 4, ...options })());
}

async function batchesOf(set: datasets.ImageFolder, options: Partial<datasets.LoaderOptions> = {}) {
  return await Array.fromAsync(loader(set, { batchSize: 4, ...options }));
}

/** How far the decoder of four colours may be off: it has another transform, and repeats halved colours where libjpeg smooths them. */
const furthestOf: Readonly<Record<string, number>> = {
  "four colours.jpg": 1,
  "four colours, halved.jpg": 13,
  "four colours, YCCK.jpg": 2,
};

Deno.test("pixels are those of torchvision, to the byte: grey, opacity, palettes, JPEG, and none turned", async () => {
  await withFolder(async (folder) => {
    for (const [name, { file }] of Object.entries(stored)) await put(folder, { [`all/${name}`]: Uint8Array.fromBase64(file) });
    const paths = Object.keys(stored).map((name) => `all/${name}`).sort();
    const cases = Object.values(stored)[0].cases;
    for (const [i, { size, framing, channels }] of cases.entries()) {
      const set = await open(folder, { size, framing, channels } as Options);
      assert.deepEqual(set.paths, paths);
      const [{ images, count, shape }] = await batchesOf(set, { batchSize: 100 });
      assert.deepEqual([count, shape], [paths.length, [count, ...set.shape]]);
      set.paths.forEach((path, at) => {
        const expected = Uint8Array.fromBase64(stored[path.slice(4) as keyof typeof stored].cases[i].bytes);
        const made = images.subarray(at * expected.length, (at + 1) * expected.length);
        const most = furthestOf[path.slice(4)] ?? 0;
        const furthest = made.reduce((far, value, i) => Math.max(far, Math.abs(value - expected[i])), 0);
        assert.ok(made.length === expected.length && furthest <= most, `${path} ${framing.kind}: ${furthest} off`);
      });
    }
  });
});

Deno.test("classes are the subfolders, at any depth, in the order of their names; what is no image is left out", async () => {
  await withFolder(async (folder) => {
    await put(folder, {
      "b/1.png": png(1),
      "b/deep/er/2.JPEG": await jpeg(6, 5),
      "a/z.jpg": await jpeg(5, 6),
      "a/notes.txt": png(3),
      "a/._z.jpg": png(3),
      ".git/x.png": png(3),
      "loose.png": png(3),
      "C/no extension.pNg": png(4),
    });
    const set = await open(folder);
    assert.deepEqual(set.classNames, ["C", "a", "b"]);
    assert.deepEqual(set.paths, ["C/no extension.pNg", "a/z.jpg", "b/1.png", "b/deep/er/2.JPEG"]);
    assert.deepEqual([...set.labels, set.count, set.classes], [0, 1, 2, 2, 4, 3]);
    const [{ images, labels, shape, skipped }] = await batchesOf(set);
    assert.deepEqual([[...labels], shape, skipped], [[0, 1, 2, 2], [4, 3, 4, 4], []]);
    assert.deepEqual([...new Set(images.subarray(0, 48))], [4]);

    const fixed = await open(folder, { classNames: ["b", "a", "C", "d"] });
    assert.deepEqual([[...fixed.labels], fixed.classes], [[2, 1, 0, 0], 4]);
    const unknown = left(await imageFolder(folder, { size: 4, classNames: ["a", "b"] })(), "Format");
    assert.match(unknown.message, /C\/no extension\.pNg is of class "C", which is not among classNames/);
  });
});

Deno.test("a function gives the class of a path: a name, a label, or nothing", async () => {
  await withFolder(async (folder) => {
    await put(folder, { "cat_1.png": png(1), "dog_1.png": png(2), "cat_2.png": png(3), "x/unknown.png": png(4) });
    const named = await open(folder, { label: (path) => /^[a-z]+(?=_)/.exec(path)?.[0] });
    assert.deepEqual([named.classNames, [...named.labels]], [["cat", "dog"], [0, 0, 1]]);
    const numbered = await open(folder, { label: (path) => path.includes("/") ? 11 : 2 });
    assert.deepEqual([numbered.classes, numbered.classNames[11], [...numbered.labels]], [12, "11", [2, 2, 2, 11]]);
    assert.match(left(await imageFolder(folder, { size: 4, label: () => undefined })(), "Format").message, /of 4 files none has/);
    const wrong = [() => 0.5, () => -1, () => 2 ** 30, () => null, (path: string) => path.includes("/") ? 0 : "a"];
    for (const label of wrong) await assert.rejects(imageFolder(folder, { size: 4, label: label as never })(), TypeError);
    await assert.rejects(
      imageFolder(folder, { size: 4, label: () => assert.fail("the user's own") })(),
      /the user's own/,
    );
  });
});

Deno.test("batches are the same however many workers make them, by the keys of the examples", async () => {
  await withFolder(async (folder) => {
    for (let i = 0; i < 6; i++) await put(folder, { [`${i % 2}/${i}.jpg`]: await jpeg(20 + i, 30 - i), [`2/${i}.png`]: png(i) });
    for (const framing of [{ kind: "centerCrop" }, { kind: "randomResizedCrop" }] as const) {
      const set = await open(folder, { framing });
      const expected = await batchesOf(set, { shuffle: 1, batchSize: 5 });
      for (const workers of [1, 2]) {
        assert.deepEqual(await batchesOf(set, { shuffle: 1, batchSize: 5, workers }), expected, `${workers} workers`);
      }
      // An example's key is its own, whatever batch it is in; in another epoch it is another.
      const flat = (batches: Awaited<ReturnType<typeof batchesOf>>) => batches.flatMap(({ images }) => [...images]);
      assert.deepEqual(flat(await batchesOf(set, { shuffle: 1, batchSize: 3 })), flat(expected));
      const [first, second] = await Promise.all([0, 1].map((epoch) => batchesOf(set, { key: 1, epoch, batchSize: 12 })));
      assert.equal(framing.kind === "centerCrop", Object.is(JSON.stringify(first), JSON.stringify(second)));
    }
    const doubled = loader(await open(folder), { batchSize: 6, transform: ({ count, shape }) => [count, ...shape] });
    assert.deepEqual(await Array.fromAsync(doubled), [[6, 6, 3, 4, 4], [6, 6, 3, 4, 4]]);
  });
});

Deno.test("random crops are parts of the image, of the area and ratio asked for", async () => {
  await withFolder(async (folder) => {
    // Red counts the columns, green the rows: a crop shows in which it began and ended.
    const [height, width] = [60, 100];
    const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => {
      const at = Math.floor(i / 3);
      return [2 * (at % width), 4 * Math.floor(at / width), 0][i % 3];
    });
    for (let i = 0; i < 60; i++) await put(folder, { [`a/${i}.png`]: encodePng({ width, height, channels: 3, data }) });
    const set = await open(folder, { size: 40, framing: { kind: "randomResizedCrop", scale: [0.25, 0.5], ratio: [1, 2] } });
    const [{ images }] = await batchesOf(set, { batchSize: 60 });
    const sizes = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const plane = (channel: number) => images.subarray((3 * i + channel) * 1600, (3 * i + channel + 1) * 1600);
      const [across, down] = [plane(0), plane(1)];
      // The first and last pixel are in the middle of a fortieth at both ends.
      const w = (across[39] - across[0]) / 2 * 40 / 39 + 1, h = (down[1560] - down[0]) / 4 * 40 / 39 + 1;
      assert.ok(
        across.every((value, at) => value === across[at % 40]) && down.every((value, at) => value === down[at - at % 40]),
      );
      assert.ok(w * h > 0.25 * 6000 * 0.85 && w * h < 0.5 * 6000 * 1.15, `${w} x ${h}`);
      assert.ok(w / h > 0.85 && w / h < 2.3, `${w} x ${h}`);
      sizes.add(`${Math.round(w)} ${Math.round(h)} ${across[0]} ${down[0]}`);
    }
    assert.ok(sizes.size > 50);
    // None of that area fits a strip: the middle of the largest ratio is taken.
    await put(folder, { "strip/0.png": png(9, 2, 200) });
    const strip = subset(await open(folder, { framing: { kind: "randomResizedCrop", scale: [1, 1] } }), [60]);
    assert.deepEqual([...new Set((await batchesOf(strip))[0].images)], [9]);
  });
});

/** What is wrong with a file, by each of its cuts and by others. */
async function damagedFiles(): Promise<Record<string, readonly [bytes: Uint8Array, reason: RegExp]>> {
  const [whole, photo] = [png(7, 9, 9), await jpeg(24, 24)];
  const files: Record<string, readonly [Uint8Array, RegExp]> = {
    "empty.png": [new Uint8Array(0), /is empty/],
    "text.jpg": [new TextEncoder().encode("hello"), /neither a PNG nor a JPEG/],
  };
  for (const cut of [8, 20, 33, 50, whole.length - 12, whole.length - 1]) {
    files[`png cut to ${cut}.png`] = [whole.subarray(0, cut), /ends early/];
  }
  for (const cut of [2, 3, 20, 160, photo.length >> 1, photo.length - 2, photo.length - 1]) {
    files[`jpeg cut to ${cut}.jpg`] = [photo.subarray(0, cut), /ends early|no frame/];
  }
  for (const at of [18, 29, 45, whole.length - 14]) {
    files[`png changed at ${at}.png`] = [whole.map((byte, i) => i === at ? byte ^ 4 : byte), /checksum of its chunk/];
  }
  const claims = photo.slice();
  const frame = claims.findIndex((byte, i) => byte === 0xff && (claims[i + 1] & 0xfc) === 0xc0);
  claims.fill(0xff, frame + 5, frame + 9);
  files["claims.jpg"] = [claims, /claims 65535 x 65535 pixels/];
  files["too short.jpg"] = [
    claims.slice().fill(0x10, frame + 5, frame + 9),
    /claims 4112 x 4112 pixels, for which its \d+ bytes are too few/,
  ];
  files["none.jpg"] = [claims.slice().fill(0, frame + 5, frame + 9), /no pixels/];
  return files;
}

Deno.test("a damaged file is named, with what is wrong; or left out, with the same words", async () => {
  const files = await damagedFiles();
  await withFolder(async (folder) => {
    for (const [name, [bytes]] of Object.entries(files)) await put(folder, { [`a/${name}`]: bytes });
    await put(folder, { "a/0.png": png(1), "b/z.jpg": await jpeg(6, 6) });
    await Deno.symlink(join(folder, "nowhere.png"), join(folder, "a", "broken link.png"));
    const all = await open(folder, { damaged: "skip" });
    assert.equal(all.count, Object.keys(files).length + 3);
    for (const workers of [0, 2]) {
      const batches = await batchesOf(all, { batchSize: 5, workers });
      const skipped = new Map(batches.flatMap(({ skipped }) => skipped).map(({ path, reason }) => [path, reason]));
      for (const [name, [, reason]] of Object.entries(files)) assert.match(skipped.get(`a/${name}`) ?? "none", reason, name);
      assert.deepEqual(batches.flatMap(({ labels }) => [...labels]), [0, 1]);
      for (const { images, labels, count, shape } of batches) {
        assert.deepEqual([images.length, labels.length, shape], [48 * count, count, [count, 3, 4, 4]]);
      }
      assert.match(skipped.get("a/broken link.png")!, /No such file/);
      assert.equal(skipped.size, all.count - 2);
    }
    const strict = await open(folder);
    for (const [name, [, reason]] of Object.entries(files).slice(0, 4)) {
      const one = subset(strict, [strict.paths.indexOf(`a/${name}`)]);
      const error = await batchesOf(one, { workers: 0 }).then(() => assert.fail("no error"), (error) => error);
      assert.ok(error instanceof datasets.LoaderError);
      assert.ok(
        error.message.startsWith(`Cannot make batch 0 of 1 (epoch 0): Error: Cannot read the image ${join(folder, "a", name)}: `),
      );
      assert.match(error.message, reason);
    }
    await assert.rejects(batchesOf(strict, { batchSize: 100, workers: 1 }), /Cannot read the image .*broken link\.png: /);
  });
});

Deno.test("an image of one colour is no bomb, however small its file is", async () => {
  const [height, width] = [1500, 2000];
  const solid = new ImageData(new Uint8ClampedArray(4 * height * width).fill(255), width, height);
  for (const file of [new Uint8Array(await encodeJpeg(solid, { quality: 1 })), png(255, height, width)]) {
    assert.ok(file.length < height * width / 150);
    const { data } = await decodeImage(file);
    assert.ok(data[0] > 200 && data.length === 4 * height * width, `${data[0]}`);
  }
});

Deno.test("whatever bytes a file has, it is decoded or damaged, and the next is decoded as before", async () => {
  const good = await jpeg(16, 16);
  const expected = [...(await decodeImage(good)).data as Uint8ClampedArray];
  for (const whole of [good, png(3, 6, 6)]) {
    for (let i = 0; i < 300; i++) {
      const bytes = whole.slice(0, i % 3 === 0 ? i * 7 % whole.length : undefined);
      for (let flips = i % 4; flips >= 0 && bytes.length > 0; flips--) {
        bytes[(i * 97 + flips * 31) % bytes.length] ^= 1 + (i * 29) % 255;
      }
      await decodeImage(bytes).then(({ height, width, data }) => assert.equal(data.length, 4 * height * width), (error) => {
        assert.ok(error instanceof Error && !(error instanceof TypeError), `${i}: ${error}`);
      });
    }
  }
  assert.deepEqual([...(await decodeImage(good)).data as Uint8ClampedArray], expected);
});

Deno.test("parts of a folder have each file once, in the proportions of the classes if asked", async () => {
  await withFolder(async (folder) => {
    for (let i = 0; i < 30; i++) await put(folder, { [`${i % 3}/${i}.png`]: png(i) });
    const set = await open(folder);
    const [train, validation] = split(set, { fraction: 0.2, key: 0, stratify: true });
    assert.deepEqual([train.count, validation.count], [24, 6]);
    assert.deepEqual([...validation.labels], [0, 0, 1, 1, 2, 2]);
    assert.deepEqual([...train.paths, ...validation.paths].sort(), set.paths);
    for (const part of [train, validation]) assert.ok(part.paths.every((path, i) => path.startsWith(`${part.labels[i]}/`)));
    const [{ images, labels }] = await batchesOf(subset(set, [4, 4]));
    assert.deepEqual([[...new Set(images)], [...labels]], [[Number(/\d+(?=\.)/.exec(set.paths[4])![0])], [0, 0]]);
    assert.throws(() => subset(set, [30]), RangeError);
    assert.throws(() => datasets.batches(set as never, { batchSize: 2 }), /use loader/);
    assert.throws(() => loader(set, { batchSize: 2, normalize: { mean: 0, std: 1 } } as never), /transforms\.normalize/);
  });
});

Deno.test("more than 256 classes, and names of any kind", async () => {
  await withFolder(async (folder) => {
    const bytes = png(1);
    for (let i = 0; i < 300; i++) await put(folder, { [`class ${String(i).padStart(3, "0")}/x.png`]: bytes });
    const set = await open(folder);
    const batches = await batchesOf(set, { batchSize: 100, workers: 1 });
    assert.deepEqual(batches.flatMap(({ labels }) => [...labels]), Array.from({ length: 300 }, (_, i) => i));
    assert.equal(set.classNames[299], "class 299");
  });
  await withFolder(async (folder) => {
    const names = ["__proto__", "constructor", "a\nb", "%2e%2e", "\u{1f408} chat", 'it\'s "quoted"', "-rf", "a b?c#d", "\\"];
    for (const name of names) await put(folder, { [`${name}/${name}.png`]: png(1) });
    const set = await open(folder);
    assert.deepEqual(set.classNames, names.toSorted());
    assert.deepEqual([...(await batchesOf(set, { batchSize: 20, workers: 1 }))[0].labels], names.map((_, i) => i));
  });
});

Deno.test("links are followed, also in circles", async () => {
  await withFolder(async (folder) => {
    await put(folder, { "sets/a/x.png": png(1), "elsewhere/y.png": png(2), "elsewhere/deep/z.png": png(3) });
    const sets = join(folder, "sets");
    await Deno.symlink(join(folder, "elsewhere"), join(sets, "b"));
    await Deno.symlink(join(folder, "elsewhere", "y.png"), join(sets, "a", "linked.png"));
    await Deno.symlink(join(sets, "a"), join(sets, "a", "again"));
    await Deno.symlink("self", join(sets, "a", "self"));
    assert.deepEqual((await open(sets)).paths, ["a/linked.png", "a/x.png", "b/deep/z.png", "b/y.png"]);
  });
});

Deno.test("a folder that is no set of images says why", async () => {
  await withFolder(async (folder) => {
    const said = async (kind: "NotFound" | "Format" | "Read", at = folder, options: Partial<Options> = {}) =>
      left<"NotFound" | "Format" | "Read">(await imageFolder(at, { size: 4, ...options })(), kind).message;
    assert.match(await said("NotFound", join(folder, "none")), /^Cannot find the folder \S*none: make it/);
    assert.match(await said("Format"), /it has no subfolders, one for each class; .* give a function "label"/);
    await put(folder, { "x.png": png(1) });
    assert.match(await said("Format"), /it has no subfolders/);
    assert.match(await said("Read", join(folder, "x.png")), /it is no folder/);
    for (const name of ["a", "b", "c"]) await Deno.mkdir(join(folder, name));
    assert.match(await said("Format", folder, { label: (path) => path.includes("/") ? "a" : undefined }), /of 1 files none/);
    await put(folder, { "a/x.txt": png(1) });
    await put(folder, { "b/x.png": png(1) });
    assert.match(await said("Format"), /subfolders have no file that ends in .*: "a", "c"$/);
  });
});

Deno.test("options that mean nothing are refused at once", () => {
  const wrong: [Options, new (...given: never[]) => Error][] = [
    [{ size: 0 }, RangeError],
    [{ size: [4] as never }, RangeError],
    [{} as never, OptionError],
    [{ size: 4, channels: 2 as never }, RangeError],
    [{ size: 4, damaged: "ignore" as never }, RangeError],
    [{ size: 4, framing: { kind: "centerCrop", resize: 3 } }, RangeError],
    [{ size: 4, framing: { kind: "randomResizedCrop", scale: [0.5, 0.2] } }, RangeError],
    [{ size: 4, framing: { kind: "randomResizedCrop", ratio: [0, 1] } }, RangeError],
    [{ size: 4, framing: { kind: "crop" } as never }, TypeError],
    [{ size: 4, framing: "stretch" as never }, TypeError],
  ];
  for (const [options, error] of wrong) assert.throws(() => imageFolder("x", options), error, JSON.stringify(options));
});

Deno.test("only the folder need be readable, and workers say what they need", async () => {
  await withFolder(async (folder) => {
    await put(folder, { "a/x.png": png(1), "a/y.jpg": await jpeg(6, 6) });
    const run = async (script: string) => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--no-lock", `--allow-read=${folder}`, "-"],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      await new Blob([script]).stream().pipeTo(child.stdin);
      return new TextDecoder().decode((await child.output()).stdout).trim().split("\n");
    };
    const address = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);
    const said = await run(`import { datasets } from ${address};
      const open = (path) => datasets.imageFolder(path, { size: 4, damaged: "skip" })();
      const unseen = await open("/etc");
      console.log(unseen.left.kind, unseen.left.flag);`);
    assert.deepEqual(said, ["Permission --allow-read=/etc"]);
    const loaded = await run(`import { datasets } from ${address};
      const { right } = await datasets.imageFolder(${JSON.stringify(folder)}, { size: 4 })();
      for await (const { count } of datasets.loader(right, { batchSize: 2 })) console.log(count);
      await Array.fromAsync(datasets.loader(right, { batchSize: 2, workers: 1 })).catch(({ message }) => console.log(message));`);
    assert.equal(loaded[0], "2");
    assert.match(loaded[1], /Requires read access to .*make_batch\.ts/);
  });
});
