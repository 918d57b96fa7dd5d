/**
 * The storage buffers of a shader: declared when they are first accessed, one for all program buffers that share memory.
 *
 * @module
 */
import type { DType } from "../../../../dtype.ts";
import { readsOf, writesOf } from "../../../../ir/kernel.ts";
import type { Program } from "../../../../ir/program.ts";
import type { BufferId, KernelContext } from "../kernel_code.ts";
import { isPacked, type WordType, wordTypeOf } from "./elements.ts";
import { StorageBuffer } from "./storage.ts";
import type { WgslWriter } from "./wgsl_writer.ts";

/** How a kernel's scratch memory is declared. */
export interface ScratchSpec {
  readonly type: WordType;
  readonly isAtomic: boolean;
}

/** What physically holds a program buffer: buffers that share it must share a binding. */
export function locationKey(program: Program, buffer: number): string {
  const { location } = program.buffers[buffer];
  return location.kind === "slot" ? `slot${location.slot}` : `${location.kind}${location.index}`;
}

/** The buffers that a shader has declared. */
export class Bindings {
  readonly #writer: WgslWriter;
  readonly #context: KernelContext;
  readonly #scratch: ScratchSpec;
  readonly #declared = new Map<string, StorageBuffer>();

  constructor(writer: WgslWriter, context: KernelContext, scratch: ScratchSpec) {
    this.#writer = writer;
    this.#context = context;
    this.#scratch = scratch;
  }

  /** All of them, in the order of their numbers. */
  get all(): readonly StorageBuffer[] {
    return [...this.#declared.values()];
  }

  /** The dtype of a buffer's elements. */
  dtypeOf(buffer: BufferId): DType {
    return buffer === "scratch" ? this.#scratch.type : this.#context.program.buffers[buffer].dtype;
  }

  /** The declaration of a buffer. */
  of(buffer: BufferId): StorageBuffer {
    const key = buffer === "scratch" ? "scratch" : locationKey(this.#context.program, buffer);
    let found = this.#declared.get(key);
    if (!found) {
      const words = new Set(this.#dtypesAt(key, buffer).map(wordTypeOf));
      found = new StorageBuffer(this.#writer, {
        name: `b${this.#declared.size}`,
        buffer,
        word: words.size === 1 ? [...words][0] : "u32",
        isAtomic: buffer === "scratch" ? this.#scratch.isAtomic : this.#storesPacked(key),
      });
      this.#declared.set(key, found);
    }
    return found;
  }

  /** The dtypes of a kernel's buffers at one location: more than one if buffers of different dtypes share a slot. */
  #dtypesAt(key: string, buffer: BufferId): DType[] {
    if (buffer === "scratch") return [this.#scratch.type];
    const { program, kernel } = this.#context;
    const sharing = [...readsOf(kernel), ...writesOf(kernel)].filter((id) => locationKey(program, id) === key);
    return [...new Set([buffer, ...sharing].map((id) => program.buffers[id].dtype))];
  }

  /** Whether parts of words are stored there, which invocations share. */
  #storesPacked(key: string): boolean {
    const { program, kernel } = this.#context;
    return [...writesOf(kernel)].some((id) => isPacked(program.buffers[id].dtype) && locationKey(program, id) === key);
  }
}
