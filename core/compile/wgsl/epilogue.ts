/**
 * Epilogues: what a kernel does with its result at one point of the domain (bias, activation, several stores).
 *
 * @module
 */
import type { ScalarType } from "../expr.ts";
import type { Kernel } from "../kernel.ts";
import { address, type Coordinate } from "./domain.ts";
import { scalarPrinter } from "./scalar.ts";
import type { Shader } from "./shader.ts";

/** Writes the stores of a kernel at one point; `result` names the kernel's results there. */
export function writeStores(
  shader: Shader,
  kernel: Pick<Kernel, "loads" | "stores">,
  coordinates: readonly Coordinate[],
  result: (slot: number) => string,
): void {
  const loaded = new Map<number, string>();
  const load = (slot: number): string => {
    let name = loaded.get(slot);
    if (name === undefined) {
      const { buffer, offset, strides } = kernel.loads[slot];
      name = shader.define(shader.load(buffer, shader.define(address(offset, strides, coordinates), "a")));
      loaded.set(slot, name);
    }
    return name;
  };
  const print = scalarPrinter(shader, {
    load,
    index: (offset, strides) => `bitcast<i32>(${address(offset, strides, coordinates)})`,
    result,
  });
  // All values are computed before the first store: a buffer may be loaded and stored in place.
  const values = kernel.stores.map((store) => shader.define(print(store.value)));
  kernel.stores.forEach(({ buffer, offset, strides }, i) => {
    shader.store(buffer, shader.define(address(offset, strides, coordinates), "a"), values[i]);
  });
}

/**
 * The same as a function of the shader, for kernels that finish many points in one invocation: the text is written once.
 *
 * @returns A writer of calls: given the result and the coordinates of a point.
 */
export function storesFunction(
  shader: Shader,
  kernel: Pick<Kernel, "loads" | "stores">,
  rank: number,
  type: ScalarType,
): (result: string, coordinates: readonly Coordinate[]) => string {
  const names = Array.from({ length: rank }, (_, axis) => `c${axis}`);
  const parameters = [`result: ${type}`, ...names.map((name) => `${name}: u32`)];
  shader.function(`finish(${parameters.join(", ")})`, () => writeStores(shader, kernel, names, () => "result"));
  return (result, coordinates) => `finish(${[result, ...coordinates].join(", ")});`;
}
