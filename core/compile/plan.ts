/**
 * The memory plan: the order of the kernels, which donated inputs are overwritten in place, and which intermediates share memory.
 *
 * @module
 */
import { deviceBytes, type DType } from "../dtype.ts";
import { type Shape, sizeOf } from "../shape.ts";
import { alias } from "./alias.ts";
import { type Kernel, mapAccesses, readsOf, writesOf } from "../ir/kernel.ts";
import type { BufferSpec, Program } from "../ir/program.ts";
import { dependenciesOf, scheduleKernels } from "./schedule.ts";

/** What a buffer holds. */
export interface BufferType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What there is to plan. */
export interface PlanInput {
  readonly kernels: readonly Kernel[];
  /** What each buffer of the kernels holds. */
  readonly buffers: readonly BufferType[];
  /**
   * Type and size of each input of the program, its buffer (below 0: no kernel reads it), whether it may be overwritten, and whether its
   * values are likely to be the same at every run.
   */
  readonly inputs: readonly {
    readonly dtype: DType;
    readonly size: number;
    readonly buffer: number;
    readonly donated: boolean;
    readonly lasting?: boolean;
  }[];
  /** The buffers that are the program's outputs, in order. */
  readonly outputs: readonly number[];
}

/** Orders the kernels and assigns offsets to the buffers. */
export function plan({ kernels, buffers, inputs, outputs }: PlanInput): Program {
  const before = dependenciesOf(kernels);
  const kindOf = (buffer: number) => `${buffers[buffer].dtype} ${sizeOf(buffers[buffer].shape)}`;
  const donated = Map.groupBy(
    inputs.keys().filter((input) => inputs[input].donated && inputs[input].buffer >= 0),
    (input) => kindOf(inputs[input].buffer),
  );
  const donors = new Map(Array.from(donated, ([kind, alike]) => [kind, new Set(alike)]));
  const { aliases, idle } = alias({
    kernels,
    before,
    inputs: inputs.map(({ buffer }) => buffer),
    donors: (output) => donors.get(kindOf(output)) ?? new Set(),
    outputs,
  });
  const given = new Set([...inputs.map(({ buffer }) => buffer), ...outputs]);
  const bytesOf = (buffer: number) => given.has(buffer) ? 0 : sizeOf(buffers[buffer].shape) * deviceBytes(buffers[buffer].dtype);
  const ordered = scheduleKernels(kernels, before, bytesOf).map((index) => kernels[index]).filter((kernel) => !idle.has(kernel));

  const specs: BufferSpec[] = [];
  const ids = new Map<number, number>();
  const slots: number[] = [];
  const add = (buffer: number, spec: BufferSpec) => ids.set(buffer, specs.push(spec) - 1);
  inputs.forEach(({ dtype, size, buffer, lasting }, index) => {
    const spec: BufferSpec = { dtype, size, location: { kind: "input", index, ...(lasting && { lasting }) } };
    if (buffer >= 0) add(buffer, spec);
    else specs.push(spec);
  });
  for (const [output, input] of aliases) ids.set(output, input);
  outputs.forEach((buffer, index) => {
    if (ids.has(buffer)) return;
    add(buffer, { dtype: buffers[buffer].dtype, size: sizeOf(buffers[buffer].shape), location: { kind: "output", index } });
  });
  assignSlots(ordered, buffers, ids, specs, slots);
  const renamed = ordered.map((kernel) => mapAccesses(kernel, (access) => ({ ...access, buffer: ids.get(access.buffer)! })));
  return {
    buffers: specs,
    slots,
    kernels: renamed,
    inputs: inputs.map((_, index) => index),
    outputs: outputs.map((buffer) => ids.get(buffer)!),
  };
}

/** Gives every intermediate a slot that is free while it ranges, the best fitting one. */
function assignSlots(
  kernels: readonly Kernel[],
  buffers: readonly BufferType[],
  ids: Map<number, number>,
  specs: BufferSpec[],
  slots: number[],
): void {
  const { ranges, end } = liveRanges(kernels, 0);
  const born = Map.groupBy([...ranges.keys()].filter((buffer) => !ids.has(buffer)), (buffer) => ranges.get(buffer)!.from);
  const free = new Set<number>();
  /** Slots by the time when they are free again. */
  const ending = new Map<number, number[]>();
  for (let time = 0; time < end; time++) {
    for (const buffer of born.get(time) ?? []) {
      const { dtype, shape } = buffers[buffer];
      const bytes = sizeOf(shape) * deviceBytes(dtype);
      const slot = closest(free, slots, bytes) ?? slots.push(0) - 1;
      free.delete(slot);
      slots[slot] = Math.max(slots[slot], bytes);
      const { to } = ranges.get(buffer)!;
      const others = ending.get(to);
      if (others) others.push(slot);
      else ending.set(to, [slot]);
      ids.set(buffer, specs.push({ dtype, size: sizeOf(shape), location: { kind: "slot", slot } }) - 1);
    }
    for (const slot of ending.get(time) ?? []) free.add(slot);
  }
}

/** Of the free slots the one whose size is closest. */
function closest(free: ReadonlySet<number>, slots: readonly number[], bytes: number): number | undefined {
  let best: number | undefined;
  let least = Infinity;
  for (const slot of free) {
    const distance = Math.abs(slots[slot] - bytes);
    if (distance < least) [best, least] = [slot, distance];
  }
  return best;
}

function buffersOf(kernel: Kernel): number[] {
  return [...writesOf(kernel), ...readsOf(kernel)];
}

/** From when to when a buffer is needed, both included. */
interface LiveRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The ranges of the buffers of kernels of which the first runs at time `start`. What only one loop touches ranges during part of each
 * round; what others touch too ranges through all of it, as every round may need it.
 */
function liveRanges(kernels: readonly Kernel[], start: number): { ranges: Map<number, LiveRange>; end: number } {
  const ranges = new Map<number, LiveRange>();
  let time = start;
  /** For what an exchange writes what it reads, which it may do until the other is read. */
  const exchanging = new Map<number, number>();
  for (const kernel of kernels) {
    for (const buffer of exchanging.size > 0 ? readsOf(kernel) : []) {
      const source = exchanging.get(buffer);
      if (source === undefined) continue;
      const { from, to } = ranges.get(source)!;
      ranges.set(source, { from, to: Math.max(to, time - 1) });
      exchanging.delete(buffer);
    }
    if (kernel.kind === "exchange") exchanging.set(kernel.target.buffer, kernel.operands[0].buffer);
    const inner = kernel.kind === "loop" ? liveRanges(kernel.kernels, time) : undefined;
    const end = inner?.end ?? time + 1;
    const shared = inner && new Set(kernels.flatMap((other) => other === kernel ? [] : buffersOf(other)));
    for (const buffer of buffersOf(kernel)) {
      const own = shared?.has(buffer) ? undefined : inner?.ranges.get(buffer);
      ranges.set(buffer, own ?? { from: ranges.get(buffer)?.from ?? time, to: end - 1 });
    }
    time = end;
  }
  return { ranges, end: time };
}
