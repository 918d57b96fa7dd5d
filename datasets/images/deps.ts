/**
 * The decoders of images, pinned, one line each: WebAssembly, so that they need neither native code nor a permission. They are loaded when
 * an image is decoded.
 *
 * @module
 */
export { default as jpegDecoder } from "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.js";
export { decode as decodePng, initSync as startPng } from "npm:@jsquash/png@3.1.1/codec/pkg/squoosh_png.js";
export { jpegCode, pngCode } from "./codecs.js";
