/**
 * The decoders of images, pinned, one line each: WebAssembly, and JavaScript for four colours, so that they need neither native code nor a
 * permission. They are loaded when an image is decoded.
 *
 * @module
 */
export { default as startJpeg } from "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.js";
export { jpegCode, pngCode } from "./codecs.js";
export { decode as decodeFourColours } from "npm:jpeg-js@0.4.4";
