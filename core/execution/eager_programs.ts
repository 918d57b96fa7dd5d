/**
 * The programs of eager reading, found again by the structure of the pending graph: the thousandth step of an eager loop compiles
 * nothing. Constants with a fraction are inputs of the program: another learning rate is the same structure.
 *
 * @module
 */
import { broadcastOp } from "../ops/sum.ts";
import { type Node, sourceOf, type Tensor } from "../tensor.ts";
import type { GraphBuilder } from "../compile/graph.ts";
import type { Device } from "../values/device.ts";
import { mixHash } from "../hash.ts";
import { ProgramCache } from "./program_cache.ts";
import { compileTensors, firstRun, type TensorProgram } from "./tensor_program.ts";
import { hasStructure, type PendingGraph, type Structure, structureOf } from "./structure.ts";

/** How many eager programs are kept for each device. */
const maxPrograms = 256;

/** A program and the structure of the graphs it is for. */
interface EagerProgram extends TensorProgram {
  readonly structure: Structure;
}

const caches = new WeakMap<Device, ProgramCache<EagerProgram>>();

function compileEager(pending: PendingGraph, device: Device): EagerProgram {
  const asked = new Set(pending.outputs);
  let constants = 0;
  const leaf = (tensor: Tensor, builder: GraphBuilder): Node | undefined => {
    const { shape, dtype } = tensor;
    switch (pending.roleOf(tensor)) {
      case "values":
        return builder.input(shape, dtype);
      case "number":
        return builder.make(broadcastOp, [builder.input([], dtype)], { shape, axes: [] });
      case "op": {
        const source = sourceOf(tensor);
        if (source.kind !== "op" || source.op.lower.kind !== "constant" || !asked.has(tensor)) return undefined;
        // Equal ones are not one node: a step that overwrites them, as momenta that begin as zeros, would have to copy what they share.
        return builder.op(source.op, [], { ...source.attrs as object, output: constants++ }, shape, dtype);
      }
    }
  };
  return { ...compileTensors({ outputs: pending.outputs, leaf }, device), structure: structureOf(pending) };
}

/** Runs, or begins to run, the program for a graph: one used before, or a new one, which is remembered if that does not fail. */
export function runProgram<T>(graph: PendingGraph, device: Device, run: (program: EagerProgram) => T): [EagerProgram, T] {
  let cache = caches.get(device);
  if (!cache) caches.set(device, cache = new ProgramCache(maxPrograms));
  const hash = () => hashOf(graph);
  const known = cache.find(({ structure }) => hasStructure(graph, structure), hash);
  if (known) return [known, run(known)];
  const program = compileEager(graph, device);
  const ran = firstRun(program.executable, () => run(program));
  cache.add(program, hash());
  return [program, ran];
}

/** Equal for graphs of equal structure: their shapes, in order. */
function hashOf({ outputs, order }: PendingGraph): number {
  let hash = mixHash(outputs.length, order.length);
  for (const { shape } of order) {
    hash = mixHash(hash, shape.length);
    for (const extent of shape) hash = mixHash(hash, extent);
  }
  return hash;
}
