/**
 * The header of a safetensors file: eight bytes with its length, then JSON that says of each tensor its type, its shape and where in
 * the rest of the file its elements are. What the reference implementation refuses is refused.
 *
 * @see https://github.com/huggingface/safetensors
 * @module
 */
import { isRecord, naturals } from "../../core/kinds.ts";
import { quoted } from "../../core/quoted.ts";
import { sizeOf } from "../../core/shape.ts";
import { broken, type Failure } from "../failures.ts";
import type { OpenFile } from "../files.ts";
import { bitsOf, isElementName, rankOf } from "../elements.ts";
import type { ElementName, Entry } from "./types.ts";

/** What a file says of itself. */
export interface Header {
  /** By name, in the order of their bytes. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A header, and the byte of its file at which the elements begin. */
export interface PlacedHeader extends Header {
  readonly start: number;
}

/** The bytes of the length. */
export const lengthBytes = 8;
/** Longer headers are refused, so that a hostile length allocates nothing. */
export const mostHeaderBytes = 100_000_000;
/** The name that no tensor has. */
export const metadataName = "__metadata__";
/** For errors. */
export const format = "safetensors";

/**
 * Reads the header of an open file.
 *
 * @throws {Failure} If the file cannot be read, or the header breaks a rule.
 */
export async function readHeader(file: OpenFile): Promise<PlacedHeader> {
  const length = headerLength(new Uint8Array(await file.read(0, Math.min(lengthBytes, file.size))), file.size, file.name);
  const start = lengthBytes + length;
  const header = parseHeader(new Uint8Array(await file.read(lengthBytes, length)), file.size - start, file.name);
  return { ...header, start };
}

/**
 * The header of a file in memory.
 *
 * @throws {Failure} If it breaks a rule.
 */
export function headerOf(bytes: Uint8Array, file: string): PlacedHeader {
  const start = lengthBytes + headerLength(bytes, bytes.length, file);
  return { ...parseHeader(bytes.subarray(lengthBytes, start), bytes.length - start, file), start };
}

/**
 * The length of the header.
 *
 * @param bytes The first eight bytes of the file, or all if it has fewer.
 * @throws {Failure} If it is not within the file.
 */
function headerLength(bytes: Uint8Array, fileBytes: number, file: string): number {
  if (fileBytes < lengthBytes) {
    throw broken(file, format, "length", `it has ${fileBytes} bytes, but the length of the header alone takes ${lengthBytes}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(mostHeaderBytes)) {
    throw broken(file, format, "header size", `its header would have ${length} bytes; ${mostHeaderBytes} are the most`);
  }
  if (Number(length) > fileBytes - lengthBytes) {
    const rest = fileBytes - lengthBytes;
    throw broken(file, format, "header length", `its header should have ${length} bytes, but only ${rest} follow`);
  }
  return Number(length);
}

/**
 * Reads a header.
 *
 * @param dataBytes How many bytes follow it.
 * @throws {Failure} If it breaks a rule.
 */
function parseHeader(bytes: Uint8Array, dataBytes: number, file: string): Header {
  const record = parseJson(bytes, file);
  const metadata = readMetadata(record[metadataName], file);
  const entries = Object.entries(record).filter(([name]) => name !== metadataName)
    .map(([name, value]) => [name, readEntry(value, name, file)] as const)
    .sort(([, a], [, b]) => a.offsets[0] - b.offsets[0] || a.offsets[1] - b.offsets[1]);
  let end = 0;
  for (const [name, entry] of entries) {
    checkPlace(entry, end, name, file);
    end = entry.offsets[1];
  }
  if (end !== dataBytes) {
    throw broken(file, format, "data length", `its tensors take ${end} bytes, but ${dataBytes} follow the header`);
  }
  return { entries: new Map(entries), metadata };
}

/** A header as bytes, with its length before and spaces behind, so that the data begins at a multiple of eight. */
export function writeHeader({ entries, metadata }: Header): Uint8Array {
  const described = [...entries].map(([name, { type, shape, offsets }]) => {
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype: type, shape, data_offsets: offsets })}`;
  });
  const before = Object.keys(metadata).length > 0 ? [`"${metadataName}":${JSON.stringify(metadata)}`] : [];
  const text = new TextEncoder().encode(`{${[...before, ...described].join(",")}}`);
  const length = Math.ceil(text.length / lengthBytes) * lengthBytes;
  const bytes = new Uint8Array(lengthBytes + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, lengthBytes);
  return bytes;
}

/** The entries of tensors of these types and shapes, in the order of a file: wide types first, then by the bytes of the name. */
export function layOut(
  tensors: readonly { readonly name: string; readonly type: ElementName; readonly shape: readonly number[] }[],
): Map<string, Entry> {
  const encoder = new TextEncoder();
  const keyed = tensors.map((each) => ({ ...each, rank: rankOf(each.type), key: encoder.encode(each.name) }));
  keyed.sort((a, b) => b.rank - a.rank || compareBytes(a.key, b.key));
  const entries = new Map<string, Entry>();
  let begin = 0;
  for (const { name, type, shape } of keyed) {
    const end = begin + shape.reduce((product, extent) => product * extent, bitsOf(type)) / 8;
    entries.set(name, { type, shape, offsets: [begin, end] });
    begin = end;
  }
  return entries;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length - b.length : at < b.length ? a[at] - b[at] : 1;
}

function parseJson(bytes: Uint8Array, file: string): Record<string, unknown> {
  const refused = (reason: string) => broken(file, format, "JSON", `its header is not the JSON of a record: ${reason}`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw broken(file, format, "UTF-8", "its header is not UTF-8");
  }
  let record: unknown;
  try {
    // Offsets and extents are written as digits: what JavaScript takes for the same number (1.0, 1e3, -0) is none there.
    record = JSON.parse(
      text,
      (_, value, context?: { source?: string }) =>
        typeof value === "number" && !/^\d+$/.test(context?.source ?? "") ? Number.NaN : value,
    );
  } catch (error) {
    throw refused((error as Error).message);
  }
  if (!isRecord(record)) throw refused("it is something else");
  const twice = repeatedKey(text);
  if (twice !== undefined) throw broken(file, format, "names", `its header has the name ${twice} twice`, JSON.parse(twice));
  return record;
}

/** A key, as it is written, that some record in a valid JSON text has twice: parsers keep the last without a word. */
function repeatedKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  const token = /["{}[\]]/g, colon = /\s*:/y;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    if (found[0] === "{") open.push(new Set());
    else if (found[0] === "[") open.push(undefined);
    else if (found[0] !== '"') open.pop();
    else {
      token.lastIndex = colon.lastIndex = endOfString(text, token.lastIndex);
      if (!colon.test(text)) continue;
      const written = text.slice(found.index, token.lastIndex);
      const keys = open.at(-1)!;
      const key: string = JSON.parse(written);
      if (keys.has(key)) return written;
      keys.add(key);
    }
  }
  return undefined;
}

/** Where the string that begins at a place ends. Not by one pattern for all of it: that of a long one would fill the stack. */
function endOfString(text: string, from: number): number {
  const special = /["\\]/g;
  special.lastIndex = from;
  while (special.exec(text)![0] === "\\") special.lastIndex++;
  return special.lastIndex;
}

function readMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw broken(file, format, "metadata", `its ${metadataName} is no record`);
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw broken(file, format, "metadata", `its ${metadataName} has ${JSON.stringify(name)}, which is not a text`);
    }
  }
  return value as Record<string, string>;
}

function readEntry(value: unknown, name: string, file: string): Entry {
  const wrong = (rule: string, reason: string): Failure =>
    broken(file, format, rule, `its tensor ${JSON.stringify(name)} ${reason}`, name);
  if (!name.isWellFormed()) throw wrong("names", "has half of a character in its name");
  if (!isRecord(value)) throw wrong("entry", "is described by no record");
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !isElementName(dtype)) {
    throw wrong("dtype", `has dtype ${JSON.stringify(dtype)}, which the format does not have`);
  }
  if (!naturals.holds(shape)) throw wrong("shape", `has shape ${JSON.stringify(shape)}, which is no list of sizes`);
  if (!naturals.holds(offsets) || offsets.length !== 2) {
    throw wrong("offsets", `has data_offsets ${JSON.stringify(offsets)}, which are not two sizes`);
  }
  return { type: dtype, shape, offsets: [offsets[0], offsets[1]] };
}

/** The elements must begin where those before end, and be as many as the shape says. */
function checkPlace({ type, shape, offsets: [begin, end] }: Entry, previousEnd: number, name: string, file: string): void {
  const wrong = (rule: string, reason: string): Failure =>
    broken(file, format, rule, `its tensor ${JSON.stringify(name)} ${reason}`, name);
  if (begin !== previousEnd || end < begin) {
    throw wrong("order", `lies from byte ${begin} to ${end}, but must begin at ${previousEnd}, where what comes before it ends`);
  }
  // Exact as far as files reach; products of integers of any length would take all time there is.
  const bits = sizeOf(shape) * bitsOf(type);
  if (Number.isSafeInteger(bits) && bits % 8 !== 0) {
    throw wrong("whole bytes", `has ${bits} bits, which are no whole number of bytes`);
  }
  if (bits / 8 !== end - begin) {
    throw wrong("size", `of ${type} ${quoted(shape)} takes ${bits / 8} bytes, but lies from byte ${begin} to ${end}`);
  }
}
