/**
 * Functions that a model defines: ops made of other ops. A node that calls one stands for its body, with the node's attributes put in.
 *
 * @module
 */
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from "./deps.ts";
import { changed } from "./messages.ts";

/** The name by which nodes call an op: those of ONNX itself without a domain. */
export function opKey(domain: string, name: string): string {
  return domain === "" || domain === "ai.onnx" ? name : `${domain}.${name}`;
}

/** The functions of a model, by what nodes call them. */
export function functionsOf({ functions }: ModelProto): Map<string, FunctionProto> {
  return new Map(functions.map((each) => [opKey(each.domain, each.name), each]));
}

/** The body of a function as a node calls it. Inputs that the node leaves out are left out in the body. */
export function bodyOf(called: FunctionProto, caller: NodeProto): Pick<GraphProto, "node" | "input" | "output" | "initializer"> {
  const given = new Map([...called.attributeProto, ...caller.attribute].map((each) => [each.name, each]));
  const missing = new Set(called.input.filter((_, i) => !caller.input[i]));
  const value = (name: string) => ({ name }) as GraphProto["input"][number];
  return {
    node: called.node.map((node) => filled(node, given, missing)),
    input: called.input.filter((name) => !missing.has(name)).map(value),
    output: called.output.map(value),
    initializer: [],
  };
}

function filled(node: NodeProto, given: ReadonlyMap<string, AttributeProto>, missing: ReadonlySet<string>): NodeProto {
  const inner = (graph: GraphProto) => changed(graph, { node: graph.node.map((each) => filled(each, given, missing)) });
  return changed(node, {
    input: node.input.map((name) => missing.has(name) ? "" : name),
    attribute: node.attribute.flatMap((attribute) => {
      if (attribute.refAttrName === "") return [attribute.g ? changed(attribute, { g: inner(attribute.g) }) : attribute];
      const found = given.get(attribute.refAttrName);
      return found ? [changed(found, { name: attribute.name })] : [];
    }),
  });
}
