/**
 * What pictures and logs need from outside, pinned, one line each. Not in the library's own `deps.ts`: who only trains loads none
 * of it.
 *
 * @module
 */
export { encode as encodePng } from "npm:fast-png@8.0.0";
// The bundle for browsers: unlike the package's modules it looks at no environment variable, so it needs no permission.
// @ts-types="npm:echarts@6.1.0"
export { init as openChart, setPlatformAPI as setPlatform } from "npm:echarts@6.1.0/dist/echarts.esm.min.mjs";
export type { EChartsOption } from "npm:echarts@6.1.0";
export { plot } from "npm:simple-ascii-chart@5.4.0";
// @ts-types="npm:@types/d3-array@3.2.2"
export { bin, bisectRight, ticks, tickStep } from "npm:d3-array@3.2.5";
export { BinaryWriter, WireType } from "npm:@bufbuild/protobuf@2.17.0/wire";
// @ts-types="npm:crc-32@1.2.2/types/index.d.ts"
export { default as crc32c } from "npm:crc-32@1.2.2/crc32c.js";
