/**
 * Programs: what the compiler hands to a device.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import type { Kernel } from "./kernel.ts";

/** A buffer of a program. Two intermediates may share a slot when they do not live at the same time. */
export interface BufferSpec {
  readonly dtype: DType;
  /** In elements. */
  readonly size: number;
  readonly location:
    /** `lasting` ones are likely to have the same values at every run, as weights have that a function captured. */
    | { readonly kind: "input"; readonly index: number; readonly lasting?: true }
    | { readonly kind: "output"; readonly index: number }
    | { readonly kind: "slot"; readonly slot: number };
}

/**
 * A list of kernels to run in order over a table of buffers.
 *
 * Inputs and outputs belong to the caller. An output may be the buffer of a donated input: its kernel then overwrites it in place.
 */
export interface Program {
  readonly buffers: readonly BufferSpec[];
  /** Bytes of each shared slot of intermediate memory. */
  readonly slots: readonly number[];
  readonly kernels: readonly Kernel[];
  /** Buffer ids of the inputs, in order. */
  readonly inputs: readonly number[];
  /** Buffer ids of the outputs, in order: an "output" buffer, or the "input" buffer of a donated input. */
  readonly outputs: readonly number[];
}

/** The memory of a buffer, by name: two buffers may have one slot. */
export function memoryOf({ buffers }: Program, buffer: number): string {
  const { location } = buffers[buffer];
  return location.kind === "slot" ? `slot ${location.slot}` : `${location.kind} ${location.index}`;
}
