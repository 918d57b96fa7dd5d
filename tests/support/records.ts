/**
 * The records of operations: which there are, and which a function uses.
 *
 * @module
 */
import { type Op, sourceOf, type Tensor } from "../../core/tensor.ts";
import { topological } from "../../core/walk.ts";

function isRecord(value: unknown): value is Op {
  return typeof value === "object" && value !== null && "lower" in value && "jvp" in value && "name" in value;
}

/** All records that the files of a folder export. */
export async function recordsIn(folder: URL): Promise<Set<Op>> {
  const found = new Set<Op>();
  for await (const { name } of Deno.readDir(folder)) {
    for (const value of Object.values(await import(new URL(name, folder).href))) if (isRecord(value)) found.add(value);
  }
  return found;
}

/** The records of the operations that a tensor is still to be computed by. */
export function recordsOf(tensor: Tensor): Set<Op> {
  const steps = topological([tensor], (each) => sourceOf(each).kind !== "op").map(sourceOf);
  return new Set(steps.flatMap((source) => source.kind === "op" ? [source.op] : []));
}
