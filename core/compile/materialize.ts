/**
 * Which nodes of a graph are materialized, that is have memory of their own, and which are inlined: computed inside the kernels that
 * use them.
 *
 * @module
 */
import { nodeCost } from "../ir/cost.ts";
import { sizeOf } from "../shape.ts";
import type { Target } from "../ir/target.ts";
import type { Node } from "../tensor.ts";
import type { Graph } from "./graph.ts";

/** Beyond this cost a chain of elementwise nodes is cut: printers and compilers of shaders do not take expressions of any depth. */
const maxCost = 400;

/** Nor do they take nodes that cost nothing (views) one in the other to any depth. */
const maxDepth = 500;

/** From this cost on a value that several nodes read is computed once, and one that a broadcast reads many times is. */
const sharedCost = 6;
const broadcastCost = 4;

/** Whether a node can be inlined: its value at a point needs no other points. */
function isInlinable({ made }: Node): boolean {
  if (made.kind !== "op") return false;
  const { kind } = made.op.lower;
  return kind === "elementwise" || kind === "view" || kind === "constant" || kind === "index";
}

/**
 * The nodes to materialize from the start: outputs, nodes with a kernel of their own, and what would be computed too often if it
 * were inlined; of many parts of one result also what is computed for them. Without fusion every elementwise node is.
 */
export function nodesToMaterialize(graph: Graph, { fuses, maxFusedParts }: Target): Set<Node> {
  const users = usersOf(graph);
  const factors = recomputeFactors(graph, users);
  const outputs = new Set(graph.outputs);
  const parts = new Set(graph.nodes.filter((node) => partsOf(node).length > maxFusedParts).flatMap(partsOf));
  const materialized = new Set<Node>();
  const costs = new Map<Node, number>();
  const depths = new Map<Node, number>();
  // Nodes that need another kernel's result: materializing them costs no kernel of their own, they end that one.
  const following = new Set<Node>();
  for (const node of graph.nodes) {
    if (node.made.kind !== "op") continue;
    const { inputs, op } = node.made;
    const cost = inputs.reduce((sum, input) => sum + (materialized.has(input) ? 0 : costs.get(input) ?? 0), nodeCost(node));
    costs.set(node, cost);
    const depth = inputs.reduce((most, input) => materialized.has(input) ? most : Math.max(most, depths.get(input) ?? 0), 0) + 1;
    depths.set(node, depth);
    if (inputs.some((input) => following.has(input) || materialized.has(input))) following.add(node);
    const elementwise = op.lower.kind === "elementwise";
    const isShared = (users.get(node)?.length ?? 0) > 1 &&
      (cost >= sharedCost || elementwise && endsKernel(node, inputs, materialized));
    const isRepeated = (factors.get(node) ?? 1) > 1 && cost >= (following.has(node) ? 1 : broadcastCost);
    const isUnfused = !fuses && elementwise;
    const isPart = cost > 0 && parts.has(node);
    const isTooMuch = isShared || isRepeated || cost >= maxCost || depth >= maxDepth;
    if (outputs.has(node) || !isInlinable(node) || isTooMuch || isUnfused || isPart) materialized.add(node);
  }
  return materialized;
}

/** What a node is pieced together from. */
function partsOf({ made }: Node): readonly Node[] {
  return made.kind === "op" && made.op.lower.kind === "assemble" ? made.inputs : [];
}

/**
 * Whether a node follows a named kernel point by point: it ends that kernel and replaces its bare result. What else it needs must not need
 * that result, as the mean does that is subtracted from it.
 */
function endsKernel(node: Node, inputs: readonly Node[], materialized: ReadonlySet<Node>): boolean {
  return inputs.some((input) =>
    materialized.has(input) && !isInlinable(input) && sizeOf(input.shape) === sizeOf(node.shape) &&
    !inputs.some((other) => other !== input && isNearUser(other, input))
  );
}

/** How many nodes are looked at for one that needs another. */
const nearby = 64;

/** Whether a node is found to need another, within few steps. */
function isNearUser(node: Node, of: Node): boolean {
  const pending = new Set([node]);
  // What is added while walking is walked too.
  for (const { made } of pending) {
    if (made.kind !== "op" || pending.size > nearby) continue;
    for (const input of made.inputs) if (input.id >= of.id) pending.add(input);
  }
  return pending.has(of);
}

function usersOf({ nodes }: Graph): ReadonlyMap<Node, readonly Node[]> {
  const users = new Map<Node, Node[]>();
  for (const node of nodes) {
    if (node.made.kind !== "op") continue;
    for (const input of new Set(node.made.inputs)) {
      const others = users.get(input);
      if (others) others.push(node);
      else users.set(input, [node]);
    }
  }
  return users;
}

/** How many times each inlined node would be computed per element because a broadcast reads it. */
function recomputeFactors(graph: Graph, users: ReadonlyMap<Node, readonly Node[]>): ReadonlyMap<Node, number> {
  const factors = new Map<Node, number>();
  for (const node of graph.nodes.toReversed()) {
    let most = 1;
    for (const user of users.get(node) ?? []) {
      if (!isInlinable(user)) continue;
      most = Math.max(most, (factors.get(user) ?? 1) * sizeOf(user.shape) / Math.max(1, sizeOf(node.shape)));
    }
    factors.set(node, most);
  }
  return factors;
}
