/**
 * What an image file says before it is decoded: how large it is, and whether it is whole. The decoders reserve memory for whatever a
 * header claims, and that of PNG takes files whose checksums are wrong.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/** The format of an image and its size in pixels. */
export interface ImageHeader {
  /** "cmyk" is JPEG with four colours. */
  readonly format: "png" | "jpeg" | "cmyk";
  readonly height: number;
  readonly width: number;
  /** How many bytes a file at least has for as many pixels. */
  readonly least: number;
}

/** More pixels than this are refused, as by Pillow: a small file may claim them and fill the memory. */
const maxPixels = 178_956_970;

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * The header of a PNG or JPEG file, told apart by their first bytes, whatever the file's name is.
 *
 * @throws {Error} If the bytes are no such file, or a damaged one; the message completes "cannot read it: ...".
 */
export function readHeader(bytes: Uint8Array): ImageHeader {
  const header = formatOf(bytes) === "png" ? pngHeader(bytes) : jpegHeader(bytes);
  const { height, width } = header;
  if (height === 0 || width === 0) throw new Error(`it has no pixels (${width} x ${height})`);
  if (height * width > maxPixels) throw new Error(`it claims ${width} x ${height} pixels, more than ${maxPixels}`);
  if (header.least > bytes.length) {
    throw new Error(`it claims ${width} x ${height} pixels, for which its ${bytes.length} bytes are too few`);
  }
  return header;
}

function formatOf(bytes: Uint8Array): "png" | "jpeg" {
  if (bytes.length === 0) throw new Error("it is empty");
  if (pngSignature.every((byte, i) => bytes[i] === byte)) return "png";
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "jpeg";
  throw new Error("it is neither a PNG nor a JPEG file");
}

/** Deflate makes of a byte no more than this. */
const deflateRatio = 1032;
/** Values of a pixel by the colour type of PNG. */
const pngChannels = [1, 0, 3, 1, 2, 0, 4];

/** Every chunk is a length, a name of four letters, the content and a checksum of name and content. */
function pngHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: ImageHeader | undefined;
  for (let at = pngSignature.length;;) {
    if (at + 12 > bytes.length) throw new Error(`it ends early, after ${bytes.length} bytes`);
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) throw new Error(`it ends early, after ${bytes.length} bytes`);
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, 4).toString("latin1");
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) throw new Error(`the checksum of its chunk ${name} is wrong`);
    if (name === "IHDR" && end - at >= 21) {
      const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
      const bits = bytes[at + 16] * (pngChannels[bytes[at + 17]] ?? 0);
      header ??= { format: "png", height, width, least: height * (1 + width * bits / 8) / deflateRatio };
    }
    if (!header) throw new Error(`its first chunk is ${name}, not IHDR`);
    if (name === "IEND") return header;
    at = end + 4;
  }
}

/** Each component takes a bit at least for a block of 8 x 8 of its numbers. */
const jpegNumbersOfByte = 512;

/** The numbers of all components for a pixel, by the frame that says how often each of them is sampled. */
function jpegNumbersOfPixel(bytes: Uint8Array, frame: number): number {
  const samplings = Array.from({ length: bytes[frame + 9] }, (_, i) => bytes[frame + 11 + 3 * i] ?? 0);
  const [across, down] = [samplings.map((each) => each >> 4), samplings.map((each) => each & 15)];
  if (samplings.length === 0 || [...across, ...down].some((each) => each < 1 || each > 4)) {
    throw new Error("its frame has no components that can be read");
  }
  return samplings.reduce((sum, _, i) => sum + across[i] * down[i], 0) / (Math.max(...across) * Math.max(...down));
}

/** Every segment is 0xff, a marker and, for most, a length; the size is in the segment that begins a frame. */
function jpegHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 9 <= bytes.length;) {
    const marker = bytes[at + 1];
    // Bytes between segments are passed over, as libjpeg does; 0xff may be repeated.
    if (bytes[at] !== 0xff || marker === 0xff || marker === 0) at++;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      const least = height * width * jpegNumbersOfPixel(bytes, at) / jpegNumbersOfByte;
      return { format: bytes[at + 9] === 4 ? "cmyk" : "jpeg", height, width, least };
    } else if (marker === 0xda || marker === 0xd9) throw new Error("it has no frame before its pixels");
    else if (marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  throw new Error(`it ends early, after ${bytes.length} bytes`);
}
