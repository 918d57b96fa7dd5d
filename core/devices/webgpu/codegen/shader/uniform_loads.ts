/**
 * Uniform loads: those that all invocations of a subgroup need alike (the weights of a convolution, one side of a matrix product).
 *
 * On a software adapter a load costs as much as ten multiplications, whether or not all lanes load the same element. There each
 * lane loads one element of a list and broadcasts it, so that a list costs a fraction of a load per element. Real GPUs detect
 * uniform addresses themselves, and the elements are loaded one by one.
 *
 * @module
 */
import type { BufferId } from "../kernel_code.ts";
import { type Shader, u32 } from "./shader.ts";

/** A list of elements at addresses base + offset(i), the offsets being the same for every base. */
export class UniformLoads {
  readonly #shader: Shader;
  readonly #buffer: BufferId;
  readonly #count: number;
  readonly #offsets: readonly string[];

  /**
   * Writes the offsets, which may be hoisted out of loops.
   *
   * @param offset Prints the offset of an element, whose number is a literal or a name.
   */
  constructor(shader: Shader, buffer: BufferId, count: number, offset: (index: string) => string) {
    this.#shader = shader;
    this.#buffer = buffer;
    this.#count = count;
    const size = shader.context.target.subgroupSize;
    const steps = Math.ceil(count / (size || 1));
    this.#offsets = Array.from({ length: steps }, (_, step) => {
      if (size === 0) return shader.define(offset(u32(step)), "a");
      const overhangs = (step + 1) * size > count;
      const index = `sub + ${step * size}u`;
      return shader.define(offset(shader.define(overhangs ? `min(${index}, ${count - 1}u)` : index, "i")), "a");
    });
  }

  /** Writes the loads from a base address on; every invocation of the subgroup must get here. */
  at(base: string): string[] {
    const shader = this.#shader;
    const size = shader.context.target.subgroupSize;
    const loaded = this.#offsets.map((offset) => {
      return shader.define(shader.load(this.#buffer, shader.define(`${base} + ${offset}`, "a")), "w");
    });
    if (size === 0) return loaded;
    return Array.from({ length: this.#count }, (_, i) => {
      return shader.define(`subgroupBroadcast(${loaded[Math.floor(i / size)]}, ${i % size}u)`, "w");
    });
  }
}
