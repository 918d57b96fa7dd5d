/**
 * Where a model keeps its weights: mostly in initializers, but some exporters write them as nodes that make constants. Those become
 * initializers here, so that they are parameters, too.
 *
 * @module
 */
import { isFloat } from "../core/dtype.ts";
import type { GraphProto, NodeProto, TensorProto } from "./deps.ts";
import { elementOf, elementType } from "./elements.ts";
import { changed } from "./messages.ts";

/** Ops whose floating operands are weights. */
const weighted: ReadonlySet<string> = new Set([
  "BatchNormalization",
  "Conv",
  "ConvTranspose",
  "GRU",
  "Gemm",
  "GroupNormalization",
  "InstanceNormalization",
  "LSTM",
  "LayerNormalization",
  "MatMul",
  "PRelu",
  "RMSNormalization",
  "RNN",
]);

/** Ops of arithmetic: a list of a few numbers may be sizes there. */
const arithmetic: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div"]);
const fewNumbers = 8;

/** The graph with its constant weights as initializers. */
export function withWeights(graph: GraphProto): GraphProto {
  const uses = graph.node.flatMap(({ input, opType }) => input.map((name) => ({ name, opType })));
  const users = Map.groupBy(uses, ({ name }) => name);
  const outputs = new Set(graph.output.map(({ name }) => name));
  const weights = new Map<NodeProto, TensorProto>();
  for (const node of graph.node) {
    const [name] = node.output;
    const value = node.opType === "Constant" ? node.attribute.find((each) => each.name === "value")?.t : undefined;
    if (value === undefined || outputs.has(name)) continue;
    const all = users.get(name) ?? [];
    if (all.length > 0 && all.every(({ opType }) => isWeight(value, opType))) weights.set(node, changed(value, { name }));
  }
  if (weights.size === 0) return graph;
  return changed(graph, {
    node: graph.node.filter((node) => !weights.has(node)),
    initializer: [...graph.initializer, ...weights.values()],
  });
}

function isWeight({ dims, dataType }: TensorProto, op: string): boolean {
  const type = elementOf(dataType);
  if (type === undefined || !isFloat(elementType(type).dtype) || dims.length === 0) return false;
  return weighted.has(op) || arithmetic.has(op) && dims.reduce((size, extent) => size * Number(extent), 1) > fewNumbers;
}
