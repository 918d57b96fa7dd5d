/** PyTorch's files: those that PyTorch wrote are read, nothing in them is run, and what is wrong is named. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { data, formats, layers, random, Tensor } from "../../mod.ts";
import type { TorchValue } from "../../formats/torch/types.ts";
import { zip } from "../../formats/zip.ts";
import fixture from "../fixtures/files.json" with { type: "json" };
import { inFolder, left, right } from "./results.ts";

const { torch } = formats;
const bytesOf = (text: string) => Uint8Array.fromBase64(text);

/** A value with null in place of its tensors. */
function withoutTensors(value: TorchValue): unknown {
  if (value instanceof Tensor) return null;
  if (Array.isArray(value)) return value.map(withoutTensors);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutTensors(each)]));
}

Deno.test("files that PyTorch wrote are read: types, views, values, an optimizer, a network", async () => {
  for (const [name, file] of Object.entries(fixture.torch)) {
    const value = right(await torch.decode(bytesOf(file.bytes))());
    assert.deepEqual(withoutTensors(value), file.rest, name);
    const tensors = torch.tensors(value);
    assert.deepEqual(Object.keys(tensors).sort(), Object.keys(file.tensors).sort(), name);
    for (const [path, { dtype, shape, data: numbers }] of Object.entries(file.tensors)) {
      const x = tensors[path];
      assert.deepEqual([x.dtype, x.shape, [...await data(x)]], [dtype, shape, numbers], `${name}: ${path}`);
    }
  }
});

Deno.test("a state dict of PyTorch becomes the parameters and the state of a network", async () => {
  const { serial, conv2d, batchNorm, loadStateDict } = layers;
  const like = serial({ "0": conv2d({ features: 2, kernel: 3 }), "1": batchNorm() }).init(random.key(0), [1, 8, 8]);
  const value = right(await torch.decode(bytesOf(fixture.torch.network.bytes))());
  const loaded = loadStateDict(like, torch.tensors(value));
  assert.equal(loaded._tag, "Right", loaded._tag === "Left" ? loaded.left.message : "");
});

Deno.test("whole models and files of the old format are refused, with what to do", async () => {
  assert.match(
    left(await torch.decode(bytesOf(fixture.refused.whole))(), "Format").message,
    /torch\.nn\.modules\.linear\.Linear/,
  );
  assert.match(left(await torch.decode(bytesOf(fixture.refused.old))(), "Format").message, /save it again/);
});

/** A file with this pickle, and a storage of four floats. */
async function fileOf(...pickle: readonly (number | string)[]): Promise<Uint8Array> {
  const bytes = pickle.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : [part]);
  const storage = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  return await zip([["a/data.pkl", Uint8Array.from(bytes)], ["a/data/0", storage], ["a/version", Uint8Array.of(51)]]);
}

const protocol = [0x80, 2];
const text = (value: string) => ["X", value.length, 0, 0, 0, value];
const storage = (key = "0", size = 4, type = "FloatStorage") => [
  "(",
  ...text("storage"),
  `ctorch\n${type}\n`,
  ...text(key),
  ...text("cpu"),
  "K",
  size,
  "tQ",
];
/** A tensor over the storage with this offset, shape and stride, each of one byte. */
const rebuilt = (from: readonly (number | string)[], offset: number, shape: readonly number[], strides: readonly number[]) => [
  "ctorch._utils\n_rebuild_tensor_v2\n((",
  ...from.slice(1),
  "K",
  offset,
  ...["(", ...shape.flatMap((extent) => ["K", extent]), "t"],
  ...["(", ...strides.flatMap((stride) => ["K", stride]), "t"],
  0x89,
  "ccollections\nOrderedDict\n)RtR",
];

Deno.test("a tensor is read from its storage, within its bounds only", async () => {
  const read = async (...pickle: readonly (number | string)[]) => await torch.decode(await fileOf(...protocol, ...pickle, "."))();
  const x = right(await read(...rebuilt(storage(), 1, [3], [1])));
  assert.deepEqual([...await data(x as Tensor)], [2, 3, 4]);
  const wrong: readonly [reason: RegExp, pickle: readonly (number | string)[]][] = [
    [/reaches to element 4/, rebuilt(storage(), 1, [4], [1])],
    [/reaches to element 6/, rebuilt(storage(), 0, [2, 1], [6, 1])],
    [/reaches to element 4/, rebuilt(storage(), 4, [1], [1])],
    [/shape .* and strides/, rebuilt(storage(), 0, [2, 2], [1])],
    [/should have 20 bytes, but has 16/, rebuilt(storage("0", 5), 0, [1], [1])],
    [/storage 1 is not in the archive/, rebuilt(storage("1"), 0, [1], [1])],
    [/place of a storage/, ["K", 1, "Q"]],
    [/place of a storage/, storage("0", 4, "Size")],
    [/too large for the file/, rebuilt(storage(), 0, [255, 255, 255, 255], [0, 0, 0, 0])],
    [/holds an object/, storage()],
  ];
  for (const [reason, pickle] of wrong) assert.match(left(await read(...pickle), "Format").message, reason);
});

Deno.test("a pickle that would run something, or is none, is refused with the reason", async () => {
  const refused: readonly [reason: RegExp, pickle: readonly (number | string)[]][] = [
    [/names os\.system/, [...protocol, "cos\nsystem\n", ...text("true"), 0x85, "R."]],
    [/names builtins\.eval/, [0x80, 4, 0x8c, 8, "builtins", 0x8c, 4, "eval", 0x93, "."]],
    [/names toString\./, [...protocol, "ctoString\n\n."]],
    [/calls 1/, [...protocol, "K", 1, ")R."]],
    [/calls torch\.FloatStorage/, [...protocol, "ctorch\nFloatStorage\n)R."]],
    [/place of a tuple/, [...protocol, "ctorch\nSize\nK", 1, "R."]],
    [/opcode 0x69/, [...protocol, "i."]],
    [/opcode 0x3d/, [...protocol, "=."]],
    [/protocol 1/, [0x80, 1, "N."]],
    [/ends at byte/, [...protocol, "N"]],
    [/ends at byte/, [...protocol, "X", 255, 255, 255, 255]],
    [/ends at byte/, [...protocol, 0x8d, 255, 255, 255, 255, 255, 255, 255, 127]],
    [/ends within a name/, [...protocol, "ctorch"]],
    [/more from its stack/, [...protocol, "."]],
    [/more from its stack/, [...protocol, "(."]],
    [/more from its stack/, [...protocol, "K", 1, 0x86, "."]],
    [/mark that is not there/, [...protocol, "K", 1, "t."]],
    [/recalls 3/, [...protocol, "h", 3, "."]],
    [/appends to a dict/, [...protocol, "}K", 1, "a."]],
    [/items of a list/, [...protocol, "]K", 1, "K", 2, "s."]],
    [/no value/, [...protocol, "}(K", 1, "u."]],
    [/neither a text nor a number/, [...protocol, "}]K", 1, "s."]],
    [/attributes of a list/, [...protocol, "]}b."]],
    [/not UTF-8/, [...protocol, "X", 1, 0, 0, 0, 255, "."]],
    [/list of items/, [...protocol, "ccollections\nOrderedDict\n]", 0x85, "R."]],
    [/holds torch\.Size/, [...protocol, "]ctorch\nSize\na."]],
    [/holds itself/, [...protocol, "]q", 0, "h", 0, "a."]],
    // Each list holds the one before twice.
    [/same parts/, [...protocol, "]q", 0, ..."x".repeat(40).split("").flatMap(() => ["0]h", 0, "ah", 0, "aq", 0]), "."]],
  ];
  for (const [reason, pickle] of refused) {
    assert.match(left(await torch.decode(await fileOf(...pickle))(), "Format").message, reason, String(reason));
  }
});

Deno.test("numbers and texts of every opcode", async () => {
  const cases: readonly [expected: unknown, pickle: readonly (number | string)[]][] = [
    [255, ["K", 255]],
    [65535, ["M", 255, 255]],
    [-2, ["J", 254, 255, 255, 255]],
    [0, [0x8a, 0]],
    [-1, [0x8a, 1, 255]],
    [128, [0x8a, 2, 128, 0]],
    [2n ** 63n, [0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 128, 0]],
    [-(2 ** 31), [0x8b, 4, 0, 0, 0, 0, 0, 0, 128]],
    [1.5, ["G", 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ["ab", ["U", 2, "ab"]],
    ["ab", ["T", 2, 0, 0, 0, "ab"]],
    ["ab", [0x8d, 2, 0, 0, 0, 0, 0, 0, 0, "ab"]],
    [[1, 2, 3], ["K", 1, "K", 2, "K", 3, 0x87]],
    [[[], []], ["]q", 0, "r", 1, 0, 0, 0, "j", 1, 0, 0, 0, 0x86]],
  ];
  for (const [expected, pickle] of cases) {
    assert.deepEqual(right(await torch.decode(await fileOf(...protocol, ...pickle, "."))()), expected);
  }
});

Deno.test("an archive without a pickle, with numbers of the other order, or that is none", async () => {
  const none = await zip([["a/version", Uint8Array.of(51)]]);
  assert.match(left(await torch.decode(none)(), "Format").message, /no data\.pkl/);
  const big = await zip([["a/data.pkl", Uint8Array.of(0x80, 2, 0x4e, 0x2e)], ["a/byteorder", new TextEncoder().encode("big")]]);
  assert.equal(left(await torch.decode(big)(), "Format").rule, "byte order");
  assert.equal(left(await torch.decode(new Uint8Array(100))(), "Format").rule, "archive");
});

Deno.test("files on a disk", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "x.pt");
    await Deno.writeFile(path, bytesOf(fixture.torch.types.bytes));
    assert.equal(Object.keys(torch.tensors(right(await torch.load(path)()))).length, 10);
    left(await torch.load(join(folder, "none"))(), "NotFound");
    left(await torch.load(folder)(), "Read");
  });
});
