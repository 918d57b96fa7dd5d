/**
 * The packages that read pictures, pinned, one line each. They are loaded when there is a picture to read.
 *
 * @module
 */
export { convertIndexedToRgb, decode as decodePng, encode as encodePng } from "npm:fast-png@8.0.0";
export { decode as decodeJpeg, encode as encodeJpeg } from "npm:jpeg-js@0.4.4";
