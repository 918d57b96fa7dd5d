/**
 * Walking graphs: what all transforms have in common.
 *
 * Serial numbers grow from inputs to outputs, so sorting by them is a topological order, and whatever is older than a transform's
 * variables cannot depend on them: the walk never leaves the part of the graph that the function built.
 *
 * @module
 */
import { type Pending, sourceOf, type Tensor } from "../tensor.ts";

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
