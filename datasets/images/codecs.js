/**
 * The WebAssembly of the decoders in `deps.ts`, at the same versions. Importing it, unlike reading its file, needs no permission. In
 * JavaScript because TypeScript does not know the syntax yet.
 *
 * @module
 */
// @ts-self-types="./codecs.d.ts"
import source jpegCode from "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.wasm";
import source pngCode from "npm:@jsquash/png@3.1.1/codec/pkg/squoosh_png_bg.wasm";

export { jpegCode, pngCode };
