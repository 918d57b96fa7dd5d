/**
 * ONNX, the format in which networks are exchanged between frameworks: models from elsewhere as functions, and functions as files for
 * others. It has an entry of its own, so that only who uses it loads it.
 *
 * @module
 */
export { load, type Model, type ModelValue, type NamedTensors, type NamedValues } from "./load.ts";
export { encode, type ExportOptions, type InputExample, save } from "./export/mod.ts";
export type { Outcome } from "../core/or_throw.ts";
export type { FormatError, FormatResult, FormatTask } from "../formats/errors.ts";
