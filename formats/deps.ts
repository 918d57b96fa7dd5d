/**
 * What reads and writes packed files: packages, pinned, one line each, and Node's zlib. They are loaded when a file needs them.
 *
 * @module
 */
export { crc32, inflateRawSync } from "node:zlib";
export { Uint8ArrayReader, Uint8ArrayWriter, ZipReader, ZipWriter } from "npm:@zip.js/zip.js@2.24.0";
