/**
 * What is multiplied through workgroup memory: matrices, or convolutions seen as such. Operands say where their elements are, so that
 * the patches of a convolution are never written out.
 *
 * @module
 */
import type { Coordinate } from "../shader/coordinates.ts";
import type { Lanes } from "../shader/epilogue.ts";
import type { Shader } from "../shader/shader.ts";

/** Where an element is, and the condition that it exists (it counts as 0 otherwise). */
export interface Location {
  readonly address: string;
  readonly inside?: string;
}

/** One side of a product: lines (rows of the left, columns of the right) of elements along the summed axis. */
export interface ProductOperand {
  readonly buffer: number;
  /** How many lines there are. */
  readonly lines: number;
  /** The axis along which neighbours are neighbours in memory, and whether four of them are one vector. */
  readonly neighbours: "lines" | "steps";
  readonly vectors: boolean;
  /** Writes what depends on the line only; returns what locates an element of it. */
  line(shader: Shader, batch: Coordinate, line: Coordinate): (step: Step) => Location;
}

/** A step along the summed axis. */
export interface Step {
  /** Its number. */
  readonly number: Coordinate;
  /** The number is `start + offset`, `start` being that of the first of a slice of `depth` steps, the same for a whole workgroup. */
  readonly start: Coordinate;
  readonly offset: Coordinate;
  readonly depth: number;
}

/** result[b, i, j] = sum over p < k of left[b, i, p] right[b, p, j], stored at the domain point that `point` gives. */
export interface Product {
  readonly label: string;
  readonly batch: number;
  readonly k: number;
  readonly left: ProductOperand;
  readonly right: ProductOperand;
  /** How many neighbours along j are stored together: they must be neighbours along the last axis of the domain. */
  lanes(shader: Shader): Lanes;
  point(shader: Shader, b: Coordinate, i: Coordinate, j: Coordinate): readonly Coordinate[];
}
