/**
 * Aliasing: which outputs of a list of kernels may take the memory of inputs that are not needed afterwards.
 *
 * @module
 */
import { visit } from "../ir/expr.ts";
import { type Kernel, operandsOf, readsOf, type Store, writesOf } from "../ir/kernel.ts";
import { dependsOn } from "./schedule.ts";
import { byBuffer, copyBy, isWhole } from "./buffer_uses.ts";

/** Kernels, and the inputs whose memory outputs may take. */
export interface AliasInput {
  readonly kernels: readonly Kernel[];
  /** For each kernel those that must come before it; what aliasing needs is added. */
  readonly before: Set<number>[];
  /** The buffer of each input; below 0 if no kernel reads it. */
  readonly inputs: readonly number[];
  /** The inputs, by index, whose memory an output, a buffer, may take: they hold as many elements of its type. */
  donors(output: number): ReadonlySet<number>;
  readonly outputs: readonly number[];
}

/** What shares memory. */
export interface Aliases {
  /** For outputs, which are buffers, the input whose memory they take. */
  readonly aliases: ReadonlyMap<number, number>;
  /** Kernels that would only copy an input to itself. */
  readonly idle: ReadonlySet<Kernel>;
}

/** Finds inputs to overwrite. */
export function alias({ kernels, before, inputs, donors, outputs }: AliasInput): Aliases {
  const aliases = new Map<number, number>();
  const idle = new Set<Kernel>();
  const taken = new Set<number>();
  const distinct = new Set(outputs);
  const inputOf = new Map(inputs.map((buffer, input) => [buffer, input]));
  /** Whether an output may still take the memory of an input. */
  const isFree = (input: number, output: number): boolean =>
    inputs[input] >= 0 && !distinct.has(inputs[input]) && !taken.has(input) && donors(output).has(input);
  const [readers, writers] = [byBuffer(kernels, readsOf), byBuffer(kernels, writesOf)];
  /** Gives the output the input's memory if all `others`, which read the input, can come before the `writer`. */
  const take = (output: number, input: number, writer: number, others: readonly number[]): boolean => {
    if (others.some((other) => other === writer || dependsOn(before, other, writer))) return false;
    for (const other of others) before[writer].add(other);
    aliases.set(output, input);
    taken.add(input);
    return true;
  };
  const aliasStored = (output: number, candidates: (writer: Kernel, store: Store) => Iterable<number>): void => {
    const [writer, ...more] = writers.get(output) ?? [];
    if (writer === undefined || more.length > 0 || inputOf.has(output)) return;
    const store = kernels[writer].stores.find(({ buffer }) => buffer === output);
    if (!store) return;
    for (const input of candidates(kernels[writer], store)) {
      const buffer = inputs[input];
      if (!isFree(input, output) || !canOverwrite(kernels[writer], store, buffer)) continue;
      if (take(output, input, writer, (readers.get(buffer) ?? []).filter((reader) => reader !== writer))) return;
    }
  };
  const aliasCopy = (output: number): void => {
    const [copy, next] = writers.get(output) ?? [];
    const buffer = next === undefined ? undefined : copyBy(kernels[copy])?.from;
    const input = buffer === undefined ? undefined : inputOf.get(buffer);
    if (input === undefined || !isFree(input, output)) return;
    const others = (readers.get(inputs[input]) ?? []).filter((reader) => reader !== copy);
    if (take(output, input, next, others)) idle.add(kernels[copy]);
  };
  for (const output of distinct) aliasCopy(output);
  // An input that the same store reads point by point comes first: that one's successor it is, most likely.
  const readBy = (writer: Kernel, store: Store): number[] =>
    Array.from(buffersRead(writer, store), (buffer) => inputOf.get(buffer) ?? -1).filter((input) => input >= 0).sort((a, b) =>
      a - b
    );
  for (const output of distinct) aliasStored(output, readBy);
  for (const output of distinct) if (!aliases.has(output)) aliasStored(output, () => donors(output));
  return { aliases, idle };
}

/**
 * Whether a kernel may make a store where `input` is: it reads that only at the point it is about to store, and if any store needs it,
 * this one does. (Stores are computed in order, so one that does not could come before another that reads.)
 */
function canOverwrite(kernel: Kernel, store: Store, input: number): boolean {
  if (operandsOf(kernel).some(({ buffer }) => buffer === input)) return false;
  const loads = kernel.loads.filter(({ buffer }) => buffer === input);
  return isWhole(kernel, store) && (loads.length === 0 || buffersRead(kernel, store).has(input)) &&
    loads.every(({ offset, strides }) => offset === 0 && strides.every((stride, axis) => stride === store.strides[axis]));
}

/** The buffers from whose elements the value of a store is made. */
function buffersRead(kernel: Kernel, { value }: Store): ReadonlySet<number> {
  const found = new Set<number>();
  visit([value], (e) => {
    if (e.kind === "load") found.add(kernel.loads[e.slot].buffer);
  });
  return found;
}
