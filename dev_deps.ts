/**
 * What tests, examples and benches need from outside, pinned, one line each; the library itself needs only `deps.ts`.
 *
 * @module
 */
export { packTar } from "npm:modern-tar@0.8.6";
export { default as encodeJpeg } from "npm:@jsquash/jpeg@1.6.0/encode.js";
export { default as fc } from "npm:fast-check@4.10.2";
export { Command, CommanderError, InvalidArgumentError, Option } from "npm:@commander-js/extra-typings@15.1.0";
// @ts-types="npm:@types/cli-progress@3.11.6"
export { default as progressBars } from "npm:cli-progress@3.12.0";
