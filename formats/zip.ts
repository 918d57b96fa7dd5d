/**
 * Zip archives in memory: what is damaged, lies twice in an archive or unpacks to too much is refused before memory is taken for it.
 *
 * @module
 */
import { broken, Failure } from "./failures.ts";

/** The files in an archive by their paths. */
export type Members = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** What deflate packs best: 258 bytes into two bits. No honest archive unpacks to more. */
const mostRatio = 1032;
/** So much is unpacked at the most, however large the archive. */
export const mostUnpacked = 2 ** 32;

/**
 * Unpacks an archive; nothing is written anywhere.
 *
 * @throws {Failure} If it is none, is damaged, or would unpack to more than deflate can pack.
 */
export async function unzip(bytes: Uint8Array, file: string, format: string): Promise<Members> {
  const wrong = (rule: string, reason: string, entry?: string): Failure => broken(file, format, rule, reason, entry);
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } = await import("./deps.ts");
  const options = { useWebWorkers: false, checkSignature: true, checkOverlappingEntry: true };
  const reader = new ZipReader(new Uint8ArrayReader(bytes), options);
  const members = new Map<string, Uint8Array<ArrayBuffer>>();
  try {
    let total = 0;
    for (const entry of await reader.getEntries()) {
      if (entry.directory) continue;
      const { filename, compressedSize, uncompressedSize } = entry;
      if (members.has(filename)) throw wrong("names", `its archive has ${JSON.stringify(filename)} twice`, filename);
      if (entry.encrypted) throw wrong("archive", `its member ${JSON.stringify(filename)} is encrypted`, filename);
      total += uncompressedSize;
      if (compressedSize > bytes.length || uncompressedSize > mostRatio * (compressedSize + 1) || total > mostUnpacked) {
        throw wrong(
          "unpacked size",
          `its member ${JSON.stringify(filename)} would unpack to ${uncompressedSize} bytes`,
          filename,
        );
      }
      members.set(filename, await entry.getData(new Uint8ArrayWriter()) as Uint8Array<ArrayBuffer>);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw wrong("archive", `it is no whole zip archive: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await reader.close();
  }
  return members;
}

/** An archive of files that are not packed, the same bytes for the same files at any time. */
export async function zip(members: Iterable<readonly [path: string, bytes: Uint8Array]>): Promise<Uint8Array> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await import("./deps.ts");
  const options = { level: 0, useWebWorkers: false, extendedTimestamp: false, lastModDate: new Date(1980, 0, 1) };
  const writer = new ZipWriter(new Uint8ArrayWriter(), options);
  for (const [path, bytes] of members) await writer.add(path, new Uint8ArrayReader(bytes));
  return await writer.close();
}
