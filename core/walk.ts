/**
 * Walking graphs of tensors: what transforms and the compiler have in common.
 *
 * Serial numbers grow from inputs to outputs, so sorting by them is a topological order, and everything older than a transform's
 * variables cannot depend on them: the walk never leaves the part of the graph that the function built.
 *
 * @module
 */
import { type Pending, sourceOf, type Tensor } from "./tensor.ts";

/** Tensors on the way from variables to outputs, oldest first, with the operations that made them (undefined for a variable). */
export type Steps = ReadonlyMap<Tensor, Pending | undefined>;

/**
 * The steps from `variables` to `outputs` (both included). They are a record: computing a tensor makes it forget its inputs, but not what
 * was recorded before.
 */
export function stepsBetween(variables: readonly Tensor[], outputs: readonly Tensor[]): Steps {
  const oldest = variables.reduce((least, { serial }) => Math.min(least, serial), Infinity);
  const roots = new Set(variables);
  const reached = new Set<Tensor>();
  const pending = outputs.filter((output) => output.serial >= oldest);
  while (pending.length > 0) {
    const tensor = pending.pop()!;
    if (reached.has(tensor)) continue;
    reached.add(tensor);
    const source = sourceOf(tensor);
    if (source.kind !== "op" || roots.has(tensor)) continue;
    for (let i = 0; i < source.inputs.length; i++) if (source.inputs[i].serial >= oldest) pending.push(source.inputs[i]);
  }
  const steps = new Map<Tensor, Pending | undefined>();
  for (const tensor of [...reached].sort((a, b) => a.serial - b.serial)) {
    const source = sourceOf(tensor);
    if (roots.has(tensor)) steps.set(tensor, undefined);
    else if (source.kind === "op" && source.inputs.some((input) => steps.has(input))) steps.set(tensor, source);
  }
  return steps;
}

/** The tensors that `outputs` need, inputs before users; stops at those for which `isLeaf` holds. */
export function topological(outputs: readonly Tensor[], isLeaf: (tensor: Tensor) => boolean): Tensor[] {
  const order: Tensor[] = [];
  const entered = new Set<Tensor>();
  // The way down to where the walk is, as a chain may be too long for recursion: tensors, their inputs, and which of these is next.
  const path: Tensor[] = [];
  const inputs: (readonly Tensor[])[] = [];
  const next: number[] = [];
  const enter = (tensor: Tensor) => {
    if (entered.has(tensor)) return;
    entered.add(tensor);
    const source = isLeaf(tensor) ? undefined : sourceOf(tensor);
    path.push(tensor);
    inputs.push(source?.kind === "op" ? source.inputs : []);
    next.push(0);
  };
  for (const output of outputs) {
    enter(output);
    while (path.length > 0) {
      const top = path.length - 1;
      if (next[top] < inputs[top].length) enter(inputs[top][next[top]++]);
      else {
        order.push(path.pop()!);
        inputs.pop();
        next.pop();
      }
    }
  }
  return order;
}
