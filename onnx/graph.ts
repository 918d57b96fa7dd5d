/**
 * Graphs as they are walked: names checked, nodes in an order in which all inputs come first, each with what its op means. Everything
 * that can be found wrong without running is found here.
 *
 * @module
 */
import { firstFew } from "../core/quoted.ts";
import { broken, type Failure, unsupported } from "../formats/failures.ts";
import { Attributes, type AttributeValue, attributeValue, type GraphValue, type Subgraph } from "./attributes.ts";
import type { OnnxOp } from "./call.ts";
import {
  type AttributeProto,
  AttributeType,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto,
} from "./deps.ts";
import { elementOf, nameOfCode } from "./elements.ts";
import { bodyOf, opKey } from "./functions.ts";
import { bodyBetween, endsOf, gradientKey, type Visible, wrongEnds } from "./gradients.ts";
import type { Fold } from "./host.ts";
import { folds, ops } from "./ops/mod.ts";
import { changed } from "./messages.ts";
import { needs, nodeName } from "./nodes.ts";
import { constantOf, type TensorReader } from "./proto.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Host } from "./values.ts";

/** A node, ready to run. */
export interface Node {
  readonly name: string;
  readonly op: string;
  readonly opset: number;
  /** Names of values; empty where one is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  readonly compute: OnnxOp;
  /** What it does to arrays on the host, if that is possible. */
  readonly fold?: Fold;
}

/** A graph, ready to run. */
export interface Graph extends Subgraph {
  readonly nodes: readonly Node[];
  /** Values that are always the same. */
  readonly constants: ReadonlyMap<string, Host | Tensor>;
}

/** The format's name in errors. */
export const format = "ONNX";

/** How many nodes a model may have: functions that call each other could make a small file endless. */
const mostNodes = 2 ** 18;
/** How deep functions and gradients may lie in each other. */
const mostNested = 100;

/** What graphs of one model have in common. */
export interface Context {
  readonly file: string;
  readonly opset: number;
  readonly read: TensorReader;
  /** How many nodes there are so far, those of functions at each of their calls. */
  readonly size: { nodes: number };
  /** In how many bodies of functions and gradients it is. */
  readonly depth: number;
  /** Ops that are not supported, as they are found. */
  readonly unsupported: Map<string, string[]>;
  /** Functions that the model defines, but for those that are being entered. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
  /** The nodes of gradients in whose bodies it is. */
  readonly differentiating: ReadonlySet<NodeProto>;
}

/**
 * Makes a graph ready.
 *
 * @param outer Names that can be seen from outside.
 * @param params Initializers that are parameters; without a list, none is.
 * @throws {Failure} If a name is missing or given twice, or nodes wait for each other.
 */
export function graphFrom(
  proto: Pick<GraphProto, "node" | "input" | "output" | "initializer">,
  outer: Visible,
  context: Context,
  params: ReadonlySet<string> = new Set(),
): Graph {
  const wrong = (rule: string, reason: string, entry?: string) => broken(context.file, format, rule, reason, entry);
  const constants = new Map<string, Host | Tensor>();
  for (const initializer of proto.initializer) {
    if (!params.has(initializer.name)) constants.set(initializer.name, constantOf(initializer, initializer.name, context.read));
  }
  const given = new Set([...proto.input.map(({ name }) => name), ...constants.keys(), ...params]);
  const made = new Map<string, NodeProto>();
  for (const node of proto.node) {
    for (const name of node.output.filter((each) => each !== "")) {
      if (made.has(name) || given.has(name)) throw wrong("names", `the value ${JSON.stringify(name)} is made twice`, name);
      made.set(name, node);
    }
  }
  const visible = new Map([...outer, ...[...given].map((name) => [name, undefined] as const), ...made]);
  for (const { name } of proto.output) {
    if (!visible.has(name)) throw wrong("outputs", `nothing makes its output ${JSON.stringify(name)}`, name);
  }
  for (const node of proto.node) {
    const missing = node.input.find((name) => name !== "" && !visible.has(name));
    if (missing !== undefined) {
      throw wrong("inputs", `nothing makes ${JSON.stringify(missing)}, an input of ${nodeName(node)} (${node.opType})`, missing);
    }
  }
  const nodes = sorted(proto.node, made, context).map((node) => nodeFrom(node, visible, context));
  for (const value of [...proto.input, ...proto.output]) refuseType(value, context);
  return {
    inputs: proto.input.filter(({ name }) => !constants.has(name) && !params.has(name)).map(valueFrom),
    outputs: proto.output.map(valueFrom),
    nodes,
    constants,
  };
}

/** Notes a value whose elements no dtype holds. */
function refuseType({ name, type }: ValueInfoProto, context: Context): void {
  if (type?.value.case !== "tensorType") return;
  const { elemType } = type.value.value;
  // 0: nothing is said, as often in the graphs of branches and loops.
  if (elemType !== 0 && elementOf(elemType) === undefined) {
    note(context, `values of ${nameOfCode(elemType)}`, JSON.stringify(name));
  }
}

function note({ unsupported: found, differentiating }: Context, what: string, where: string): void {
  // What is in the body of a gradient is outside of it, too.
  if (differentiating.size > 0) return;
  const places = found.get(what);
  if (places) places.push(where);
  else found.set(what, [where]);
}

function valueFrom({ name, type }: ValueInfoProto): GraphValue {
  if (type?.value.case !== "tensorType") return { name };
  const { elemType, shape } = type.value.value;
  const extents = shape?.dim.map(({ value }) => value.case === "dimValue" ? Number(value.value) : value.value || "?");
  return { name, type: elementOf(elemType), shape: extents };
}

/** Nodes in an order in which each comes after those whose outputs it needs. */
function sorted(nodes: readonly NodeProto[], made: ReadonlyMap<string, NodeProto>, { file }: Context): NodeProto[] {
  const order: NodeProto[] = [];
  const makersOf = (node: NodeProto) => new Set(needs(node).flatMap((name) => made.get(name) ?? []));
  const uses = nodes.flatMap((user) => Array.from(makersOf(user), (maker) => ({ maker, user })));
  const users = Map.groupBy(uses, ({ maker }) => maker);
  const waiting = new Map(nodes.map((node) => [node, 0]));
  for (const { user } of uses) waiting.set(user, waiting.get(user)! + 1);
  // The order of the file stays where it can: an ordinary file is in order already.
  const ready = nodes.filter((node) => waiting.get(node) === 0);
  for (let next = 0; next < ready.length; next++) {
    order.push(ready[next]);
    for (const { user } of users.get(ready[next]) ?? []) {
      waiting.set(user, waiting.get(user)! - 1);
      if (waiting.get(user) === 0) ready.push(user);
    }
  }
  if (order.length === nodes.length) return order;
  const stuck = nodes.find((node) => waiting.get(node)! > 0)!;
  throw broken(file, format, "cycles", `${nodeName(stuck)} (${stuck.opType}) waits for its own output`, stuck.name);
}

function nodeFrom(proto: NodeProto, visible: Visible, context: Context): Node {
  const name = nodeName(proto);
  if (context.size.nodes++ > mostNodes) {
    throw broken(
      context.file,
      format,
      "size",
      `with its functions and gradients written out, it has more than ${mostNodes} nodes`,
      name,
    );
  }
  const values = new Map<string, AttributeValue>();
  for (const attribute of proto.attribute) {
    const value = attributeValue(withType(attribute), {
      tensor: ({ t }) => {
        if (!t) throw broken(context.file, format, "attributes", `attribute ${attribute.name} of ${name} has no tensor`, name);
        return constantOf(t, `attribute ${attribute.name} of ${name}`, context.read);
      },
      graph: ({ g }) => {
        if (!g) throw broken(context.file, format, "attributes", `attribute ${attribute.name} of ${name} has no graph`, name);
        return graphFrom(g, visible, context);
      },
    });
    if (value !== undefined) values.set(attribute.name, value);
  }
  const key = opKey(proto.domain, proto.opType);
  const called = context.functions.get(key);
  if (key === gradientKey && !called) values.set("body", differentiated(proto, visible, context));
  const compute = called ? callOf(called, proto, context) : Object.hasOwn(ops, key) ? ops[key] : undefined;
  if (compute === undefined) note(context, key, name);
  const to = key === "Cast" ? values.get("to") : undefined;
  if (typeof to === "number" && elementOf(to) === undefined) note(context, `Cast to ${nameOfCode(to)}`, name);
  return {
    name,
    op: key,
    opset: context.opset,
    inputs: proto.input,
    outputs: proto.output,
    attributes: new Attributes(values),
    compute: compute ?? (() => []),
    fold: Object.hasOwn(folds, key) ? folds[key] : undefined,
  };
}

/** What a node does that calls a function of the model. */
function callOf(called: FunctionProto, caller: NodeProto, context: Context): OnnxOp {
  const key = opKey(called.domain, called.name);
  const version = called.opsetImport.find(({ domain }) => opKey(domain, "") === "")?.version;
  // A function that calls itself finds none of its name.
  const functions = new Map([...context.functions].filter(([name]) => name !== key));
  const inner = { ...deeper(context, caller), opset: version === undefined ? context.opset : Number(version), functions };
  const body = graphFrom(bodyOf(called, caller), new Map(), inner);
  return (call) => call.run(body, call.inputs.flatMap((input) => input ? [input.value] : []));
}

/** What holds inside the body of a node. */
function deeper(context: Context, node: NodeProto): Context {
  const { file, depth } = context;
  if (depth < mostNested) return { ...context, depth: depth + 1 };
  const reason = `its functions and gradients lie more than ${mostNested} deep in each other`;
  throw broken(file, format, "size", reason, nodeName(node));
}

/** The part of a graph that a node differentiates. */
function differentiated(proto: NodeProto, visible: Visible, context: Context): Graph {
  const ends = endsOf(proto);
  const wrong = wrongEnds(ends, proto, visible);
  if (wrong !== undefined) {
    throw broken(context.file, format, "gradients", `${nodeName(proto)} (${gradientKey}): ${wrong}`, proto.name);
  }
  if (context.differentiating.has(proto)) {
    throw broken(
      context.file,
      format,
      "cycles",
      `${nodeName(proto)} (${gradientKey}) differentiates what it makes itself`,
      proto.name,
    );
  }
  const inner = { ...deeper(context, proto), differentiating: new Set([...context.differentiating, proto]) };
  return graphFrom(bodyBetween(ends, visible), visible, inner);
}

/** Old files leave the type out, which then follows from what is there. */
function withType(attribute: AttributeProto): AttributeProto {
  if (attribute.type !== AttributeType.UNDEFINED) return attribute;
  const type = attribute.g
    ? AttributeType.GRAPH
    : attribute.t
    ? AttributeType.TENSOR
    : attribute.ints.length > 0
    ? AttributeType.INTS
    : attribute.floats.length > 0
    ? AttributeType.FLOATS
    : attribute.strings.length > 0
    ? AttributeType.STRINGS
    : attribute.s.length > 0
    ? AttributeType.STRING
    : attribute.f !== 0
    ? AttributeType.FLOAT
    : AttributeType.INT;
  return changed(attribute, { type });
}

/** The failure that lists every op that is not supported, with its nodes; undefined if there is none. */
export function unsupportedOps({ file, unsupported: found }: Context): Failure | undefined {
  if (found.size === 0) return undefined;
  const list = [...found].map(([op, names]) => `${op} (${firstFew(names)})`).join("; ");
  return unsupported(file, `it has what is not supported: ${list}`);
}
