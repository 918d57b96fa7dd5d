/**
 * The one road from a graph to a device: lower, merge, fuse, leave copies out, plan, and let the device make it executable.
 *
 * @module
 */
import { DTypeError } from "../errors.ts";
import type { Target } from "../ir/target.ts";
import { showShape, sizeOf } from "../shape.ts";
import type { Graph } from "./graph.ts";
import type { Node } from "../tensor.ts";
import type { Program } from "../ir/program.ts";
import { lower } from "./lower.ts";
import type { Kernels } from "./loop.ts";
import { fuse } from "./fuse.ts";
import { mergeReductions } from "./merge_reductions.ts";
import { withoutCopies } from "./copies.ts";
import { plan } from "./plan.ts";

/** What a program is compiled for. */
export interface CompileOptions {
  readonly target: Target;
  readonly inputs: readonly Node[];
  /** Which inputs may be overwritten by outputs. */
  readonly donated: readonly boolean[];
  /** Which are likely to have the same values at every run. */
  readonly lasting: readonly boolean[];
}

/** The program that computes a graph's outputs, each of which must be an operation (not an input) and named once. */
export function compileProgram(graph: Graph, { target, inputs, donated, lasting }: CompileOptions): Program {
  for (const { dtype, shape } of graph.nodes) {
    if (!target.dtypes.includes(dtype)) {
      throw new DTypeError(
        `Cannot compute ${dtype}${showShape(shape)} on ${target.name}: it has ${
          target.dtypes.join(", ")
        }; cast it, or choose another device`,
        { dtype, device: target.name },
      );
    }
  }
  const { kernels, buffers } = translate(graph, target);
  const idOf = new Map(buffers.map((node, id) => [node, id]));
  const kept = new Set([...inputs, ...graph.outputs].map((node) => idOf.get(node)));
  return plan({
    kernels: withoutCopies(kernels, buffers, (buffer) => kept.has(buffer)),
    buffers,
    inputs: inputs.map((node, i) => {
      const buffer = idOf.get(node) ?? -1;
      return { dtype: node.dtype, size: sizeOf(node.shape), buffer, donated: donated[i], lasting: lasting[i] };
    }),
    outputs: graph.outputs.map((node) => idOf.get(node)!),
  });
}

/** The kernels of a graph, fused if the target fuses. */
function translate(graph: Graph, target: Target): Kernels {
  const { kernels, buffers } = lower(graph, target, (body) => translate(body, target));
  if (!target.fuses) return { kernels, buffers };
  const outputs = new Set(graph.outputs.map((node) => buffers.indexOf(node)));
  const { maxBuffersPerKernel, maxInstructions } = target;
  const limits = { outputs, maxBuffersPerKernel, maxInstructions };
  return { kernels: fuse(mergeReductions(kernels, limits), limits), buffers };
}
