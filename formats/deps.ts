/**
 * The packages that read files, pinned, one line each. They are loaded when a file needs them.
 *
 * @module
 */
export { Uint8ArrayReader, Uint8ArrayWriter, ZipReader, ZipWriter } from "npm:@zip.js/zip.js@2.24.0";
