/**
 * Files made to take time, memory or the stack: sizes whose product is endless, thousands of axes, lists in lists, marks without end. Each is
 * refused at once.
 *
 * @module
 */
import assert from "node:assert/strict";
import { formats } from "../../mod.ts";
import { zip } from "../../formats/zip.ts";
import { allocating } from "../support/allocations.ts";
import { left } from "./results.ts";

function latin(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function npy(shape: string, order = "False"): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const file = latin(`\x93NUMPY\x02\0    ${header}`);
  new DataView(file.buffer).setUint32(8, header.length, true);
  return file;
}

function safetensors(header: string): Uint8Array {
  const file = latin(`        ${header}`);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  return file;
}

const entry = (shape: string) => `{"a":{"dtype":"F32","shape":[${shape}],"data_offsets":[0,0]}}`;

/** A file of PyTorch with this pickle and a storage of four floats. */
async function torch(pickle: string): Promise<Uint8Array> {
  return await zip([["a/data.pkl", latin(`\x80\x02${pickle}`)], ["a/data/0", new Uint8Array(16)]]);
}

const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
const storage = `(${text("storage")}ctorch\nFloatStorage\n${text("0")}${text("cpu")}K\x04tQ`;
const tensor = (shape: string, strides: string) =>
  `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\0(${shape}t(${strides}t\x89ccollections\nOrderedDict\n)RtR.`;
const largest = "\x8a\x07\xff\xff\xff\xff\xff\xff\x1f";

const many = 200_000;
const repeated = (part: string, between = ",") => new Array(many).fill(part).join(between);

/** Each with the rule that is broken, or what is not supported. */
const files: Readonly<Record<string, readonly [reason: RegExp, bytes: Uint8Array]>> = {
  "npy: extents without end": [/takes Infinity bytes/, npy(repeated("9007199254740991"))],
  "npy: extents without end, and none": [/takes NaN bytes/, npy(`${repeated("9007199254740991")},0`)],
  "npy: axes without end": [/has 200001 axes/, npy(`${repeated("1")},0`)],
  "npy: axes without end, the first innermost": [/has 200001 axes/, npy(`${repeated("1")},0`, "True")],
  "npy: digits without end": [/its shape is/, npy("9".repeat(many))],
  "npy: white space without end": [/is not a dict/, npy(`${" ,".repeat(many)}x`)],
  "safetensors: extents without end": [/takes Infinity bytes/, safetensors(entry(repeated("9007199254740991")))],
  "safetensors: extents without end, and none": [/takes NaN bytes/, safetensors(entry(`${repeated("9007199254740991")},0`))],
  "safetensors: axes without end": [/has 200001 axes/, safetensors(entry(`${repeated("1")},0`))],
  "safetensors: lists in lists": [/as safetensors/, safetensors(`{"a":${"[".repeat(many)}${"]".repeat(many)}}`)],
  "safetensors: records in records": [/as safetensors/, safetensors(`${'{"a":'.repeat(many)}1${"}".repeat(many)}`)],
  "safetensors: a text without end": [/as safetensors/, safetensors(`{"a":"${'\\"'.repeat(2 ** 24)}`)],
  "pt: elements without end": [/too large/, await torch(tensor(largest.repeat(40), "K\0".repeat(40)))],
  "pt: elements without end, and none": [/too large/, await torch(tensor(`${largest.repeat(40)}K\0`, "K\0".repeat(41)))],
  "pt: axes without end": [/has 200001 axes/, await torch(tensor(`${"K\x01".repeat(many)}K\0`, "K\0".repeat(many + 1)))],
  "pt: one number seen without end": [/too large/, await torch(tensor("M\xff\xff".repeat(2), "K\0".repeat(2)))],
  "pt: digits without end": [/an integer of 1048576 bytes/, await torch(`\x8b\0\0\x10\0${"\xff".repeat(2 ** 20)}.`)],
  "pt: marks without end": [/ends at byte/, await torch("(".repeat(many))],
  "pt: tuples of nothing, in one another": [/more from its stack/, await torch(`${"(".repeat(many)}${"t".repeat(many)}0.`)],
};

for (const [name, [reason, bytes]] of Object.entries(files)) {
  Deno.test(name, async () => {
    const format = name.split(":")[0];
    const { value, bytes: memory } = await allocating(async () =>
      format === "npy"
        ? formats.npy.decode(bytes)
        : format === "pt"
        ? await formats.torch.decode(bytes)()
        : formats.safetensors.decode(bytes)
    );
    const { message } = left(value, /axes/.test(reason.source) ? "Unsupported" : "Format");
    assert.match(message, reason);
    assert.match(message, /^Cannot read the bytes/);
    assert.ok(message.length < 500, `a message of ${message.length} letters`);
    assert.ok(memory < 2 ** 20 + 2 * bytes.length, `${memory} bytes are asked for`);
  });
}
