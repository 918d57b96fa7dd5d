/**
 * Readers of what `visual` writes, pinned, one line each. Not in `dev_deps.ts`, which the examples load too.
 *
 * @module
 */
// @ts-types="npm:@types/pngjs@6.0.5"
export { PNG } from "npm:pngjs@7.0.0";
export { DOMParser } from "npm:@xmldom/xmldom@0.9.12";
