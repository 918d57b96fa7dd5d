/**
 * Zip archives in memory: what is damaged, lies twice in an archive or unpacks to too much is refused before memory is taken for it. The
 * package finds what is in an archive; the bytes of a member that is not packed, as PyTorch and NumPy write them, are a view of it.
 *
 * @module
 */
import { reasonOf } from "../core/quoted.ts";
import { broken, Failure } from "./failures.ts";

/** The files in an archive by their paths. */
export type Members = ReadonlyMap<string, Uint8Array>;

/** What deflate packs best: 258 bytes into two bits. No honest archive unpacks to more. */
const mostRatio = 1032;
/** So much is unpacked at the most, however large the archive. */
export const mostUnpacked = 2 ** 32;

/** A file in an archive, as the directory at its end describes it. */
interface Entry {
  readonly filename: string;
  readonly rawFilename: Uint8Array;
  readonly encrypted: boolean;
  readonly compressionMethod: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  /** The CRC-32 of its content. */
  readonly crc32?: number;
  /** Where in the archive its own header begins. */
  readonly offset: number;
}

/** What is wrong with an archive: completes "it is no whole zip archive: ". */
class ZipError extends Error {}

/**
 * Unpacks an archive; nothing is written anywhere. What is not packed stays where it is in `bytes`.
 *
 * @throws {Failure} If it is none, is damaged, or would unpack to more than deflate can pack.
 */
export async function unzip(bytes: Uint8Array, file: string, format: string): Promise<Members> {
  const wrong = (rule: string, reason: string, entry?: string): Failure => broken(file, format, rule, reason, entry);
  const { crc32, inflateRawSync, Uint8ArrayReader, ZipReader } = await import("./deps.ts");
  // Names are keys here, of whatever form: no path is made of them.
  const reader = new ZipReader(new Uint8ArrayReader(bytes), { filenameValidation: "tolerant" });
  const members = new Map<string, Uint8Array>();
  try {
    const entries = (await reader.getEntries()).filter(({ directory }) => !directory);
    let total = 0;
    for (const { filename, encrypted, compressedSize, uncompressedSize } of entries) {
      const name = JSON.stringify(filename);
      if (members.has(filename)) throw wrong("names", `its archive has ${name} twice`, filename);
      if (encrypted) throw wrong("archive", `its member ${name} is encrypted`, filename);
      total += uncompressedSize;
      if (compressedSize > bytes.length || uncompressedSize > mostRatio * (compressedSize + 1) || total > mostUnpacked) {
        throw wrong("unpacked size", `its member ${name} would unpack to ${uncompressedSize} bytes`, filename);
      }
      members.set(filename, none);
    }
    let end = 0;
    for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
      const name = JSON.stringify(entry.filename);
      if (entry.offset < end) throw new ZipError(`its member ${name} lies within another`);
      const stored = contentOf(bytes, entry);
      end = stored.byteOffset - bytes.byteOffset + stored.length;
      const content = entry.compressionMethod === 0 ? stored : inflated(stored, entry, inflateRawSync);
      if (content.length !== entry.uncompressedSize) {
        throw new ZipError(`its member ${name} has ${content.length} bytes, not ${entry.uncompressedSize}`);
      }
      if (crc32(content) !== entry.crc32) throw new ZipError(`the checksum of its member ${name} is wrong`);
      members.set(entry.filename, content);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw wrong("archive", `it is no whole zip archive: ${reasonOf(error)}`);
  } finally {
    await reader.close();
  }
  return members;
}

const none = new Uint8Array();
const headerBytes = 30;
const headerMark = 0x04034b50;

/** The bytes of a member as they are in the archive: they follow a header of its own, which must be of the same name and kind. */
function contentOf(
  bytes: Uint8Array,
  { filename, rawFilename, offset, compressionMethod, compressedSize }: Entry,
): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + headerBytes <= bytes.length && view.getUint32(offset, true) === headerMark) {
    const nameEnd = offset + headerBytes + view.getUint16(offset + 26, true);
    const from = nameEnd + view.getUint16(offset + 28, true);
    const name = bytes.subarray(offset + headerBytes, nameEnd);
    const isSame = view.getUint16(offset + 8, true) === compressionMethod && name.length === rawFilename.length &&
      name.every((byte, i) => byte === rawFilename[i]);
    if (isSame && from + compressedSize <= bytes.length) return bytes.subarray(from, from + compressedSize);
  }
  throw new ZipError(`its member ${JSON.stringify(filename)} is not where its directory says`);
}

/** The content of a member that is packed. */
function inflated(
  packed: Uint8Array,
  { filename, compressionMethod, uncompressedSize }: Entry,
  inflate: (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array,
): Uint8Array {
  if (compressionMethod !== 8) {
    throw new ZipError(`its member ${JSON.stringify(filename)} is packed by method ${compressionMethod}; only deflate is known`);
  }
  return inflate(packed, { maxOutputLength: Math.max(1, uncompressedSize) });
}

/** An archive of files that are not packed, the same bytes for the same files at any time. */
export async function zip(members: Iterable<readonly [path: string, bytes: Uint8Array]>): Promise<Uint8Array> {
  const { crc32, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await import("./deps.ts");
  // Passed through as it is: the package's own checksum takes most of its time.
  const options = {
    compressionMethod: 0,
    passThrough: true,
    useWebWorkers: false,
    extendedTimestamp: false,
    lastModDate: new Date(1980, 0, 1),
  };
  const writer = new ZipWriter(new Uint8ArrayWriter(), options);
  for (const [path, bytes] of members) {
    await writer.add(path, new Uint8ArrayReader(bytes), { uncompressedSize: bytes.length, crc32: crc32(bytes) });
  }
  return await writer.close();
}
