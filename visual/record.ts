/**
 * TFRecord: how TensorBoard's files keep one message after the other, each with checksums.
 *
 * A record is the length of its bytes (u64), the checksum of that length (u32), the bytes, and the checksum of the bytes (u32),
 * all little-endian. The checksum is CRC-32C, masked, because a CRC of bytes that contain CRCs is weak: rotated right by 15 bits
 * plus a constant.
 *
 * @see https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
 * @module
 */
import { crc32c } from "./deps.ts";

/** Bytes as a record. */
export function record(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(bytes.length + 16);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, masked(crc32c.buf(framed.subarray(0, 8))), true);
  framed.set(bytes, 12);
  view.setUint32(12 + bytes.length, masked(crc32c.buf(bytes)), true);
  return framed;
}

function masked(crc: number): number {
  return ((crc >>> 15 | crc << 17) + 0xa282ead8) >>> 0;
}
