/** Damaged images by the ten thousand: each is decoded or refused, in little memory, and the decoder goes on working. */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { datasets } from "../../mod.ts";
import { decodeImage } from "../../datasets/images/decode.ts";
import stored from "../fixtures/images.json" with { type: "json" };

const mutations = 10_000;

/** The checksums of a PNG file's chunks made right, so that the decoder gets to see what is wrong. */
function repaired(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

for (const [kind, isKind] of [["PNG", /png$/], ["JPEG", /jpg$/]] as const) {
  Deno.test(`${mutations} mutations of ${kind} files`, async () => {
    const files = Object.entries(stored).filter(([name]) => isKind.test(name)).map(([, { file }]) => Uint8Array.fromBase64(file));
    const expected = await Promise.all(files.map(async (file) => [...(await decodeImage(file)).data as Uint8ClampedArray]));
    const before = Deno.memoryUsage().rss;
    const random = datasets.randomStream([0, 1]);
    let decoded = 0;
    for (let i = 0; i < mutations; i++) {
      const whole = files[i % files.length];
      const bytes = whole.slice(0, random.below(8) === 0 ? random.below(whole.length) : undefined);
      for (let changes = 1 + random.below(4); changes > 0 && bytes.length > 0; changes--) {
        // Half of them in what describes the image.
        bytes[random.below(random.below(2) === 0 ? Math.min(200, bytes.length) : bytes.length)] = random.below(256);
      }
      const damaged = kind === "PNG" && random.below(4) > 0 ? repaired(bytes) : bytes;
      await decodeImage(damaged).then(({ height, width, data }) => {
        assert.equal(data.length, 4 * height * width);
        decoded++;
      }, (error) => {
        assert.ok(error instanceof Error && !(error instanceof TypeError) && error.message.length > 0, `${i}: ${error}`);
      });
    }
    assert.ok(decoded > mutations / 100 && decoded < mutations, `${decoded}`);
    for (const [i, file] of files.entries()) {
      assert.deepEqual([...(await decodeImage(file)).data as Uint8ClampedArray], expected[i]);
    }
    const grown = Deno.memoryUsage().rss - before;
    assert.ok(grown < 2 ** 29, `${grown} bytes more`);
  });
}
