/**
 * The safetensors format: bytes as the reference implementation writes them, every rule of it broken, files damaged anywhere, and files
 * on a disk that refuses.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  data,
  DonatedError,
  formats,
  fromBytes,
  full,
  iota,
  jit,
  layers,
  mul,
  ones,
  OptionError,
  random,
  type Tensor,
  tensor,
  toBytes,
  zeros,
} from "../../mod.ts";
import { fc } from "../../dev_deps.ts";
import fixture from "../fixtures/safetensors.json" with { type: "json" };
import { isLong } from "../support/share.ts";
import { inFolder, left, right } from "./results.ts";
import { anyText } from "../support/texts.ts";

const { decode, encode, load, open, save } = formats.safetensors;

/** A file of the reference implementation: twelve tensors of eight types, names of all kinds, one text. */
const written = Uint8Array.fromBase64(fixture.bytes);

/** A file with this header and so many bytes of data. */
function fileOf(header: string, dataBytes = 8): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

function entryFile(dtype: unknown, shape: unknown, offsets: unknown, dataBytes = 8): Uint8Array {
  return fileOf(JSON.stringify({ a: { dtype, shape, data_offsets: offsets } }), dataBytes);
}

async function bytesByName(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, unknown>> {
  const entries = Object.entries(tensors).map(async ([name, x]) => [name, [x.dtype, x.shape, await toBytes(x)]] as const);
  return Object.fromEntries(await Promise.all(entries));
}

Deno.test("a file of the reference implementation is read, and written again byte for byte", async () => {
  const { tensors, metadata } = right(decode(written));
  assert.deepEqual(metadata, { epoch: "3 ü" });
  assert.deepEqual(
    Object.entries(tensors).map(([name, { dtype, shape }]) => [name, dtype, shape]),
    [
      ["d", "f64", [1]],
      ["none", "f64", [0, 4]],
      ["b", "f32", []],
      ["w", "f32", [2, 3]],
      ["u", "u32", [2]],
      ["é\u{10000}", "i32", [3]],
      ["\uffff", "i32", [1]],
      ["brain", "bf16", [3]],
      ["half", "f16", [1, 2]],
      ["bytes", "u8", [5]],
      ['q"\\\n\u0001\u007f', "u8", [1]],
      ["mask", "bool", [3]],
    ],
  );
  assert.deepEqual(await toBytes(tensors.bytes), Uint8Array.of(0, 7, 14, 21, 28));
  assert.deepEqual(await encode(tensors, { metadata }), written);
});

Deno.test("tensors of all types come back with their bits, whatever their names and the order they are given in", async () => {
  const shapes = fc.array(fc.nat({ max: 3 }), { maxLength: 3 });
  const dtypes = fc.constantFrom("u8", "i32", "u32", "f16", "bf16", "f32", "f64", "bool");
  const names = anyText().filter((name) => name !== "__metadata__");
  const records = fc.dictionary(names, fc.tuple(shapes, dtypes, fc.infiniteStream(fc.nat({ max: 255 }))));
  await fc.assert(
    fc.asyncProperty(records, fc.dictionary(names, anyText()), async (record, metadata) => {
      const tensors = Object.fromEntries(
        Object.entries(record).map(([name, [shape, dtype, stream]]) => {
          const width = { u8: 1, bool: 1, f16: 2, bf16: 2, i32: 4, u32: 4, f32: 4, f64: 8 }[dtype];
          const bytes = Uint8Array.from([...stream.take(width * shape.reduce((a, b) => a * b, 1))]);
          return [name, fromBytes(bytes, { dtype, shape })];
        }),
      );
      const bytes = await encode(tensors, { metadata });
      const read = right(decode(bytes));
      assert.deepEqual(await bytesByName(read.tensors), await bytesByName(tensors));
      assert.deepEqual({ ...read.metadata }, { ...metadata });
      const reversed = Object.fromEntries(Object.entries(tensors).reverse());
      assert.deepEqual(await encode(reversed, { metadata }), bytes);
    }),
    { numRuns: isLong ? 100 : 40 },
  );
});

Deno.test("integers of 8, 16 and 64 bits become those of 32", async () => {
  const cases: readonly [type: string, values: ArrayBufferView, dtype: string, expected: readonly number[]][] = [
    ["I8", Int8Array.of(-128, 127), "i32", [-128, 127]],
    ["I16", Int16Array.of(-32768, 32767), "i32", [-32768, 32767]],
    ["U16", Uint16Array.of(0, 65535), "u32", [0, 65535]],
    ["I64", BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n), "i32", [-(2 ** 31), 2 ** 31 - 1]],
    ["U64", BigUint64Array.of(0n, 2n ** 32n - 1n), "u32", [0, 2 ** 32 - 1]],
  ];
  for (const [type, values, dtype, expected] of cases) {
    const file = entryFile(type, [2], [0, values.byteLength], values.byteLength);
    file.set(new Uint8Array(values.buffer), file.length - values.byteLength);
    const { a } = right(decode(file)).tensors;
    assert.equal(a.dtype, dtype);
    assert.deepEqual([...await data(a)], expected);
  }
});

Deno.test("every rule of the format is checked, and named with the tensor and the file", () => {
  const huge = 2 ** 32;
  const good = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const cases: readonly [rule: string, file: Uint8Array, entry?: string][] = [
    ["length", new Uint8Array(7)],
    ["header size", Uint8Array.of(1, 225, 245, 5, 0, 0, 0, 0)], // 100,000,001
    ["header size", new Uint8Array(8).fill(255)],
    ["header length", Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 123, 125)],
    ["UTF-8", fileOf("{}").with(8, 0xff)],
    ...["", "[]", "null", "3", "{}x", "\ufeff{}", "{'a':1}", '{"a":1,}'].map((
      text,
    ): [string, Uint8Array] => ["JSON", fileOf(text, 0)]),
    ["names", fileOf(`{"a":${JSON.stringify(good)},"a":${JSON.stringify(good)}}`), "a"],
    ["names", fileOf(`{"a":${JSON.stringify(good)},"\\u0061":${JSON.stringify(good)}}`), "a"],
    ["names", fileOf(`{"\\ud800":${JSON.stringify(good)}}`), "\ud800"],
    ["metadata", fileOf('{"__metadata__":[]}', 0)],
    ["metadata", fileOf('{"__metadata__":{"a":1}}', 0)],
    ["entry", fileOf('{"a":1}'), "a"],
    ["dtype", entryFile("F33", [2], [0, 8]), "a"],
    ["dtype", entryFile("toString", [2], [0, 8]), "a"],
    ["dtype", entryFile(undefined, [2], [0, 8]), "a"],
    ["shape", entryFile("F32", 2, [0, 8]), "a"],
    ["shape", entryFile("F32", [-2], [0, 8]), "a"],
    ["shape", entryFile("F32", [0.5], [0, 8]), "a"],
    ["shape", fileOf('{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}'), "a"],
    ["shape", fileOf('{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}'), "a"],
    ["offsets", entryFile("F32", [2], [0]), "a"],
    ["offsets", entryFile("F32", [2], [0, 8, 8]), "a"],
    ["offsets", entryFile("F32", [2], undefined), "a"],
    ["order", entryFile("F32", [2], [4, 12]), "a"], // a hole
    ["order", entryFile("F32", [2], [8, 0]), "a"],
    ["order", fileOf(JSON.stringify({ a: good, b: { dtype: "F32", shape: [1], data_offsets: [4, 8] } })), "b"],
    ["whole bytes", entryFile("F4", [15], [0, 8]), "a"],
    ["size", entryFile("F32", [2], [0, 7]), "a"],
    ["size", entryFile("F32", [huge, huge, huge], [0, 8]), "a"],
    ["size", entryFile("I8", [huge, huge], [0, 0]), "a"],
    ["data length", entryFile("F32", [2], [0, 8], 9)],
    ["data length", entryFile("F32", [2], [0, 8], 7)],
    ["data length", fileOf("{}", 1)],
    ["range", entryFile("I64", [1], [0, 8]).fill(255, -8).with(-1, 0), "a"],
    ["range", entryFile("U64", [1], [0, 8]).fill(255, -8), "a"],
  ];
  for (const [rule, file, entry] of cases) {
    const error = left(decode(file, { file: "model" }), "Format");
    assert.deepEqual([error.rule, error.entry, error.file], [rule, entry, "model"], error.message);
    assert.match(error.message, /^Cannot read model as safetensors: /);
  }
  const error = left(decode(entryFile("F8_E4M3", [8], [0, 8])), "Unsupported");
  assert.equal(error.entry, "a");
  assert.match(error.message, /F8_E4M3/);
});

Deno.test("what the format allows is read: white space, no metadata, unknown facts, no tensors", () => {
  for (const header of [" {} \n", '{"__metadata__":null}', '{"__metadata__":{}}']) right(decode(fileOf(header, 0)));
  right(decode(fileOf('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":{}}}')));
  const { tensors } = right(decode(fileOf('{"__proto__":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}')));
  assert.deepEqual(Object.keys(tensors), ["__proto__"]);
});

Deno.test("texts of any length are read, up to what a header has room for; a file that could not be read is not written", async () => {
  const x = ones([1]);
  for (const t of ["a".repeat(2e7), '"\\é'.repeat(5e6)]) {
    assert.ok(right(decode(await encode({ x }, { metadata: { t } }))).metadata.t === t);
  }
  const open = "[".repeat(1e6);
  for (const header of [open, `{"a":${open}`]) assert.equal(left(decode(fileOf(header, 0)), "Format").rule, "JSON");
  const most = 100_000_000;
  await assert.rejects(encode({ x }, { metadata: { t: "a".repeat(most) } }), (error: unknown) => {
    assert.ok(error instanceof OptionError && error.facts.most === most);
    return true;
  });
});

Deno.test("what cannot stand in a file is a mistake of the program", async () => {
  const x = ones([2]);
  const wrong: readonly [unknown, unknown?][] = [
    [x],
    [[x]],
    [null],
    [{ a: [1, 2] }],
    [{ nested: { a: x } }],
    [{ __metadata__: x }],
    [{ "\ud800": x }],
    [{ a: x }, { metadata: { a: 1 } }],
    [{ a: x }, { metadata: { "\ud800": "" } }],
    [{ a: x }, { meta: {} }],
  ];
  for (const [tensors, options] of wrong) {
    await assert.rejects(
      () => encode(tensors as never, options as never),
      /^(Type|Option)Error: Cannot call safetensors\.encode /,
    );
  }
});

Deno.test("a saved file is read in parts, and as a whole", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const model = layers.serial({ conv: layers.conv2d({ features: 4, kernel: 3 }), bn: layers.batchNorm() });
    const like = model.init(random.key(0), [2, 8, 8]);
    const tensors = layers.stateDict(like.params, like.state);
    right(await save(path, tensors, { metadata: { epoch: "3" } })());
    assert.deepEqual(await Deno.readFile(path), await encode(tensors, { metadata: { epoch: "3" } }));
    using file = right(await open(path)());
    assert.deepEqual(file.metadata, { epoch: "3" });
    assert.deepEqual([...file.entries.keys()].sort(), Object.keys(tensors).sort());
    const weight = right(await file.read("conv.weight")());
    assert.deepEqual(await toBytes(weight), await toBytes(tensors["conv.weight"]));
    assert.equal(left(await file.read("conv.wait")(), "Format").entry, "conv.wait");
    const whole = right(await load(path)());
    assert.deepEqual(await bytesByName(whole.tensors), await bytesByName(tensors));
    assert.equal(layers.loadStateDict(like, whole.tensors)._tag, "Right");
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["model.safetensors"]);
  });
});

Deno.test("the shards of a model are read by their index, and from its folder only", async () => {
  await inFolder(async (folder) => {
    const [a, b, c] = [iota([3], 0), zeros([2, 2]), full([1], 7)];
    right(await save(join(folder, "1.safetensors"), { a, b })());
    right(await save(join(folder, "2.safetensors"), { c })());
    const path = join(folder, "model.safetensors.index.json");
    const loadWith = async (index: unknown) => {
      await Deno.writeTextFile(path, typeof index === "string" ? index : JSON.stringify(index));
      return await load(path)();
    };
    const map = { c: "2.safetensors", a: "1.safetensors", b: "1.safetensors" };
    const { tensors, metadata } = right(await loadWith({ metadata: { total_size: 32 }, weight_map: map }));
    assert.deepEqual(await bytesByName(tensors), await bytesByName({ a, b, c }));
    assert.deepEqual(metadata, { total_size: "32" });
    assert.equal(left(await loadWith("{"), "Format").rule, "JSON");
    for (const index of [null, [], {}, { weight_map: [] }, { weight_map: { a: 1 } }, { weight_map: { c: "1.safetensors" } }]) {
      assert.equal(left(await loadWith(index), "Format").rule, "weight_map");
    }
    for (const shard of ["../1.safetensors", "/1.safetensors", "x/../../1.safetensors", "", ".", "..", "..\\1.safetensors"]) {
      assert.equal(left(await loadWith({ weight_map: { a: shard } }), "Format").rule, "folder");
    }
    assert.equal(left(await loadWith({ weight_map: { a: "3.safetensors" } }), "NotFound").file, join(folder, "3.safetensors"));
  });
});

Deno.test("files that are not there, are folders, or may not be read or written are errors with their path", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "x.safetensors");
    for (const read of [open, load]) {
      assert.equal(left(await read(path)(), "NotFound").file, path);
      assert.match(left(await read(folder)(), "Read").message, /it is a folder/);
    }
    const x = { x: tensor([1, 2, 3]) };
    assert.match(left(await save(folder, x)(), "Write").message, /it is a folder/);
    left(await save(join(folder, "none", "x"), x)(), "Write");
    // What fails on the way leaves what was there.
    right(await save(path, x)());
    const before = await Deno.readFile(path);
    const donated = tensor([1, 2]);
    await data(jit((y: Tensor) => mul(y, 2), { donate: [0] })(donated));
    await assert.rejects(save(path, { x: ones([3]), z: donated }), DonatedError);
    assert.deepEqual(await Deno.readFile(path), before);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["x.safetensors"]);
  });
});

Deno.test({
  name: "without permission a file is neither read nor written, and nobody is asked",
  permissions: { read: [new URL("../../", import.meta.url)], write: false, env: true, ffi: false },
  fn: async () => {
    assert.match(left(await load("/x.safetensors")(), "Permission").flag, /^--allow-read=/);
    const here = new URL("../../x.safetensors", import.meta.url).pathname;
    assert.match(left(await save(here, { x: ones([1]) })(), "Permission").flag, /^--allow-write=/);
  },
});
