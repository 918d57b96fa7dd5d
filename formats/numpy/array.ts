/**
 * One NumPy array as a file: a magic word, a header that is a Python dict, the elements.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @module
 */
import { DTypeError } from "../../core/errors.ts";
import { toBytes } from "../../core/execution/read.ts";
import { quoted } from "../../core/quoted.ts";
import { sizeOf } from "../../core/shape.ts";
import { permute } from "../../core/ops/movement.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type Described, tensorFrom } from "../elements.ts";
import { broken, type Failure, unsupported } from "../failures.ts";
import { copyOf } from "../files.ts";
import type { ElementName } from "../safetensors/types.ts";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const format = "a NumPy array";
/** NumPy leaves room for the first extent to grow, so that an array can be added to where it lies. */
const digitsToGrow = 21;
const alignment = 64;

/** NumPy's types: kind and bytes. */
const types: Readonly<Record<string, ElementName>> = {
  b1: "BOOL",
  u1: "U8",
  i1: "I8",
  u2: "U16",
  i2: "I16",
  f2: "F16",
  u4: "U32",
  i4: "I32",
  f4: "F32",
  u8: "U64",
  i8: "I64",
  f8: "F64",
};

/** How dtypes are described. */
const descriptions: Readonly<Record<string, string>> = {
  bool: "|b1",
  u8: "|u1",
  i32: "<i4",
  u32: "<u4",
  f16: "<f2",
  f32: "<f4",
  f64: "<f8",
};

/** What a header says. */
interface Header {
  readonly description: string;
  /** Whether the first index runs fastest. */
  readonly isFortran: boolean;
  readonly shape: readonly number[];
}

/**
 * The tensor that the bytes of a file hold.
 *
 * @throws {Failure} If they break a rule of the format, or no dtype holds the elements.
 */
export function parseArray(bytes: Uint8Array, file: string, entry: string): Tensor {
  const wrong = (rule: string, reason: string): Failure => broken(file, format, rule, reason, entry);
  const start = headerStart(bytes, wrong);
  const text = new TextDecoder("latin1").decode(bytes.subarray(start.from, start.to));
  if (/'descr'\s*:\s*\[/.test(text)) {
    throw unsupported(file, "its elements are records of several fields, which no dtype holds", entry);
  }
  const header = parseHeader(text, wrong);
  const { type, isSwapped } = elementType(header.description, file, entry, wrong);
  const width = Number(header.description.slice(2));
  const needed = sizeOf(header.shape) * width;
  const given = bytes.length - start.to;
  if (needed !== given) {
    throw wrong("data length", `its shape ${quoted(header.shape)} takes ${needed} bytes, but ${given} follow the header`);
  }
  const elements = copyOf(bytes, start.to);
  if (isSwapped) swapBytes(new Uint8Array(elements), width);
  const described: Omit<Described, "shape"> = { file, format, entry, type };
  if (!header.isFortran) return tensorFrom(elements, { ...described, shape: header.shape });
  const reversed = tensorFrom(elements, { ...described, shape: header.shape.toReversed() });
  return permute(reversed, header.shape.map((_, axis) => header.shape.length - 1 - axis));
}

/** Where the header's text begins and ends. */
function headerStart(bytes: Uint8Array, wrong: (rule: string, reason: string) => Failure): { from: number; to: number } {
  if (magic.some((byte, i) => bytes[i] !== byte)) throw wrong("magic", "it does not begin with \\x93NUMPY");
  const version = bytes[6];
  if (!(version >= 1 && version <= 3)) throw wrong("version", `it is of version ${version}.${bytes[7]}; 1 to 3 are known`);
  const from = version === 1 ? 10 : 12;
  if (bytes.length < from) throw wrong("header length", "it ends before its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > bytes.length - from) {
    throw wrong("header length", `its header should have ${length} bytes, but only ${bytes.length - from} follow`);
  }
  return { from, to: from + length };
}

/** The header is a Python dict with three keys, in any order: nothing else is understood, and nothing is run. */
function parseHeader(text: string, wrong: (rule: string, reason: string) => Failure): Header {
  const entry = /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\dL,\s]*)\))\s*(?:,|(?=\}))/y;
  const found = new Map<string, { readonly quoted?: string; readonly flag?: string; readonly list?: string }>();
  const open = /^\s*\{/.exec(text);
  let at = open ? open[0].length : 0;
  for (;;) {
    entry.lastIndex = at;
    const match = open && entry.exec(text);
    if (!match) break;
    found.set(match[2], { quoted: match[4], flag: match[5], list: match[6] });
    at = entry.lastIndex;
  }
  const shape = found.get("shape")?.list?.split(",").map((part) => part.trim().replace(/L$/, "")).filter((part) => part !== "");
  const description = found.get("descr")?.quoted;
  const flag = found.get("fortran_order")?.flag;
  if (!open || !/^\s*\}\s*$/.test(text.slice(at)) || !shape || description === undefined || flag === undefined) {
    const shown = JSON.stringify(text.trim().slice(0, 120));
    throw wrong("header", `its header is not a dict of descr, fortran_order and shape: ${shown}`);
  }
  const extents = shape.map(Number);
  if (!extents.every(Number.isSafeInteger)) throw wrong("shape", `its shape is ${quoted(shape)}`);
  return { description, isFortran: flag === "True", shape: extents };
}

function elementType(
  description: string,
  file: string,
  entry: string,
  wrong: (rule: string, reason: string) => Failure,
): { readonly type: ElementName; readonly isSwapped: boolean } {
  const [, order, name] = /^([<>|=])([a-zA-Z]\d*)$/.exec(description) ?? [];
  if (name === undefined) throw wrong("descr", `its elements are described as ${JSON.stringify(description)}`);
  if (Object.hasOwn(types, name)) return { type: types[name], isSwapped: order === ">" && !name.endsWith("1") };
  const reason = name.startsWith("O")
    ? "its elements are Python objects, which would have to be run"
    : `its elements are of NumPy's type ${description}, which no dtype holds`;
  throw unsupported(file, reason, entry);
}

/** Between the two orders of bytes. */
function swapBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}

/**
 * A tensor as the bytes of a file, those that `numpy.save` writes.
 *
 * @throws {DTypeError} If NumPy has no such type.
 */
export async function arrayBytes(x: Tensor): Promise<Uint8Array> {
  const description = descriptions[x.dtype];
  if (description === undefined) {
    throw new DTypeError(`Cannot write a tensor of ${x.dtype} for NumPy, which has no such type: cast it to f32`, {
      dtype: x.dtype,
    });
  }
  const shape = x.shape.length === 1 ? `(${x.shape[0]},)` : `(${x.shape.join(", ")})`;
  const room = x.shape.length > 0 ? " ".repeat(digitsToGrow - String(x.shape[0]).length) : "";
  const dict = `{'descr': '${description}', 'fortran_order': False, 'shape': ${shape}, }${room}`;
  const padded = Math.ceil((magic.length + 4 + dict.length + 1) / alignment) * alignment;
  const elements = await toBytes(x);
  const bytes = new Uint8Array(padded + elements.length).fill(0x20, 0, padded);
  bytes.set([...magic, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, padded - magic.length - 4, true);
  bytes.set(new TextEncoder().encode(dict), magic.length + 4);
  bytes[padded - 1] = 0x0a;
  bytes.set(elements, padded);
  return bytes;
}
