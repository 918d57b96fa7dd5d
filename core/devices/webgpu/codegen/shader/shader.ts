/**
 * One shader under construction: its body, its bindings, and the dispatch it becomes.
 *
 * Generators ask for loads and stores by program buffer; how a buffer is declared (`read` or `read_write`, as scalars, vectors of
 * four or atomics) follows from what is asked. All addresses are `u32` and wrap, so that negative strides need no signed arithmetic.
 *
 * @module
 */
import type { BufferId, Dispatch, KernelContext } from "../kernel_code.ts";
import { Bindings, type ScratchSpec } from "./bindings.ts";
import { isPacked } from "./elements.ts";
import { helperSources } from "./helpers.ts";
import { WgslWriter } from "./wgsl_writer.ts";

/** A literal address or stride, reduced to the 32 bits that wrapping arithmetic needs. */
export function u32(value: number): string {
  return `${value >>> 0}u`;
}

/** One compute shader. */
export class Shader extends WgslWriter {
  readonly #bindings: Bindings;

  constructor(
    readonly context: KernelContext,
    readonly label: string,
    readonly workgroupSize: readonly [x: number, y: number, z: number],
    scratchType: ScratchSpec["type"] = "f32",
    scratchIsAtomic = false,
  ) {
    super(context.target.roundsEachStep);
    this.#bindings = new Bindings(this, context, { type: scratchType, isAtomic: scratchIsAtomic });
  }

  /** Declares a buffer as vectors of four, so that `loadVector` and `storeVector` may be used on it; packed ones need none. */
  viewAsVectors(buffer: BufferId): void {
    if (!isPacked(this.#bindings.dtypeOf(buffer))) this.#bindings.of(buffer).viewAsVectors();
  }

  /** Whether `viewAsVectors` may still be called (or has been). */
  canViewAsVectors(buffer: BufferId): boolean {
    return this.#bindings.of(buffer).canBeVector;
  }

  /** The element at an address, in the type `scalarOf` its dtype. */
  load(buffer: BufferId, address: string): string {
    return this.#bindings.of(buffer).load(this.#bindings.dtypeOf(buffer), address);
  }

  /** Four neighbouring elements from an address that is a multiple of four. */
  loadVector(buffer: BufferId, address: string): string {
    return this.#bindings.of(buffer).loadVector(this.#bindings.dtypeOf(buffer), address);
  }

  /** A component of what `loadVector` gave, as a value. */
  component(buffer: BufferId, vector: string, index: number): string {
    return this.#bindings.of(buffer).component(this.#bindings.dtypeOf(buffer), vector, index);
  }

  /** Writes one element. */
  store(buffer: BufferId, address: string, value: string): void {
    this.#bindings.of(buffer).store(this.#bindings.dtypeOf(buffer), address, value);
  }

  /** Writes four neighbouring elements at an address that is a multiple of four. */
  storeVector(buffer: BufferId, address: string, values: readonly string[]): void {
    this.#bindings.of(buffer).storeVector(this.#bindings.dtypeOf(buffer), address, values);
  }

  /** Raises an element of scratch memory that is declared as atomics to a value, if that is larger. */
  atomicMax(buffer: BufferId, address: string, value: string): void {
    this.#bindings.of(buffer).atomicMax(address, value);
  }

  /** The finished dispatch. */
  dispatch(workgroups: Dispatch["workgroups"]): Dispatch {
    const { helpers, globals, body } = this.text;
    const buffers = this.#bindings.all;
    const { subgroupSize, enablesSubgroups } = this.context.target;
    const lines = [
      // Browsers would refuse broadcasts inside loops whose bounds are the same for a subgroup, because they cannot see that.
      ...(subgroupSize > 0 && enablesSubgroups ? ["enable subgroups;", "diagnostic(off, subgroup_uniformity);"] : []),
      ...buffers.map((buffer, i) => buffer.declaration(i)),
      ...[...helpers].map((name) => helperSources[name].code),
      ...globals,
      `@compute @workgroup_size(${this.workgroupSize.join(", ")})`,
      "fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,",
      `    @builtin(local_invocation_index) lane: u32${subgroupSize > 0 ? ", @builtin(subgroup_invocation_id) sub: u32" : ""}) {`,
      ...(helpers.has("hiddenZero") ? [`  hiddenZero = u32(arrayLength(&${buffers[0].name}) == 0u);`] : []),
      ...body,
      "}",
    ];
    return { label: this.label, code: lines.join("\n") + "\n", bindings: buffers.map(({ binding }) => binding), workgroups };
  }
}
