/**
 * What tests, examples and benches need from outside, pinned, one line each; the library itself needs only `deps.ts`.
 *
 * @module
 */
export { default as fc } from "npm:fast-check@4.10.2";
