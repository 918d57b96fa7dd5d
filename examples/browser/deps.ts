/**
 * What the page needs from outside besides the library's own, pinned. Not in `dev_deps.ts`, which the examples load too.
 *
 * @module
 */
export { type ImportDeclaration, parse, type Pattern, type Program } from "npm:acorn@8.19.0";
