/**
 * Graphs and programs of small functions of tensors, and what they are as text.
 *
 * @module
 */
import { buildGraph, type Graph, GraphBuilder } from "../../../core/compile/graph.ts";
import { lower } from "../../../core/compile/lower.ts";
import type { Kernels } from "../../../core/compile/loop.ts";
import { plan } from "../../../core/compile/plan.ts";
import type { DType } from "../../../core/dtype.ts";
import type { Program } from "../../../core/ir/program.ts";
import type { Target } from "../../../core/ir/target.ts";
import { type Shape, sizeOf } from "../../../core/shape.ts";
import { type Node, placeholder, type Tensor, withTrace } from "../../../core/tensor.ts";

/** What an argument is. */
export interface Argument {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Arguments of the usual type. */
export function f32(...shape: Shape): Argument {
  return { shape, dtype: "f32" };
}

/** The graph of a function of such arguments, with the nodes of these. */
export function graphOf(
  f: (...xs: Tensor[]) => Tensor | readonly Tensor[],
  ...args: readonly Argument[]
): { readonly graph: Graph; readonly inputs: readonly Node[] } {
  return withTrace("a test", (trace) => {
    const builder = new GraphBuilder();
    const xs = args.map(({ shape, dtype }) => placeholder(trace, shape, dtype));
    const inputs = args.map(({ shape, dtype }) => builder.input(shape, dtype));
    const results = f(...xs);
    const graph = buildGraph("length" in results ? results : [results], builder, (tensor) => inputs[xs.indexOf(tensor)]);
    return { graph, inputs };
  });
}

/** A device that fuses and has no limits. */
export const target: Target = {
  name: "a test",
  dtypes: ["f32", "f64", "i32", "u32", "bool", "u8"],
  maxBuffersPerKernel: Infinity,
  maxInstructions: 1000,
  maxFusedParts: Infinity,
  fuses: true,
};

/** The kernels of a function before any is fused, as a program. */
export function lowered(
  f: (...xs: Tensor[]) => Tensor | readonly Tensor[],
  args: readonly Argument[],
  options: Partial<Target> = {},
): Program {
  const { graph, inputs } = graphOf(f, ...args);
  const translate = (part: Graph): Kernels => lower(part, { ...target, ...options }, translate);
  const { kernels, buffers } = translate(graph);
  return plan({
    kernels,
    buffers,
    inputs: inputs.map((node) => {
      return { dtype: node.dtype, size: sizeOf(node.shape), buffer: buffers.indexOf(node), donated: false };
    }),
    outputs: graph.outputs.map((node) => buffers.indexOf(node)),
  });
}
