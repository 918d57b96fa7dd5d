/**
 * Functions as ONNX files.
 *
 * @module
 */
export { encode, type ExportOptions, type InputExample, save } from "./encode.ts";
