/**
 * The dependencies of pictures and logs, pinned, one line each. Not in the library's own `deps.ts`: a program that only trains loads none
 * of it.
 *
 * @module
 */
export { encodePng } from "../core/notebook/deps.ts";
export { plot } from "npm:simple-ascii-chart@5.4.0";
// @ts-types="npm:@types/d3-array@3.2.2"
export { bin, bisectRight } from "npm:d3-array@3.2.5";
// @ts-types="npm:@types/d3-scale@4.0.9"
export { scaleLinear, scaleLog } from "npm:d3-scale@4.0.3";
// @ts-types="npm:@types/d3-shape@3.2.0"
export { line } from "npm:d3-shape@3.2.1";
export { BinaryWriter, WireType } from "npm:@bufbuild/protobuf@2.17.0/wire";
// @ts-types="npm:crc-32@1.2.2/types/index.d.ts"
export { default as crc32c } from "npm:crc-32@1.2.2/crc32c.js";
