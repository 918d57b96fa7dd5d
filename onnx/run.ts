/**
 * A graph run on values: node after node, each by the function of its op. Where all inputs of a node are known on the host, so is what it
 * makes: the arithmetic of shapes.
 *
 * @module
 */
import { CotangentError } from "../core/errors.ts";
import { Call, type Input, type Results } from "./call.ts";
import type { Graph, Node } from "./graph.ts";
import { Host, type Value } from "./values.ts";

/** Values by name: those of a graph, and behind them those of the graphs around it. */
export class Scope {
  readonly #values = new Map<string, Input>();

  constructor(readonly outer?: Scope) {}

  set(input: Input): void {
    this.#values.set(input.name, input);
  }

  get(name: string): Input {
    const found = this.#values.get(name) ?? this.outer?.get(name);
    if (found === undefined) throw new CotangentError(`Cannot find the value ${JSON.stringify(name)}: nothing made it`, { name });
    return found;
  }
}

/**
 * The outputs of a graph.
 *
 * @param scope Holds its inputs and parameters, and gets all that is made.
 */
export function runGraph(graph: Graph, scope: Scope): Value[] {
  for (const [name, value] of graph.constants) scope.set({ name, value });
  for (const node of graph.nodes) {
    const results = located(node, () => runNode(node, scope));
    node.outputs.forEach((name, i) => {
      const value = results[i];
      if (name !== "" && value !== undefined) scope.set({ name, value });
    });
  }
  return graph.outputs.map(({ name }) => scope.get(name).value);
}

function runNode({ op, opset, attributes, inputs, outputs, compute, fold }: Node, scope: Scope): readonly (Value | undefined)[] {
  const given = inputs.map((name) => name === "" ? undefined : scope.get(name));
  const wanted = outputs.map((name) => name !== "");
  const call = new Call(op, opset, attributes, given, wanted, (graph, values) => runInner(graph as Graph, values, scope));
  const isKnown = given.every((input) => input === undefined || input.value instanceof Host);
  const folded = fold !== undefined && isKnown ? fold(call) : undefined;
  return listOf(folded ?? compute(call));
}

function runInner(graph: Graph, values: readonly Value[], outer: Scope): Value[] {
  const scope = new Scope(outer);
  if (values.length < graph.inputs.length) {
    throw new CotangentError(`its graph takes ${graph.inputs.length} inputs, but gets ${values.length}`, {});
  }
  graph.inputs.forEach(({ name, type }, i) => scope.set({ name, type, value: values[i] }));
  return runGraph(graph, scope);
}

function listOf(results: Results): readonly (Value | undefined)[] {
  return Array.isArray(results) ? results : [results as Value];
}

/** Runs a node; an error says which it was. */
function located<A>({ name, op }: Node, run: () => A): A {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Error) || placed.has(error)) throw error;
    error.message = `Cannot run ${name} (${op}): ${error.message}`;
    placed.add(error);
    throw error;
  }
}

/** Errors that say their node already. */
const placed = new WeakSet<Error>();
