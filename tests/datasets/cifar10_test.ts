/** CIFAR-10 from a small archive of the test's own: to the byte, through the cache, from folders, and what may be wrong with it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { packTar } from "../../dev_deps.ts";
import { cifar10, cifar10Classes, type Cifar10Source, cifar10Source, type DatasetOptions } from "../../datasets/mod.ts";
import { hexDigest } from "../../datasets/hex_digest.ts";
import type { Bytes } from "../../datasets/gzip.ts";
import { gzip, left, list, put, right, serve, serveCut, serveFile, withCache, withFolder } from "./fixtures.ts";

const recordBytes = 3073;

/** A file of records whose label is their number, and whose pixels encode their file, plane and index. */
function records(count: number, file: number): Bytes {
  return Uint8Array.from({ length: count * recordBytes }, (_, i) => {
    const record = Math.floor(i / recordBytes), at = i % recordBytes - 1;
    if (at < 0) return (record + file) % 10;
    return (Math.imul(at + 1, 0x9e3779b1) >>> 20) + 40 * Math.floor(at / 1024) + file;
  });
}

const names = cifar10Classes.join("\n") + "\n\n";

/** The files of a small data set: 4 images in each of five files to train, 3 to test. */
const files: Record<string, Bytes> = {
  "batches.meta.txt": new TextEncoder().encode(names),
  ...Object.fromEntries([1, 2, 3, 4, 5].map((batch) => [`data_batch_${batch}.bin`, records(4, batch)])),
  "readme.html": new TextEncoder().encode("<html></html>"),
  "test_batch.bin": records(3, 6),
};

/** An archive of some files, in a folder as the published one has them. */
async function archiveOf(files: Readonly<Record<string, Bytes>>): Promise<Bytes> {
  const folder = { header: { name: "cifar-10-batches-bin/", type: "directory", size: 0 } } as const;
  const entries = Object.entries(files).map(([name, bytes]) => ({
    header: { name: `cifar-10-batches-bin/${name}`, size: bytes.length },
    body: bytes,
  }));
  return await gzip(await packTar([folder, ...entries]));
}

/** A source whose archive has these bytes. */
async function sourceOf(archive: Bytes): Promise<Cifar10Source> {
  const hex = await hexDigest("sha256", archive);
  const digest = { algorithm: "sha256", of: "packed", bytes: archive.length, hex } as const;
  return { name: "small", mirrors: [], archive: cifar10Source.archive, digest };
}

const archive = await archiveOf(files);
const source = await sourceOf(archive);

/** Loads an archive that a server has and whose digest is right. */
async function loadServed(served: Bytes, options: DatasetOptions = {}) {
  await using server = serve((_, request) => serveFile(served, request));
  return await cifar10({ mirrors: [server.url], ...options }, await sourceOf(served))();
}

Deno.test("CIFAR-10 is downloaded once, read to the byte, and then comes from the cache", async () => {
  await withCache(async (folder) => {
    await using server = serve((_, request) => serveFile(archive, request));
    const loaded = right(await cifar10({ mirrors: [server.url] }, source)());
    const { name, classNames, train, test } = loaded;
    assert.deepEqual([name, train.count, train.shape, train.classes, test.count], ["small", 20, [3, 32, 32], 10, 3]);
    assert.deepEqual(classNames, cifar10Classes);
    assert.deepEqual([...train.labels.subarray(0, 8)], [1, 2, 3, 4, 2, 3, 4, 5]);
    assert.deepEqual([...test.labels], [6, 7, 8]);
    const second = files["data_batch_2.bin"].subarray(recordBytes + 1, 2 * recordBytes);
    assert.deepEqual(train.images.subarray(5 * 3072, 6 * 3072), second);
    assert.deepEqual(await list(folder), [source.archive]);
    assert.deepEqual(right(await cifar10({ download: false }, source)()), loaded);
    assert.equal(server.requests.length, 1);
  });
});

Deno.test("an interrupted download of the archive goes on where it stopped", async () => {
  await withCache(async () => {
    let cuts = 0;
    await using server = serve((_, request) => cuts++ < 1 ? serveCut(archive, 1000, request) : serveFile(archive, request));
    assert.equal(right(await cifar10({ mirrors: [server.url] }, source)()).test.count, 3);
    assert.deepEqual(server.requests.map(({ range }) => range), [null, "bytes=1000-"]);
  });
});

Deno.test("an archive with another digest, or cut short, is not kept", async () => {
  const cases: readonly [archive: Bytes, kind: string][] = [
    [archive.with(500, archive[500] ^ 1), "Digest"],
    [await archiveOf({ ...files, "test_batch.bin": records(2, 6) }), "Http"],
    [archive.slice(0, archive.length >> 1), "Http"],
  ];
  for (const [wrong, kind] of cases) {
    await withCache(async (folder) => {
      await using server = serve((_, request) => serveFile(wrong, request));
      const error = left(await cifar10({ mirrors: [server.url] }, source)(), "Download");
      assert.equal(error.attempts[0].error.kind, kind);
      assert.deepEqual(await list(folder), []);
    });
  }
});

Deno.test("what is wrong within an archive is named", async () => {
  const { "data_batch_3.bin": _, ...missing } = files;
  const cases: readonly [archive: Bytes, reason: RegExp][] = [
    [await archiveOf(missing), /tar archive: it has no file data_batch_3\.bin/],
    [
      await archiveOf({ ...files, "test_batch.bin": files["test_batch.bin"].slice(1) }),
      /9218 bytes are not whole records of 3073/,
    ],
    [await archiveOf({ ...files, "data_batch_1.bin": records(2, 0).with(recordBytes, 10) }), /label 10 of record 1 is above 9/],
    [await archiveOf({ ...files, "batches.meta.txt": new TextEncoder().encode("cat\ndog\n") }), /it names 2, not 10/],
    [await gzip(new Uint8Array(2000).fill(65)), /tar archive/],
    [await gzip(new Uint8Array(0)), /it has no file/],
    [
      await gzip(new Uint8Array(
        await new Response(new Blob([archive]).stream().pipeThrough(new DecompressionStream("gzip")))
          .arrayBuffer(),
      ).slice(0, 20_000)),
      /it ends after|it has no file/,
    ],
  ];
  for (const [archive, reason] of cases) {
    await withCache(async () => {
      assert.match(left(await loadServed(archive), "Format").message, reason);
    });
  }
});

Deno.test("a folder may have the files, or them in their own folder, or the archive", async () => {
  const { "batches.meta.txt": _, ...unnamed } = files;
  const cases: readonly [below: string, files: Record<string, Bytes>, named: boolean][] = [
    ["", files, false],
    ["cifar-10-batches-bin", files, false],
    ["", unnamed, false],
    ["", { [source.archive]: archive }, true],
    ["", { [source.archive]: await archiveOf({ ...files, more: new Uint8Array(9) }) }, false],
  ];
  for (const [below, content, named] of cases) {
    await withFolder(async (folder) => {
      await put(join(folder, below), content);
      const loaded = right(await cifar10({ folder }, source)());
      assert.deepEqual([loaded.name, loaded.train.count, loaded.test.count], [named ? "small" : folder, 20, 3]);
      assert.deepEqual(loaded.classNames, cifar10Classes);
      assert.deepEqual(loaded.test.images.subarray(0, 3072), files["test_batch.bin"].subarray(1, recordBytes));
    });
  }
});

Deno.test("what is wrong with a folder is named", async () => {
  const { "test_batch.bin": _, ...missing } = files;
  await withFolder(async (folder) => {
    assert.match(left(await cifar10({ folder }, source)(), "NotFound").message, /put it and its like there, or cifar-10-binary/);
    await put(folder, missing);
    assert.match(left(await cifar10({ folder }, source)(), "NotFound").message, /test_batch\.bin/);
    await put(folder, { "test_batch.bin": new Uint8Array(5) });
    assert.match(left(await cifar10({ folder }, source)(), "Format").message, /5 bytes are not whole records/);
  });
});

Deno.test({
  name: "CIFAR-10 without permissions asks for nothing, and names the flags",
  permissions: "none",
  async fn() {
    assert.match(
      left(await cifar10()(), "Permission").flag,
      /--allow-env=.* --allow-read --allow-write --allow-net=www\.cs\.toronto/,
    );
    assert.equal(left(await cifar10({ folder: "cifar" })(), "Permission").flag, "--allow-read=cifar");
  },
});
