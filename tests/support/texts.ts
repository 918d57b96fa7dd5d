/**
 * Random texts of any code points. fast-check's own make a table of all there are first, for seconds where a process is large.
 *
 * @module
 */
import { fc } from "../../dev_deps.ts";

const surrogates = 0x800;
const codePoint = fc.integer({ min: 0, max: 0x10ffff - surrogates }).map((i) =>
  String.fromCodePoint(i < 0xd800 ? i : i + surrogates)
);

/** Texts of up to `maxLength` code points, small ones more often; halves of pairs are none. */
export const anyText = (maxLength = 10): fc.Arbitrary<string> =>
  fc.array(codePoint, { maxLength }).map((points) => points.join(""));
