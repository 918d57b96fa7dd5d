/**
 * What tests, examples and benches need from outside, pinned, one line each; the library itself needs only `deps.ts`.
 *
 * @module
 */
export { default as fc } from "npm:fast-check@4.10.2";
export { Command, InvalidArgumentError, Option } from "npm:@commander-js/extra-typings@15.1.0";
