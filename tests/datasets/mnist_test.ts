/** Data sets in folders, the cache's path, what is said without permissions, and MNIST itself if it is there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cacheFolder } from "../../datasets/cache.ts";
import { fashionMnist, fashionMnistClasses, idxDataset, mnist, showDatasetError } from "../../datasets/mod.ts";
import { pipe, TaskEither } from "../../deps.ts";
import { gzip, idxBytes, imageFile, labelFile, left, list, put, right, smallSource, withCache, withFolder } from "./fixtures.ts";
import { withVariables } from "../support/variables.ts";

const { source, plain, packed } = await smallSource();
const images = "train-images-idx3-ubyte";

Deno.test("a folder's files may be packed or not, and lie as others lay them", async () => {
  const [first, ...others] = Object.keys(plain);
  const mixed = Object.fromEntries([[first, plain[first]], ...others.map((name) => [`${name}.gz`, packed[`${name}.gz`]])]);
  const copies = Object.fromEntries(Object.entries(plain).map(([name, bytes]) => [name.replace("-idx", ".idx"), bytes]));
  for (const files of [plain, packed, mixed, copies]) {
    for (const below of ["", "raw", "MNIST/raw"]) {
      await withFolder(async (folder) => {
        await put(join(folder, below), files);
        const loaded = right(await idxDataset(source, { folder })());
        assert.deepEqual([loaded.name, loaded.train.count, loaded.test.count], ["small", 30, 12]);
      });
    }
  }
});

Deno.test("a folder's files may be others of the same form, and then bear its name", async () => {
  await withFolder(async (folder) => {
    await put(folder, { ...plain, "t10k-images-idx3-ubyte": imageFile(5), "t10k-labels-idx1-ubyte": labelFile(5) });
    const loaded = right(await mnist({ folder })());
    assert.deepEqual([loaded.name, loaded.train.count, loaded.test.count], [folder, 30, 5]);
  });
});

Deno.test("what is wrong with a folder's files is named, and nothing is changed", async () => {
  const { [images]: _, ...missing } = plain;
  const cases: readonly [files: Record<string, Uint8Array>, kind: "NotFound" | "Gzip" | "Format", reason: RegExp][] = [
    [{}, "NotFound", /Cannot find train-images-idx3-ubyte in .*: put .* there/],
    [missing, "NotFound", /train-images-idx3-ubyte/],
    [{ ...missing, [`${images}.gz`]: packed[`${images}.gz`].slice(0, 999) }, "Gzip", /999 bytes is cut short or damaged/],
    [{ ...plain, [images]: plain[images].slice(0, 999) }, "Format", /cut short/],
    [{ ...plain, [images]: labelFile(30) }, "Format", /axes/],
    [{ ...plain, [images]: idxBytes([30, 20, 20], new Uint8Array(30 * 400)) }, "Format", /20 x 20/],
    [{ ...plain, "t10k-labels-idx1-ubyte": labelFile(13) }, "Format", /13 labels for the 12 images/],
    [{ ...plain, "t10k-labels-idx1-ubyte": labelFile(12).with(10, 17) }, "Format", /label 17 at index 2 is above 9/],
  ];
  for (const [files, kind, reason] of cases) {
    await withFolder(async (folder) => {
      await put(folder, files);
      assert.match(left(await mnist({ folder })(), kind).message, reason);
      assert.deepEqual(await list(folder), Object.keys(files).sort());
    });
  }
});

Deno.test("what loads a data set is a TaskEither", async () => {
  const load = (folder: string) =>
    pipe(
      mnist({ folder }),
      TaskEither.map(({ train }) => train.count),
      TaskEither.orElse((error) => error.kind === "NotFound" ? TaskEither.right(0) : TaskEither.left(error)),
    );
  await withFolder(async (folder) => {
    assert.equal(right(await load(folder)()), 0);
    await put(folder, plain);
    assert.equal(right(await load(folder)()), 30);
  });
});

Deno.test("a folder that is none, and a file that is a folder", async () => {
  await withFolder(async (folder) => {
    await put(folder, { file: new Uint8Array(3) });
    left(await mnist({ folder: join(folder, "nothing") })(), "NotFound");
    left(await mnist({ folder: join(folder, "file") })(), "NotFound");
    await put(join(folder, "kaggle", images), plain);
    assert.match(
      left(await mnist({ folder: join(folder, "kaggle") })(), "Read").message,
      /^Cannot read .*train-images-idx3-ubyte: /,
    );
  });
});

Deno.test("without a download, an empty cache says what to do", async () => {
  await withCache(async () => {
    const error = left(await idxDataset(source, { download: false })(), "NotFound");
    assert.equal(error.file, `${images}.gz`);
    assert.match(showDatasetError(error), /let it be downloaded, or give a folder/);
  });
});

Deno.test("the cache is where the first variable that is set says", async () => {
  const none = { COTANGENT_CACHE: undefined, XDG_CACHE_HOME: undefined, HOME: undefined, LOCALAPPDATA: undefined };
  const folderWith = (variables: Partial<Record<keyof typeof none, string>>) =>
    withVariables({ ...none, ...variables }, () => cacheFolder("mnist"));
  assert.equal(right(await folderWith({ COTANGENT_CACHE: "/c", XDG_CACHE_HOME: "/x", HOME: "/h" })), join("/c", "mnist"));
  const empty = await folderWith({ COTANGENT_CACHE: "", XDG_CACHE_HOME: "/x", HOME: "/h" });
  assert.equal(right(empty), join("/x", "cotangent", "mnist"));
  const home = right(await folderWith({ HOME: "/h", LOCALAPPDATA: "/h" }));
  assert.ok(home.endsWith(join("cotangent", "mnist")) && home !== join("/x", "cotangent", "mnist"), home);
  assert.match(left(await folderWith({}), "Cache").message, /set COTANGENT_CACHE/);
});

Deno.test({
  name: "without permissions nothing is asked, and the error names every flag",
  permissions: "none",
  async fn() {
    assert.match(
      left(await mnist()(), "Permission").flag,
      /^--allow-env=COTANGENT_CACHE,.* --allow-read --allow-write --allow-net=/,
    );
    assert.doesNotMatch(left(await mnist({ download: false })(), "Permission").flag, /write|net/);
    assert.equal(left(await mnist({ folder: "digits" })(), "Permission").flag, "--allow-read=digits");
  },
});

Deno.test({
  name: "with some permissions the error names the others",
  permissions: { env: true, read: true },
  async fn() {
    const flag = left(await mnist({ mirrors: ["https://example.invalid/mnist", "http://127.0.0.1:8080"] })(), "Permission").flag;
    assert.match(flag, /^--allow-write=.*mnist --allow-net=example\.invalid,127\.0\.0\.1:8080$/);
  },
});

const real = new URL("../../../shared/data/mnist", import.meta.url).pathname;
const present = await Deno.stat(real).then(() => true, () => false);

Deno.test({
  name: "MNIST is read to the byte",
  ignore: !present,
  async fn() {
    const { name, train, test } = right(await mnist({ folder: real })());
    assert.deepEqual([name, train.count, test.count], ["mnist", 60_000, 10_000]);
    assert.deepEqual([...train.labels.subarray(0, 10)], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    const mean = train.images.reduce((sum, pixel) => sum + pixel, 0) / train.images.length / 255;
    assert.ok(Math.abs(mean - 0.1307) < 1e-4, `${mean}`);
  },
});

Deno.test("digests may be of the packed files, and MD5s: so is Fashion-MNIST's form", async () => {
  const { source, packed, plain } = await smallSource("md5", "packed");
  await withCache(async (folder) => {
    await put(folder, packed);
    const named = { ...source, classNames: fashionMnistClasses };
    assert.deepEqual(right(await idxDataset(named, { download: false })()).classNames, fashionMnistClasses);
    const [wrong] = source.files;
    await put(folder, { [`${wrong.name}.gz`]: await gzip(plain[wrong.name].with(99, 1)) });
    const error = left(await idxDataset(named, { download: false })(), "Digest");
    assert.match(error.message, /the MD5 of its bytes is [0-9a-f]{32}, but it should be [0-9a-f]{32}/);
    assert.equal(error.expected, wrong.digest.hex);
  });
  await withFolder(async (folder) => {
    await put(folder, packed);
    assert.equal(right(await idxDataset(source, { folder })()).name, "small");
    // What the published files unpack to cannot be distinguished from others.
    await put(join(folder, "plain", "FashionMNIST", "raw"), plain);
    assert.equal(right(await fashionMnist({ folder: join(folder, "plain") })()).name, join(folder, "plain"));
  });
});

Deno.test("classes without names are called by their numbers", async () => {
  await withFolder(async (folder) => {
    await put(folder, plain);
    assert.deepEqual(right(await mnist({ folder })()).classNames, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });
});
