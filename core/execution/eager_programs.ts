/**
 * The programs of eager reading, found again by the structure of the pending graph: the thousandth step of an eager loop compiles
 * nothing. Constants with a fraction are inputs of the program: another learning rate is the same structure.
 *
 * @module
 */
import { broadcastOp } from "../ops/movement.ts";
import type { Node, Tensor } from "../tensor.ts";
import type { GraphBuilder } from "../compile/graph.ts";
import type { Device, DeviceBuffer } from "../values/device.ts";
import { compileTensors, firstRun, type TensorProgram } from "./tensor_program.ts";
import { hasStructure, type PendingGraph, type Structure, structureOf } from "./structure.ts";

/** How many eager programs are remembered for each device; the ones used longest ago go first. */
const maxPrograms = 256;

/** A program and the structure of the graphs it is for. */
interface EagerProgram extends TensorProgram {
  readonly structure: Structure;
}

/** The one used last is first: a loop finds its program at once. */
const programs = new Map<Device, EagerProgram[]>();

function compileEager(pending: PendingGraph, device: Device): EagerProgram {
  const leaf = (tensor: Tensor, builder: GraphBuilder): Node | undefined => {
    const { shape, dtype } = tensor;
    switch (pending.roleOf(tensor)) {
      case "values":
        return builder.input(shape, dtype);
      case "number":
        return builder.make(broadcastOp, [builder.input([], dtype)], { shape, axes: [] });
      case "op":
        return undefined;
    }
  };
  return { ...compileTensors({ outputs: pending.outputs, leaf }, device), structure: structureOf(pending) };
}

/** Runs the program for a graph: one used before, or a new one, which is remembered when it has run. */
export function runProgram(
  graph: PendingGraph,
  device: Device,
  run: (program: EagerProgram) => DeviceBuffer[],
): [EagerProgram, DeviceBuffer[]] {
  let known = programs.get(device);
  if (!known) programs.set(device, known = []);
  const at = known.findIndex(({ structure }) => hasStructure(graph, structure));
  if (at >= 0) {
    const program = known[at];
    if (at > 0) known.unshift(...known.splice(at, 1));
    return [program, run(program)];
  }
  const program = compileEager(graph, device);
  const buffers = firstRun(program.executable, () => run(program));
  known.unshift(program);
  if (known.length > maxPrograms) known.pop()!.executable?.destroy();
  return [program, buffers];
}
