/**
 * The memory plan: the order of the kernels, which donated inputs are overwritten in place, and which intermediates share memory.
 *
 * @module
 */
import { deviceBytes, type DType } from "../dtype.ts";
import { contiguousStrides, sizeOf } from "../shape.ts";
import { visit } from "./expr.ts";
import type { Node } from "./graph.ts";
import { type BufferSpec, type Kernel, operandsOf, type Program, readsOf, type Store, writesOf } from "./kernel.ts";
import { dependenciesOf, inOrder, reaches } from "./merge.ts";

/** What there is to plan. */
export interface Unplanned {
  readonly kernels: readonly Kernel[];
  /** The node that each buffer of the kernels holds. */
  readonly buffers: readonly Node[];
  /** Type and size of each input of the program. */
  readonly inputs: readonly { readonly dtype: DType; readonly size: number }[];
  /** Which inputs may be overwritten. */
  readonly donated: readonly boolean[];
  /** The buffers that are the program's outputs, in order. */
  readonly outputs: readonly number[];
}

/** Orders the kernels, places the buffers. */
export function plan({ kernels, buffers, inputs, donated, outputs }: Unplanned): Program {
  const inputBuffer = inputs.map((_, index) => buffers.findIndex(({ made }) => made.kind === "input" && made.index === index));
  const before = dependenciesOf(kernels).map((each) => new Set(each));
  const inPlace = overwrite(kernels, before, buffers, inputBuffer, donated, outputs);
  const ordered = inOrder(kernels, before);

  const specs: BufferSpec[] = [];
  const ids = new Map<number, number>();
  const slots: number[] = [];
  const add = (buffer: number, spec: BufferSpec) => ids.set(buffer, specs.push(spec) - 1);
  inputs.forEach(({ dtype, size }, index) => {
    const spec: BufferSpec = { dtype, size, place: { kind: "input", index } };
    if (inputBuffer[index] >= 0) add(inputBuffer[index], spec);
    else specs.push(spec);
  });
  const inputIds = inputs.map((_, index) => specs.findIndex(({ place }) => place.kind === "input" && place.index === index));
  for (const [output, input] of inPlace) ids.set(output, inputIds[input]);
  outputs.forEach((buffer, index) => {
    if (ids.has(buffer)) return;
    add(buffer, { dtype: buffers[buffer].dtype, size: sizeOf(buffers[buffer].shape), place: { kind: "output", index } });
  });
  placeIntermediates(ordered, buffers, ids, specs, slots);
  const renamed = ordered.map((kernel) => renameBuffers(kernel, (buffer) => ids.get(buffer)!));
  return { buffers: specs, slots, kernels: renamed, inputs: inputIds, outputs: outputs.map((buffer) => ids.get(buffer)!) };
}

/** The outputs that overwrite a donated input, as output buffer -> input; adds the order this needs to `before`. */
function overwrite(
  kernels: readonly Kernel[],
  before: Set<number>[],
  buffers: readonly Node[],
  inputBuffer: readonly number[],
  donated: readonly boolean[],
  outputs: readonly number[],
): Map<number, number> {
  const fits = (input: number, output: number): boolean => {
    const [old, next] = [buffers[input], buffers[output]];
    return old !== undefined && old.dtype === next.dtype && sizeOf(old.shape) === sizeOf(next.shape) && !outputs.includes(input);
  };
  const readersOf = (buffer: number) => kernels.flatMap((kernel, i) => readsOf(kernel).has(buffer) ? [i] : []);
  const inPlace = new Map<number, number>();
  const taken = new Set<number>();
  const place = (output: number, among: (input: number, writer: Kernel, store: Store) => boolean): void => {
    const writers = kernels.flatMap((kernel, i) => writesOf(kernel).has(output) ? [i] : []);
    if (writers.length !== 1 || buffers[output].made.kind === "input") return;
    const [writer] = writers;
    const store = kernels[writer].stores.find(({ buffer }) => buffer === output)!;
    for (const [input, given] of donated.entries()) {
      if (!given || taken.has(input) || !fits(inputBuffer[input], output) || !among(input, kernels[writer], store)) continue;
      const others = readersOf(inputBuffer[input]).filter((reader) => reader !== writer);
      if (!mayOverwrite(kernels[writer], output, inputBuffer[input]) || others.some((other) => reaches(before, writer, other))) {
        continue;
      }
      for (const other of others) before[writer].add(other);
      inPlace.set(output, input);
      taken.add(input);
      return;
    }
  };
  const distinct = new Set(outputs);
  // An input that the same store reads point by point comes first: that one's successor it is, most likely.
  for (const output of distinct) place(output, (input, writer, store) => reads(writer, store, inputBuffer[input]));
  for (const output of distinct) if (!inPlace.has(output)) place(output, () => true);
  return inPlace;
}

/**
 * Whether a kernel may store `output` where `input` is: it reads that only at the point it is about to store, and if any store needs it,
 * this one does. (Stores are computed in order, so one that does not could come before another that reads.)
 */
function mayOverwrite(kernel: Kernel, output: number, input: number): boolean {
  if (operandsOf(kernel).some(({ buffer }) => buffer === input)) return false;
  const store = kernel.stores.find(({ buffer }) => buffer === output)!;
  const whole = contiguousStrides(kernel.shape);
  const covers = store.offset === 0 && kernel.shape.every((extent, axis) => extent === 1 || store.strides[axis] === whole[axis]);
  const loads = kernel.loads.filter(({ buffer }) => buffer === input);
  return covers && (loads.length === 0 || reads(kernel, store, input)) &&
    loads.every(({ offset, strides }) => offset === 0 && strides.every((stride, axis) => stride === store.strides[axis]));
}

/** Whether the value of a store is made from a buffer's elements. */
function reads(kernel: Kernel, store: Store, buffer: number): boolean {
  let found = false;
  visit([store.value], (e) => {
    if (e.kind === "load" && kernel.loads[e.slot].buffer === buffer) found = true;
  });
  return found;
}

/** Gives every intermediate a slot that is free while it lives, the best fitting one. */
function placeIntermediates(
  kernels: readonly Kernel[],
  buffers: readonly Node[],
  ids: Map<number, number>,
  specs: BufferSpec[],
  slots: number[],
): void {
  const lastUse = new Map<number, number>();
  kernels.forEach((kernel, i) => {
    for (const buffer of [...readsOf(kernel), ...writesOf(kernel)]) lastUse.set(buffer, i);
  });
  const free = new Set<number>();
  const slotOf = new Map<number, number>();
  kernels.forEach((kernel, i) => {
    for (const buffer of writesOf(kernel)) {
      if (ids.has(buffer)) continue;
      const { dtype, shape } = buffers[buffer];
      const bytes = sizeOf(shape) * deviceBytes(dtype);
      const fitting = [...free].sort((a, b) => Math.abs(slots[a] - bytes) - Math.abs(slots[b] - bytes))[0];
      const slot = fitting ?? slots.push(0) - 1;
      free.delete(slot);
      slots[slot] = Math.max(slots[slot], bytes);
      slotOf.set(buffer, slot);
      ids.set(buffer, specs.push({ dtype, size: sizeOf(shape), place: { kind: "slot", slot } }) - 1);
    }
    for (const [buffer, slot] of slotOf) {
      if (lastUse.get(buffer) === i) {
        free.add(slot);
        slotOf.delete(buffer);
      }
    }
  });
}

function renameBuffers(kernel: Kernel, name: (buffer: number) => number): Kernel {
  const access = <A extends { readonly buffer: number }>(each: A): A => ({ ...each, buffer: name(each.buffer) });
  const base = { ...kernel, loads: kernel.loads.map(access), stores: kernel.stores.map(access) };
  switch (base.kind) {
    case "map":
      return base;
    case "matmul":
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad":
      return { ...base, lhs: access(base.lhs), rhs: access(base.rhs) };
    case "take":
    case "takeGrad":
    case "put":
      return { ...base, source: access(base.source), indices: access(base.indices) };
    case "argsort":
      return { ...base, source: access(base.source) };
    default:
      return { ...base, operands: base.operands.map(access) };
  }
}
