/**
 * The values that a reduction takes in, computed at one point of its domain and window.
 *
 * @module
 */
import type { MergedReduce } from "../../../../ir/merged_axes.ts";
import { isArgReduction } from "../../../../ir/reductions.ts";
import { contiguousStrides } from "../../../../shape.ts";
import { address, type Coordinate } from "../shader/coordinates.ts";
import { expressionPrinter } from "../shader/expressions.ts";
import type { Shader } from "../shader/shader.ts";
import { type Candidate, neutral } from "./accumulators.ts";

/** Writes the candidates at coordinates of the window; where `inside` does not hold they are neutral. */
export type CandidateWriter = (coordinates: readonly Coordinate[], inside?: string) => Candidate[];

/** Writes what depends on the point of the domain only; returns what writes the candidates of its window. */
export function candidateWriter(shader: Shader, kernel: MergedReduce, point: readonly Coordinate[]): CandidateWriter {
  const rank = kernel.shape.length;
  const bases = kernel.operands.map(({ offset, strides }) => shader.define(address(offset, strides.slice(0, rank), point), "a"));
  const windowStrides = contiguousStrides(kernel.window);
  return (coordinates, inside) => {
    const loaded = new Map<number, string>();
    const load = (slot: number): string => {
      let name = loaded.get(slot);
      if (name === undefined) {
        const { buffer, strides } = kernel.operands[slot];
        const within = address(0, strides.slice(rank), coordinates);
        name = shader.define(shader.load(buffer, shader.define(`${bases[slot]} + ${within}`, "a")));
        loaded.set(slot, name);
      }
      return name;
    };
    const print = expressionPrinter(shader, {
      load,
      index: (offset, strides) => `bitcast<i32>(${address(offset, strides, [...point, ...coordinates])})`,
      result: () => {
        throw new Error("The values of a reduction have no result yet");
      },
    });
    const exists = inside === undefined ? undefined : shader.define(inside);
    return kernel.reductions.map(({ op, value }) => {
      const printed = print(value);
      const v = exists ? shader.define(`select(${neutral(shader, op, value.type)}, ${printed}, ${exists})`) : printed;
      if (!isArgReduction(op)) return { value: v };
      return { value: v, index: shader.define(`bitcast<i32>(${address(0, windowStrides, coordinates)})`) };
    });
  };
}
