/** NumPy's files: those that NumPy wrote are read, ours are byte for byte the same, and what is wrong is named. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cast, data, DTypeError, formats, ones, OptionError, tensor, toBytes, zeros } from "../../mod.ts";
import { fc } from "../../dev_deps.ts";
import { zip } from "../../formats/zip.ts";
import fixture from "../fixtures/files.json" with { type: "json" };
import { inFolder, left, right } from "./results.ts";
import { anyText } from "../support/texts.ts";

const { npy, npz } = formats;
const bytesOf = (text: string) => Uint8Array.fromBase64(text);

Deno.test("arrays that NumPy wrote are read, and written again byte for byte", async () => {
  for (const [name, file] of Object.entries(fixture.npy)) {
    const x = right(npy.decode(bytesOf(file.bytes)));
    assert.deepEqual([x.shape, [...await data(x)]], [file.shape, file.data], name);
    assert.deepEqual(await npy.encode(x), bytesOf(file.bytes), name);
  }
});

Deno.test("arrays of other widths, orders of bytes and orders of axes are read", async () => {
  for (const [name, file] of Object.entries(fixture["npy, read"])) {
    const x = right(npy.decode(bytesOf(file.bytes)));
    assert.deepEqual([x.shape, [...await data(x)]], [file.shape, file.data], name);
  }
});

Deno.test("headers are read however they are written, if they are right", () => {
  const file = (header: string, version = 1) => {
    const text = new TextEncoder().encode(header);
    const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
    return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, 0, 0, 128, 63);
  };
  const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
  for (const version of [1, 2, 3]) right(npy.decode(file(good, version)));
  for (const header of ["{'shape':(1L,),'fortran_order':True,'descr':\"<f4\"}", ` ${good}`]) right(npy.decode(file(header)));
  const wrong: readonly [rule: string, bytes: Uint8Array][] = [
    ["magic", new Uint8Array()],
    ["magic", file(good).with(1, 0)],
    ["version", file(good, 4)],
    ["header length", file(good).slice(0, 20)],
    ["header", file("{'descr': '<f4', 'fortran_order': False}")],
    ["header", file("{'descr': '<f4', 'fortran_order': no(), 'shape': (1,)}")],
    ["header", file(`${good} + 1`)],
    ["header", file("[]")],
    ["descr", file("{'descr': 'float', 'fortran_order': False, 'shape': (1,)}")],
    ["shape", file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}")],
    ["shape", file("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1,)}")],
    ["data length", file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}")],
    ["data length", file("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}")],
    ["data length", file("{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}")],
  ];
  for (const [rule, bytes] of wrong) assert.equal(left(npy.decode(bytes), "Format").rule, rule);
});

Deno.test("arrays that no dtype holds are named, and Python objects are not run", () => {
  const reasons = { objects: /Python objects/, fields: /records/, complex: /c16/, text: /U1/ };
  for (const [name, reason] of Object.entries(reasons)) {
    const bytes = bytesOf(fixture["npy, refused"][name as keyof typeof reasons]);
    assert.match(left(npy.decode(bytes, { file: "x.npy" }), "Unsupported").message, reason);
  }
});

Deno.test("bf16 is cast before NumPy can have it", async () => {
  await assert.rejects(npy.encode(cast(ones([2]), "bf16")), DTypeError);
});

Deno.test("archives that NumPy wrote are read, packed or not; ours come back, and are the same every time", async () => {
  const plain = right(await npz.decode(bytesOf(fixture.npz))());
  assert.deepEqual(Object.entries(plain).map(([name, x]) => [name, x.dtype, x.shape]), [["x", "f32", [2, 3]], ["y", "bool", [
    2,
  ]]]);
  const packed = right(await npz.decode(bytesOf(fixture["npz, packed"]))());
  assert.deepEqual(await toBytes(packed.x), new Uint8Array(80000));
  const named = { x: tensor([1, 2]), "a/b": zeros([0, 3]), "é": tensor([true]) };
  const bytes = await npz.encode(named);
  const read = right(await npz.decode(bytes)());
  assert.deepEqual(Object.keys(read), Object.keys(named));
  assert.deepEqual(await npz.encode(named), bytes);
});

Deno.test("names of any kind come back: none of them is a path here", async () => {
  const names = fc.oneof(
    anyText(),
    fc.constantFrom("../x", "/x", "a/", "C:/x", "", ".", "..", "x.npy", "a\\b", "\u0000", "__proto__", "constructor"),
  );
  await fc.assert(fc.asyncProperty(fc.uniqueArray(names, { maxLength: 4 }), async (given) => {
    const named = Object.fromEntries(given.map((name, i) => [name, tensor([i])]));
    assert.deepEqual(Object.keys(right(await npz.decode(await npz.encode(named))())), Object.keys(named));
  }));
  const longest = "ü".repeat(32765);
  assert.deepEqual(Object.keys(right(await npz.decode(await npz.encode({ [longest]: ones([1]) }))())), [longest]);
  await assert.rejects(npz.encode({ [`${longest}ab`]: ones([1]) }), OptionError);
  const bytes = await npy.encode(ones([1]));
  const twice = await zip([["x", bytes], ["x.npy", bytes]]);
  assert.match(left(await npz.decode(twice)(), "Format").message, /"x" with and without \.npy/);
});

Deno.test("an archive that would unpack to more than it can hold takes no memory", async () => {
  const bytes = bytesOf(fixture["npz, packed"]);
  // The unpacked size in the directory at the end, of the first member.
  const directory = bytes.findLastIndex((_, i) =>
    bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 1 && bytes[i + 3] === 2
  );
  const first = bytes.findIndex((_, i) => bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 1 && bytes[i + 3] === 2);
  assert.ok(first >= 0 && directory >= first);
  const bomb = bytes.slice();
  new DataView(bomb.buffer).setUint32(first + 24, 0x7fffffff, true);
  assert.equal(left(await npz.decode(bomb)(), "Format").rule, "unpacked size");
});

Deno.test("files on a disk", async () => {
  await inFolder(async (folder) => {
    const x = tensor([[1, 2], [3, 4]]);
    right(await npy.save(join(folder, "x.npy"), x)());
    right(await npz.save(join(folder, "x.npz"), { x })());
    assert.deepEqual(await toBytes(right(await npy.load(join(folder, "x.npy"))())), await toBytes(x));
    assert.deepEqual(await toBytes(right(await npz.load(join(folder, "x.npz"))()).x), await toBytes(x));
    for (const { load } of [npy, npz]) {
      left(await load(join(folder, "none"))(), "NotFound");
      left(await load(folder)(), "Read");
    }
    left(await npy.save(folder, x)(), "Write");
    left(await npz.save(join(folder, "none", "x"), { x })(), "Write");
  });
});
