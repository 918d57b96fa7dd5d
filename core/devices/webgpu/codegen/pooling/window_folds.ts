/**
 * What pooling keeps of a window while it goes through its elements: a sum, a maximum, or the maximum and where it is.
 *
 * @module
 */
import type { ImageColumn } from "../shader/image_columns.ts";
import { Shader } from "../shader/shader.ts";

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
  declare: (shader, { value }) => shader.line(`var ${value} = -${shader.helper("infinity")}();`),
  take(shader, running, { value, inside }) {
    const element = inside ? `select(-${shader.helper("infinity")}(), ${value}, ${inside})` : value;
    shader.line(`${running.value} = ${shader.helper("maximum")}(${running.value}, ${element});`);
  },
};

/** The first maximum and its index. */
export const argmaxFold: WindowFold = {
  declare(shader, running) {
    maximumFold.declare(shader, running);
    shader.line(`var ${running.index} = ${noIndex};`);
  },
  take(shader, running, { value, inside }, index) {
    const isNan = shader.helper("isNan");
    const isFirst = `${running.index} == ${noIndex}`;
    const larger = `${value} > ${running.value} || ${isFirst} || (${isNan}(${value}) && !${isNan}(${running.value}))`;
    const wins = shader.define(inside ? `${inside} && (${larger})` : larger);
    shader.line(`${running.value} = select(${running.value}, ${value}, ${wins});`);
    shader.line(`${running.index} = select(${running.index}, ${index()}, ${wins});`);
  },
};
