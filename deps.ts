/**
 * The library's outside dependencies, pinned, one line each: change a version (or a registry) here and nowhere else.
 *
 * @module
 */
export * as Either from "npm:fp-ts@2.16.11/lib/Either.js";
export * as TaskEither from "npm:fp-ts@2.16.11/lib/TaskEither.js";
export { flow, pipe } from "npm:fp-ts@2.16.11/lib/function.js";
export { unpackTar } from "npm:modern-tar@0.8.6";
