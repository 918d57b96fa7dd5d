/**
 * What can be told of nodes as a file has them: what to call one, and what it needs.
 *
 * @module
 */
import type { GraphProto, NodeProto } from "./deps.ts";

/** The name of a node for messages. */
export function nodeName({ name, output }: NodeProto): string {
  return name !== "" ? name : `the node of ${JSON.stringify(output.find((each) => each !== "") ?? "")}`;
}

/** The graphs among the attributes of a node. */
export function graphsOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => g ? [g, ...graphs] : graphs);
}

/** Names that a node needs: its inputs, and what the graphs among its attributes take from outside. */
export function needs(node: NodeProto): string[] {
  const inner = graphsOf(node).flatMap((graph) => graph.node.flatMap(needs));
  const named = graphsOf(node).flatMap((graph) => graph.output.map(({ name }) => name));
  return [...node.input, ...inner, ...named];
}
