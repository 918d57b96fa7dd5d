/**
 * Files that are cut short or changed: of every format that is read one that is sound, and what may come of damaged copies. Each is read
 * or refused with a sentence; nothing is thrown, hangs, or takes memory that its bytes do not account for.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { fc } from "../../dev_deps.ts";
import { checkpoints, datasets, formats, ones, tensor } from "../../mod.ts";
import { decodeImage } from "../../datasets/images/decode.ts";
import { sign } from "../../formats/checkpoints/digest.ts";
import { zip } from "../../formats/zip.ts";
import stored from "../fixtures/files.json" with { type: "json" };
import images from "../fixtures/images.json" with { type: "json" };
import models from "../fixtures/onnx.json" with { type: "json" };
import safetensors from "../fixtures/safetensors.json" with { type: "json" };
import { tryModel } from "../onnx/models.ts";
import { allocating } from "../support/allocations.ts";

const bytesOf = (text: string) => Uint8Array.fromBase64(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const asText = (text: string) => new TextEncoder().encode(text);

/** Whether a copy was read: true, or false if it was refused. */
type Outcome = boolean;

/** A format, and what is damaged of it. */
export interface Subject {
  /** Sound files, or the parts of some that are damaged. */
  readonly files: readonly Uint8Array[];
  /** Reads damaged bytes in a folder of the subject's own. Throws if something else comes of them than may. */
  readonly read: (bytes: Uint8Array, folder: string) => Promise<Outcome>;
  /** Whether a file that is cut short is refused wherever that is. */
  readonly isWhole?: boolean;
  /** How many bytes of memory a byte of the file may account for; 16 if it is not packed. */
  readonly factor?: number;
  /** Words that mean something in the format, put in anywhere. */
  readonly words?: readonly string[];
  /** Checksums made right again, so that more than them is tried. */
  readonly repaired?: (bytes: Uint8Array) => Uint8Array;
}

/** What may be asked for whatever the file: buffers for names, digests, decoders. */
const leastMemory = 2 ** 20;

interface Result {
  readonly _tag: "Left" | "Right";
  readonly left?: { readonly message: string };
}

/** A result of ours: refused with a sentence, or read. */
function outcome(result: unknown): Outcome {
  const { _tag, left } = result as Result;
  if (_tag === "Left") assert.match(left!.message, /^Cannot /);
  return _tag === "Right";
}

/** Reads bytes as a file of a name. */
function asFile(name: string, read: (path: string, folder: string) => () => Promise<unknown>): Subject["read"] {
  return async (bytes, folder) => {
    const path = join(folder, name);
    await Deno.writeFile(path, bytes);
    return outcome(await read(path, folder)());
  };
}

async function decoded(bytes: Uint8Array): Promise<Outcome> {
  try {
    const { height, width, data } = await decodeImage(bytes);
    assert.equal(data.length, 4 * height * width);
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof TypeError || error instanceof assert.AssertionError), `${error}`);
    assert.ok(error.message.length > 0);
    return false;
  }
}

/** The checksums of a PNG file's chunks made right. */
function withChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

/** A checkpoint whose digest is right, with this text as its record. */
async function withRecord(text: string): Promise<Uint8Array> {
  const metadata = { "cotangent.checkpoint": text, sha256: "0".repeat(64) };
  const file = await formats.safetensors.encode({ x: tensor([1, 2]) }, { metadata });
  sign(file, []);
  return file;
}

const tree = { x: tensor([1, 2]), n: 3, name: "a", large: 1n };
const record = JSON.stringify({
  version: 1,
  step: 1,
  metric: 0.5,
  values: { n: ["number", "3"], name: "a", large: ["bigint", "1"] },
});

/** A checkpoint of the tree as it is saved. */
async function checkpoint(): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir();
  try {
    assert.ok(outcome(await checkpoints.save(folder, 1, tree)()));
    return await Deno.readFile(join(folder, "step-1.safetensors"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const shard = await formats.safetensors.encode({ b: ones([1]), "a.b": ones([1]) });

const json = [
  ...["null", "-1", "1e400", "0.5", "9007199254740993", "[", "]", "{", "}", '"', ",", ":", "\\ud800"],
  ...['"__proto__":', '"constructor":', '"toString"', "[".repeat(1000)],
];
const pickled = [
  "ctorch\nSize\n",
  "cos\nsystem\n",
  "cbuiltins\neval\n",
  "(",
  "t",
  "R",
  "b",
  "}",
  "]",
  "h\0",
  "q\0",
  "2",
  "e",
  "u",
  "\x8a\xff",
];
const pickle =
  "\x80\x02}q\x00(K\x01K\x02X\x01\x00\x00\x00a]q\x01(K\x03NeX\x09\x00\x00\x00__proto__G\x3f\xf8\x00\x00\x00\x00\x00\x00u.";
const imagesOf = (kind: RegExp) =>
  Object.entries(images).filter(([name]) => kind.test(name)).map(([, { file }]) => bytesOf(file));
const deflated = 1032 * 4; // Of each byte that is unpacked, an element of 32 bits may be made.

/** Every format by its name. */
export const subjects: Readonly<Record<string, Subject>> = {
  safetensors: {
    files: [bytesOf(safetensors.bytes)],
    read: (bytes) => Promise.resolve(outcome(formats.safetensors.decode(bytes))),
    isWhole: true,
    words: [...json, "I64", "F8_E4M3", "data_offsets"],
  },
  "safetensors, a file on the disk": {
    files: [bytesOf(safetensors.bytes)],
    read: asFile("x.safetensors", formats.safetensors.load),
    isWhole: true,
    words: json,
  },
  "index of shards": {
    files: [asText('{"metadata": {"total_size": 8}, "weight_map": {"b": "1.safetensors", "a.b": "2.safetensors"}}')],
    read: async (bytes, folder) => {
      for (const name of ["1", "2"]) await Deno.writeFile(join(folder, `${name}.safetensors`), shard);
      return await asFile("model.safetensors.index.json", formats.safetensors.load)(bytes, folder);
    },
    isWhole: true,
    words: [...json, "../", "/", "..\\", "\\u0000", "weight_map"],
  },
  npy: {
    files: [bytesOf(stored.npy.f4.bytes)],
    read: (bytes) => Promise.resolve(outcome(formats.npy.decode(bytes))),
    isWhole: true,
    words: ["(", ")", ",", "99999999999999999999", "4294967296, ", "'|O'", "'>f8'", "True", "{", "}", "'shape': ", "L"],
  },
  npz: {
    files: [bytesOf(stored.npz)],
    read: async (bytes) => outcome(await formats.npz.decode(bytes)()),
    isWhole: true,
    factor: deflated,
    words: ["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07"],
  },
  "npz, packed": {
    files: [bytesOf(stored["npz, packed"])],
    read: async (bytes) => outcome(await formats.npz.decode(bytes)()),
    isWhole: true,
    factor: deflated,
    words: ["PK\x03\x04", "PK\x01\x02", "PK\x05\x06"],
  },
  "npz, an array in a sound archive": {
    files: [bytesOf(stored.npy.i4.bytes)],
    read: async (bytes) => outcome(await formats.npz.decode(await zip([["../__proto__.npy", bytes]]))()),
    isWhole: true,
  },
  pt: {
    files: [bytesOf(stored.torch.values.bytes)],
    read: async (bytes) => outcome(await formats.torch.decode(bytes)()),
    isWhole: true,
    factor: deflated,
    words: ["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "data.pkl"],
  },
  "pt, a pickle of values in a sound archive": {
    files: [Uint8Array.from(pickle, (letter) => letter.charCodeAt(0))],
    read: async (bytes) => outcome(await formats.torch.decode(await zip([["a/data.pkl", bytes]]))()),
    isWhole: true,
    words: pickled,
  },
  "pt, a pickle of tensors in a sound archive": {
    files: [await pickleOf(bytesOf(stored.torch.views.bytes))],
    read: async (bytes) => outcome(await formats.torch.decode(await withPickle(bytes))()),
    isWhole: true,
    // A storage of some bytes may be seen by many tensors.
    factor: 2 ** 24,
    words: pickled,
  },
  checkpoint: {
    files: [await checkpoint()],
    read: asFile("step-1.safetensors", (_, folder) => checkpoints.restore(folder, tree)),
    isWhole: true,
    words: json,
  },
  "checkpoint, a record with a sound digest": {
    files: [asText(record)],
    read: async (bytes, folder) => {
      await Deno.writeFile(join(folder, "step-1.safetensors"), await withRecord(textOf(bytes)));
      return outcome(await checkpoints.restore(folder, tree)()) && outcome(await checkpoints.list(folder)());
    },
    isWhole: true,
    words: [...json, '["number","1e999"]', '["bigint","-"]', '["undefined"]'],
  },
  csv: {
    files: [
      asText('petal,color,__proto__,species\n1.5,red,3,setosa\n"4.75", "light, ""red""" ,-7,versicolor\n?,blue,1e3,setosa\n'),
    ],
    read: asFile("t.csv", (path) => datasets.csv(path, { label: "species", columns: { color: "category" }, missing: NaN })),
    factor: 64,
    words: [",", '"', "\n", "\r", "\ufeff", "1e400", "-", "inf", "NA", "__proto__", "species", ",".repeat(1000)],
  },
  png: {
    files: imagesOf(/png$/),
    read: decoded,
    isWhole: true,
    // A bit of a pixel, packed as well as can be, becomes four bytes.
    factor: 4 * 8 * 1032,
    words: ["IHDR", "IDAT", "IEND", "PLTE", "tRNS", "acTL"],
    repaired: withChecksums,
  },
  jpeg: {
    files: imagesOf(/jpg$/),
    read: decoded,
    isWhole: true,
    // Of a bit, a block of 64 numbers: with four colours 5 bytes each while they are decoded, 4 and 3 in the pixels made of them.
    factor: 12 * 8 * 64,
    words: ["\xff\xc0", "\xff\xc2", "\xff\xc4", "\xff\xda", "\xff\xd9", "\xff\xdb", "\xff\xdd", "\xff\xee\0\x0eAdobe"],
  },
  ...Object.fromEntries(
    Object.entries(models).map(([name, { model, data: [{ shape }], dtype }]): [string, Subject] => [`onnx, ${name}`, {
      files: [bytesOf(model)],
      read: (bytes) => tryModel(bytes, shape, dtype as "f32" | "i32"),
      factor: 64,
    }]),
  ),
};

/** The pickle in a file of PyTorch. */
async function pickleOf(file: Uint8Array): Promise<Uint8Array> {
  const { unzip } = await import("../../formats/zip.ts");
  return [...await unzip(file, "", "")].find(([path]) => path.endsWith("data.pkl"))![1].slice();
}

/** The file with this pickle in place of its own. */
async function withPickle(bytes: Uint8Array): Promise<Uint8Array> {
  const { unzip } = await import("../../formats/zip.ts");
  const members = await unzip(bytesOf(stored.torch.views.bytes), "", "");
  return await zip([...members].map(([path, content]) => [path, path.endsWith("data.pkl") ? bytes : content]));
}

/** Sizes that programs trip over, as they lie in files. */
const extremes: readonly (readonly number[])[] = [
  [0xff, 0xff],
  [0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 0x80],
  [0x7f, 0xff, 0xff, 0xff],
  [0, 0, 0, 0, 1, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

/** Damaged copies of a file: cut, changed, with parts left out, put in, or twice. */
function damages(file: Uint8Array, words: readonly string[] = []): fc.Arbitrary<Uint8Array> {
  // What describes the rest is at the beginning or the end.
  const last = file.length - 1;
  const place = fc.oneof(
    fc.nat({ max: last }),
    fc.nat({ max: Math.min(last, 200) }),
    fc.nat({ max: Math.min(last, 200) }).map((back) => last - back),
  );
  const join = (...parts: readonly ArrayLike<number>[]) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
  const cut = fc.nat({ max: file.length }).map((length) => file.slice(0, length));
  const changed = fc.array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 }).map((changes) => {
    const copy = file.slice();
    for (const [at, byte] of changes) copy[at] = byte;
    return copy;
  });
  const removed = fc.tuple(place, fc.integer({ min: 1, max: 9 })).map(([at, count]) =>
    join(file.subarray(0, at), file.subarray(at + count))
  );
  const known = [
    ...extremes,
    ...words.map((word) => isLatin(word) ? [...word].map((letter) => letter.charCodeAt(0)) : [...asText(word)]),
  ];
  const put = fc.tuple(place, fc.constantFrom(...known), fc.boolean()).map(([at, word, isOver]) =>
    join(file.subarray(0, at), word, file.subarray(isOver ? at + word.length : at))
  );
  const twice = fc.tuple(place, place, fc.integer({ min: 1, max: 64 })).map(([from, to, count]) =>
    join(file.subarray(0, to), file.subarray(from, from + count), file.subarray(to))
  );
  return fc.oneof(cut, changed, changed, removed, put, put, twice);
}

const isLatin = (word: string) => [...word].every((letter) => letter.charCodeAt(0) < 256);

/** What came of damaged copies. */
export interface Tally {
  readonly name: string;
  /** The sizes of the files together. */
  readonly bytes: number;
  cuts: number;
  copies: number;
  /** How many of the copies were read. */
  read: number;
  /** The most memory that one of them asked for. */
  memory: number;
  /** The longest that one of them took, in milliseconds. */
  slowest: number;
}

/** Longer than this a reader hangs, on any machine. */
const mostMilliseconds = 20_000;

/** Reads files cut at every `step` bytes, and so many damaged copies; throws if anything else comes of one than may. */
export async function damaged(name: string, copies: number, step: number): Promise<Tally> {
  const { files, read, isWhole = false, factor = 16, words, repaired } = subjects[name];
  const bytes = files.reduce((sum, file) => sum + file.length, 0);
  const tally: Tally = { name, bytes, cuts: 0, copies: 0, read: 0, memory: 0, slowest: 0 };
  const folder = await Deno.makeTempDir();
  const attempt = async (bytes: Uint8Array): Promise<Outcome> => {
    const start = performance.now();
    const { value, bytes: memory } = await allocating(() => read(bytes, folder));
    const took = performance.now() - start;
    const most = leastMemory + factor * bytes.length;
    assert.ok(memory <= most, `${memory} bytes are asked for by a file of ${bytes.length}, ${most} are the most`);
    assert.ok(took < mostMilliseconds, `${took} ms`);
    tally.memory = Math.max(tally.memory, memory);
    tally.slowest = Math.max(tally.slowest, took);
    return value;
  };
  try {
    for (const file of files) {
      for (let length = 0; length < file.length; length += step, tally.cuts++) {
        const isRead = await attempt(file.slice(0, length));
        assert.ok(!isRead || !isWhole, `cut to ${length} of ${file.length} bytes it is read`);
      }
      const trial = fc.tuple(damages(file, words), fc.nat({ max: 3 }));
      const property = fc.asyncProperty(trial, async ([bytes, chance]) => {
        tally.copies++;
        if (await attempt(repaired && chance > 0 ? repaired(bytes.slice()) : bytes)) tally.read++;
      });
      await fc.assert(property, { numRuns: Math.ceil(copies / files.length) });
    }
    for (const file of files) assert.ok(await attempt(file.slice()), "a sound file is read after all others");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return tally;
}
