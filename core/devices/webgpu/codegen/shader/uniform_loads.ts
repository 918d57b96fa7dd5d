/**
 * Loads that all invocations of a subgroup need alike (the weights of a convolution, one side of a matrix product).
 *
 * On a software adapter a load costs as much as ten multiplications, whether or not all lanes load the same element. There each
 * lane loads one element of a list and broadcasts it, so that a list costs a fraction of a load per element. Elsewhere the
 * hardware sees by itself that an address is uniform, and the elements are loaded as they are.
 *
 * @module
 */
import { type Shader, u32 } from "./shader.ts";

/** A list of elements at addresses base + offset(i), the offsets being the same for every base. */
export class SharedLoads {
  private readonly offsets: readonly string[];

  /**
   * Writes the offsets, which may be hoisted out of loops.
   *
   * @param offset Prints the offset of an element, whose number is a literal or a name.
   */
  constructor(
    private readonly shader: Shader,
    private readonly buffer: number,
    private readonly count: number,
    offset: (index: string) => string,
  ) {
    const size = shader.context.target.subgroupSize;
    const steps = Math.ceil(count / (size || 1));
    this.offsets = Array.from({ length: steps }, (_, step) => {
      if (size === 0) return shader.define(offset(u32(step)), "a");
      const past = (step + 1) * size > count;
      const index = `sub + ${step * size}u`;
      return shader.define(offset(shader.define(past ? `min(${index}, ${count - 1}u)` : index, "i")), "a");
    });
  }

  /** Writes the loads for a base address; every invocation of the subgroup must get here. */
  at(base: string): string[] {
    const size = this.shader.context.target.subgroupSize;
    const loaded = this.offsets.map((offset) => {
      return this.shader.define(this.shader.load(this.buffer, this.shader.define(`${base} + ${offset}`, "a")), "w");
    });
    if (size === 0) return loaded;
    return Array.from({ length: this.count }, (_, i) => {
      return this.shader.define(`subgroupBroadcast(${loaded[Math.floor(i / size)]}, ${i % size}u)`, "w");
    });
  }
}
