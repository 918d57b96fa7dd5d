/**
 * Coordinates: from the number of an invocation to coordinates, and from coordinates to addresses.
 *
 * @module
 */
import { type Shader, u32 } from "./shader.ts";

/** A coordinate: a name or literal of the shader, `0u` where the extent is 1. */
export type Coordinate = string;

/** `offset + sum of strides[axis] * coordinates[axis]` as a `u32` that wraps. */
export function address(offset: number, strides: readonly number[], coordinates: readonly Coordinate[]): string {
  const terms: string[] = [];
  for (let axis = 0; axis < strides.length; axis++) {
    const at = coordinates[axis];
    if (strides[axis] === 0 || at === "0u") continue;
    terms.push(strides[axis] === 1 ? at : `${at} * ${u32(strides[axis])}`);
  }
  if (offset !== 0 || terms.length === 0) terms.push(u32(offset));
  return terms.join(" + ");
}

/** Splits a number into coordinates, row-major; constants divide by shifts where they can. */
export function decompose(shader: Shader, id: string, extents: readonly number[]): Coordinate[] {
  const coordinates = new Array<Coordinate>(extents.length);
  let rest = id;
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    const extent = extents[axis];
    const isOutermost = extents.slice(0, axis).every((outer) => outer === 1);
    if (extent === 1) coordinates[axis] = "0u";
    else if (isOutermost) coordinates[axis] = rest;
    else {
      coordinates[axis] = shader.define(modulo(rest, extent), "i");
      rest = shader.define(quotient(rest, extent), "i");
    }
  }
  return coordinates;
}

/** The exponent of a power of two; undefined for other numbers. */
function exponentOf(n: number): number | undefined {
  const exponent = Math.log2(n);
  return Number.isInteger(exponent) ? exponent : undefined;
}

function quotient(x: string, by: number): string {
  const shift = exponentOf(by);
  return shift === undefined ? `${x} / ${by}u` : `${x} >> ${shift}u`;
}

function modulo(x: string, by: number): string {
  return exponentOf(by) === undefined ? `${x} % ${by}u` : `${x} & ${by - 1}u`;
}
