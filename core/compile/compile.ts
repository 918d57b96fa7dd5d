/**
 * The one road from a graph to a device: lower, merge, plan, and let the device make it executable.
 *
 * @module
 */
import { DTypeError } from "../errors.ts";
import type { Device } from "../values/device.ts";
import { showShape, sizeOf } from "../shape.ts";
import type { Graph, Node } from "./graph.ts";
import type { Program } from "../ir/program.ts";
import { lower } from "./lower.ts";
import type { Kernels } from "./loop.ts";
import { merge } from "./fuse.ts";
import { plan } from "./plan.ts";

/** What a program is compiled for. */
export interface CompileOptions {
  readonly device: Device;
  readonly inputs: readonly Node[];
  /** Which inputs may be overwritten by outputs. */
  readonly donated: readonly boolean[];
}

/** The program that computes a graph's outputs, each of which must be an operation (not an input) and named once. */
export function compileProgram(graph: Graph, { device, inputs, donated }: CompileOptions): Program {
  for (const { dtype, shape } of graph.nodes) {
    if (!device.dtypes.includes(dtype)) {
      throw new DTypeError(
        `Cannot compute ${dtype}${showShape(shape)} on ${device.name}: it has ${
          device.dtypes.join(", ")
        }; cast it, or choose another device`,
        { dtype, device: device.name },
      );
    }
  }
  const { kernels, buffers } = translate(graph, device);
  const idOf = new Map(buffers.map((node, id) => [node, id]));
  return plan({
    kernels,
    buffers,
    inputs: inputs.map((node, i) => {
      return { dtype: node.dtype, size: sizeOf(node.shape), buffer: idOf.get(node) ?? -1, donated: donated[i] };
    }),
    outputs: graph.outputs.map((node) => idOf.get(node)!),
  });
}

/** The kernels of a graph, merged if the device fuses. */
function translate(graph: Graph, device: Device): Kernels {
  const { kernels, buffers } = lower(graph, device, (body) => translate(body, device));
  if (!device.fuses) return { kernels, buffers };
  const outputs = new Set(graph.outputs.map((node) => buffers.indexOf(node)));
  return { kernels: merge(kernels, { outputs, maxBuffersPerKernel: device.maxBuffersPerKernel }), buffers };
}
