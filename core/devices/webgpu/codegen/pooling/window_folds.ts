/**
 * What pooling keeps of a window while it goes through its elements: a sum, a maximum, or the maximum and where it is.
 *
 * @module
 */
import type { Expr } from "../../../../ir/expr.ts";
import { beats } from "../../../../ir/reductions.ts";
import { neutral, printerOf } from "../reduce/accumulators.ts";
import type { ImageColumn } from "../shader/image_columns.ts";
import type { Shader } from "../shader/shader.ts";

/** The variables that hold the running result of a window. */
export interface Running {
  readonly value: string;
  /** The index of the element that the value comes from, for folds that keep it. */
  readonly index: string;
}

/** A way to fold the elements of a window into a running result. */
export interface WindowFold {
  /** Writes the declaration of the variables, as an empty window leaves them. */
  declare(shader: Shader, running: Running): void;
  /** Writes what one more element changes; `index` names its index. */
  take(shader: Shader, running: Running, element: ImageColumn, index: () => string): void;
}

/** The index that an empty window has. */
export const noIndex = "0xffffffffu";

/** Names the variables of as many windows. */
export function nameRunning(shader: Shader, count: number): Running[] {
  return Array.from({ length: count }, () => ({ value: shader.fresh("best"), index: shader.fresh("place") }));
}

/** The sum; elements outside the image count as 0. */
export const sumFold: WindowFold = {
  declare: (shader, { value }) => shader.line(`var ${value} = 0.0;`),
  take: (shader, running, { value }) => shader.line(`${running.value} += ${value};`),
};

/** The maximum, NaN being the largest; elements outside the image never win. */
export const maximumFold: WindowFold = {
  declare: (shader, { value }) => shader.line(`var ${value} = ${neutral(shader, "max", "f32")};`),
  take(shader, running, { value, inside }) {
    const element = inside ? `select(${neutral(shader, "max", "f32")}, ${value}, ${inside})` : value;
    shader.line(`${running.value} = ${shader.helper("maximum")}(${running.value}, ${element});`);
  },
};

/** Whether an element is larger than the running maximum. */
function beatsRunning(shader: Shader, element: string, running: Running): string {
  const [x, y] = [0, 1].map((slot): Expr => ({ kind: "load", type: "f32", slot }));
  return printerOf(shader, [shader.define(element), running.value])(beats("argmax", x, y));
}

/** The first maximum and its index. */
export const argmaxFold: WindowFold = {
  declare(shader, running) {
    maximumFold.declare(shader, running);
    shader.line(`var ${running.index} = ${noIndex};`);
  },
  take(shader, running, { value, inside }, index) {
    const larger = `${beatsRunning(shader, value, running)} || ${running.index} == ${noIndex}`;
    const wins = shader.define(inside ? `${inside} && (${larger})` : larger);
    shader.line(`${running.value} = select(${running.value}, ${value}, ${wins});`);
    shader.line(`${running.index} = select(${running.index}, ${index()}, ${wins});`);
  },
};
