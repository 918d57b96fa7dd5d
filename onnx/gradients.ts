/**
 * What ONNX's `Gradient` differentiates: a part of the graph around its node, which it names by one value at the end, `y`, and those at
 * the beginning, `xs` and `zs`. It becomes a graph of its own, the `body` among the node's attributes, as loops have one. What else it
 * takes is what the graph is given: initializers and inputs.
 *
 * @module
 */
import type { GraphProto, NodeProto } from "./deps.ts";
import { changed } from "./messages.ts";
import { needs } from "./nodes.ts";

/** The op by the name of `opKey`. */
export const gradientKey = "ai.onnx.preview.training.Gradient";

/** Names that can be seen from a place, each with the node that makes it; undefined for what is given. */
export type Visible = ReadonlyMap<string, NodeProto | undefined>;

/** The values that a node differentiates between. */
export interface Ends {
  readonly xs: readonly string[];
  readonly zs: readonly string[];
  readonly y: string;
}

const decoder = new TextDecoder();

/** The values that the attributes of a node name; what they leave out is empty. */
export function endsOf({ attribute }: NodeProto): Ends {
  const find = (name: string) => attribute.find((each) => each.name === name);
  const list = (name: string) => find(name)?.strings.map((text) => decoder.decode(text)) ?? [];
  return { xs: list("xs"), zs: list("zs"), y: decoder.decode(find("y")?.s) };
}

/** What is wrong with the values that a node names; undefined if nothing is. */
export function wrongEnds({ xs, zs, y }: Ends, { input }: NodeProto, visible: Visible): string | undefined {
  if (xs.length === 0 || y === "") return `attribute ${y === "" ? "y" : "xs"} is missing`;
  const starts = [...xs, ...zs];
  const unknown = [...starts, y].find((name) => !visible.has(name));
  if (unknown !== undefined) return `nothing makes ${JSON.stringify(unknown)}, which its attributes name`;
  const seen = new Set<string>();
  const twice = starts.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) return `${JSON.stringify(twice)} is named twice in xs and zs`;
  if (input.length === starts.length && !input.includes("")) return undefined;
  return `xs and zs name ${starts.length} values, but it has ${input.filter((name) => name !== "").length} inputs`;
}

/** The part of a graph between the values that a node names. */
export function bodyBetween(
  { xs, zs, y }: Ends,
  visible: Visible,
): Pick<GraphProto, "node" | "input" | "output" | "initializer"> {
  const cut = new Set([...xs, ...zs]);
  const nodes = new Set<NodeProto>();
  const names = [y];
  for (const name of names) {
    const maker = cut.has(name) ? undefined : visible.get(name);
    if (maker === undefined || nodes.has(maker)) continue;
    nodes.add(maker);
    for (const each of needs(maker)) names.push(each);
  }
  const value = (name: string) => ({ name }) as GraphProto["input"][number];
  return {
    node: [...nodes].map((node) => withoutOutputs(node, cut)),
    input: [...cut].map(value),
    output: [value(y)],
    initializer: [],
  };
}

/** A node that does not make some of its outputs, which are given. */
function withoutOutputs(node: NodeProto, names: ReadonlySet<string>): NodeProto {
  if (!node.output.some((name) => names.has(name))) return node;
  return changed(node, { output: node.output.map((name) => names.has(name) ? "" : name) });
}
