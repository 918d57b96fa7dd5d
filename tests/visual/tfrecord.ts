/**
 * Reads TensorBoard's files without any code of the writer: the checksum one bit at a time, protocol buffers one byte at a time.
 *
 * @module
 */
import assert from "node:assert/strict";

/** CRC-32C (Castagnoli) by its definition: division of polynomials over two elements, the lowest bit first. */
export function crc32cByBits(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** The checksum from which a masked one was made. */
function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return (rotated >>> 17 | rotated << 15) >>> 0;
}

/** The contents of all records of a file; fails if the file ends within one or a checksum is wrong. */
export function readRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at < file.length) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(unmasked(view.getUint32(at + 8, true)), crc32cByBits(file.subarray(at, at + 8)), "checksum of the length");
    const bytes = file.subarray(at + 12, at + 12 + length);
    assert.equal(bytes.length, length, "the last record is whole");
    assert.equal(unmasked(view.getUint32(at + 12 + length, true)), crc32cByBits(bytes), "checksum of the bytes");
    records.push(bytes);
    at += length + 16;
  }
  return records;
}

/** A field as it lies in the bytes. */
type Field =
  | { readonly wire: "varint"; readonly value: bigint }
  | { readonly wire: "bytes" | "fixed32" | "fixed64"; readonly bytes: Uint8Array };

/** The fields of a message by their numbers. */
function fieldsOf(message: Uint8Array): Map<number, Field[]> {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = message[at++];
      assert.ok(byte !== undefined && shift < 70n, "a number ends within the message");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  };
  const take = (length: number) => {
    assert.ok(at + length <= message.length, "a field ends within the message");
    return message.subarray(at, at += length);
  };
  const field = (wire: number): Field => {
    switch (wire) {
      case 0:
        return { wire: "varint", value: varint() };
      case 1:
        return { wire: "fixed64", bytes: take(8) };
      case 2:
        return { wire: "bytes", bytes: take(Number(varint())) };
      case 5:
        return { wire: "fixed32", bytes: take(4) };
      default:
        throw new Error(`Wire type ${wire}`);
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    fields.set(tag >> 3, [...fields.get(tag >> 3) ?? [], field(tag & 7)]);
  }
  return fields;
}

/** What stands in an event. */
export interface ReadEvent {
  readonly time: number;
  readonly step: number;
  readonly version?: string;
  readonly tag?: string;
  readonly scalar?: number;
  readonly image?: { readonly height: number; readonly width: number; readonly colors: number; readonly png: Uint8Array };
  readonly histogram?: {
    readonly min: number;
    readonly max: number;
    readonly num: number;
    readonly sum: number;
    readonly squares: number;
    readonly limits: number[];
    readonly counts: number[];
  };
}

/** The only field of a number, if there is one. */
function only(fields: Map<number, Field[]>, number: number): Field | undefined {
  const found = fields.get(number) ?? [];
  assert.ok(found.length <= 1, `field ${number} stands once`);
  return found[0];
}

function bytesIn(fields: Map<number, Field[]>, number: number): Uint8Array | undefined {
  const field = only(fields, number);
  if (field === undefined) return undefined;
  assert.equal(field.wire, "bytes");
  return field.wire === "bytes" ? field.bytes : undefined;
}

function wholeIn(fields: Map<number, Field[]>, number: number): number {
  const field = only(fields, number);
  if (field === undefined) return 0; // proto3: what is not there is zero
  assert.ok(field.wire === "varint");
  return Number(field.value);
}

function doubles(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert.equal(bytes.length % 8, 0);
  return Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
}

function doubleIn(fields: Map<number, Field[]>, number: number): number {
  const field = only(fields, number);
  if (field === undefined) return 0;
  assert.ok(field.wire === "fixed64");
  return doubles(field.bytes)[0];
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** Decodes an Event message; the numbers of its fields are those of TensorFlow's event.proto and summary.proto. */
export function readEvent(message: Uint8Array): ReadEvent {
  const event = fieldsOf(message);
  const head = { time: doubleIn(event, 1), step: wholeIn(event, 2), version: text(bytesIn(event, 3)) };
  const summary = bytesIn(event, 5);
  if (!summary) return head;
  const value = fieldsOf(bytesIn(fieldsOf(summary), 1)!);
  const scalar = only(value, 2), image = bytesIn(value, 4), histogram = bytesIn(value, 5);
  return {
    ...head,
    tag: text(bytesIn(value, 1)),
    scalar: scalar?.wire === "fixed32" ? new DataView(scalar.bytes.slice().buffer).getFloat32(0, true) : undefined,
    image: image && readImage(fieldsOf(image)),
    histogram: histogram && readHistogram(fieldsOf(histogram)),
  };
}

function readImage(fields: Map<number, Field[]>) {
  return { height: wholeIn(fields, 1), width: wholeIn(fields, 2), colors: wholeIn(fields, 3), png: bytesIn(fields, 4)! };
}

function readHistogram(fields: Map<number, Field[]>) {
  const [min, max, num, sum, squares] = [1, 2, 3, 4, 5].map((number) => doubleIn(fields, number));
  return { min, max, num, sum, squares, limits: doubles(bytesIn(fields, 6)!), counts: doubles(bytesIn(fields, 7)!) };
}
