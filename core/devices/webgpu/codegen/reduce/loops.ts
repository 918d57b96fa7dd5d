/**
 * The loops of a reduction: short stretches are written out, sums of many terms become sums of short sums.
 *
 * @module
 */
import { sizeOf } from "../../../../shape.ts";
import type { Coordinate } from "../shader/coordinates.ts";
import { type Shader, u32 } from "../shader/shader.ts";
import { type Accumulator, type Candidate, mergeAll } from "./accumulators.ts";

/** As many points are written out one after the other. */
const unrolled = 32;
const unrolledInLoop = 8;
/** Steps of one running sum before it is added to the sum of sums. */
const stepsPerBlock = 64;

/** Goes through all points of `extents` in order, and merges the candidates that `write` gives. */
export function accumulateOver(
  shader: Shader,
  accumulators: readonly Accumulator[],
  extents: readonly number[],
  write: (coordinates: readonly Coordinate[]) => Candidate[],
): void {
  const go = (axis: number, outer: readonly Coordinate[]): void => {
    const rest = extents.slice(axis);
    if (sizeOf(rest) <= unrolled) {
      mergeAll(shader, accumulators, pointsOf(rest).map((point) => write([...outer, ...point.map((i) => u32(i))])));
    } else if (rest.length === 1) accumulateAlong(shader, accumulators, rest[0], (at) => write([...outer, at]));
    else {
      shader.loop("0u", u32(rest[0]), 1, (at) => {
        const inner = () => go(axis + 1, [...outer, at]);
        if (rest[1] > unrolled) inBlock(shader, accumulators, inner);
        else inner();
      });
    }
  };
  if (sizeOf(extents) > 0) go(0, []);
}

/** One long axis: blocks of steps of several points. */
function accumulateAlong(
  shader: Shader,
  accumulators: readonly Accumulator[],
  extent: number,
  write: (at: Coordinate) => Candidate[],
): void {
  const step = (at: string, count: number) =>
    mergeAll(shader, accumulators, Array.from({ length: count }, (_, i) => write(i === 0 ? at : `(${at} + ${i}u)`)));
  const block = unrolledInLoop * stepsPerBlock;
  const inBlocks = extent >= 2 * block ? extent - extent % block : 0;
  const inSteps = extent - extent % unrolledInLoop;
  if (inBlocks > 0) {
    shader.loop("0u", u32(inBlocks / block), 1, (number) => {
      const start = shader.define(`${number} * ${block}u`);
      inBlock(shader, accumulators, () => {
        shader.loop("0u", u32(block), unrolledInLoop, (at) => step(shader.define(`${start} + ${at}`), unrolledInLoop));
      });
    });
  }
  if (inSteps > inBlocks) shader.loop(u32(inBlocks), u32(inSteps), unrolledInLoop, (at) => step(at, unrolledInLoop));
  if (extent > inSteps) step(u32(inSteps), extent - inSteps);
}

/** Runs `body` with sums of floats starting anew, then adds them to what was there. */
function inBlock(shader: Shader, accumulators: readonly Accumulator[], body: () => void): void {
  const sums = accumulators.filter(({ op, type }) => op === "sum" && type === "f32");
  const kept = sums.map(({ value }) => {
    const name = shader.define(`${value} + 0.0`, "kept");
    shader.line(`${value} = 0.0;`);
    return name;
  });
  body();
  sums.forEach(({ value }, i) => shader.line(`${value} = ${kept[i]} + ${value};`));
}

function pointsOf(extents: readonly number[]): number[][] {
  return extents.reduce<number[][]>(
    (points, extent) => points.flatMap((point) => Array.from({ length: extent }, (_, i) => [...point, i])),
    [[]],
  );
}
