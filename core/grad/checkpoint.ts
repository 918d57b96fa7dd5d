/**
 * Less memory for more work: the intermediate values of a part of a function are not kept, and computed again when its derivative needs them.
 *
 * @module
 */
import { aFunction, argument } from "../kinds.ts";
import { barrier } from "../ops/barrier.ts";
import { zeroTangent } from "../ops/constant.ts";
import { apply, noVjp } from "../ops/define.ts";
import { type Op, Tensor } from "../tensor.ts";
import { buildTree, flattenTree, type Form, refusePromises } from "../tree.ts";
import { evaluate, evaluateAll, type TracedFunction, traceFunction } from "./traced_function.ts";
import { elementsOf, tuple, tupleElement, tupleType } from "./tuple.ts";
import { vjp } from "./vjp.ts";
import { vmap } from "./vmap.ts";
import { emit } from "../values/effects.ts";

interface CheckpointAttrs {
  readonly body: TracedFunction;
  toJSON(): unknown;
}

/** The inputs are what the body captured, its arguments, and then its outputs: those are handed on. */
export const checkpointOp: Op<CheckpointAttrs> = {
  name: "checkpoint",
  ...tupleType,
  vjp: (g, inputs, _, { body }) => {
    const [captured, args, outputs] = split(body, inputs);
    const cotangents = outputs.map((output, i) => tupleElement(g, i) ?? zeroTangent(output));
    const [_value, pullback] = vjp(
      (...again: Tensor[]) => evaluate(body, again.slice(0, captured.length), again.slice(captured.length)),
      ...[...captured, ...args].map((input) => barrier(input, cotangents)),
    );
    return [...pullback(cotangents), ...noVjp(g, outputs)];
  },
  jvp: (tangents, inputs, _, { body }) => {
    const ends = tangents.slice(inputs.length - body.outputs.length);
    return [tuple(new Map(ends.flatMap((tangent, i) => tangent ? [[i, tangent]] : [])))];
  },
  vmap: (inputs, batched, { body }) => {
    const [captured, args] = split(body, inputs);
    const run = vmap(
      (...each: Tensor[]) => evaluate(body, each.slice(0, captured.length), each.slice(captured.length)),
      { inAxis: [...captured, ...args].map((_, i) => batched[i] ? 0 : null) },
    );
    return tuple(new Map(rematerialized(run, [...captured, ...args]).map((result, i) => [i, result])));
  },
  lower: { kind: "tuple", element: (index, { body }) => body.captured.length + body.args.length + index },
};

function split({ captured, args }: TracedFunction, inputs: readonly Tensor[]): [Tensor[], Tensor[], Tensor[]] {
  const begin = captured.length + args.length;
  return [inputs.slice(0, captured.length), inputs.slice(captured.length, begin), inputs.slice(begin)];
}

/** The results of a function whose derivative computes its intermediate values again. */
function rematerialized(f: (...args: Tensor[]) => Tensor[], args: readonly Tensor[]): Tensor[] {
  const [body] = traceFunction("checkpoint", args, (placeholders) => [f(...placeholders), undefined]);
  const { outputs, effects } = evaluateAll(body, body.captured, args);
  emit(effects);
  // The outputs are inputs too, so they distinguish the graph.
  const attrs: CheckpointAttrs = { body, toJSON: () => null };
  return elementsOf(apply(checkpointOp, [...body.captured, ...args, ...outputs], attrs), outputs);
}

/**
 * The same function with a gradient that keeps only the arguments and computes all intermediate values again: less memory, more
 * time. A deep network of n blocks, each of them checkpointed, needs the memory of one block and n block inputs, and a third more
 * time.
 *
 * ```ts
 * import { checkpoint, grad, sin, sum, tensor, toArray } from "../../mod.ts";
 * const block = checkpoint((x: Tensor) => sin(sin(x)));
 * console.log(await toArray(grad((x: Tensor) => sum(block(x)))(tensor([0])))); // [1]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param f From trees of tensors to a tree of tensors. Tensors that it captures are differentiated, too.
 */
export function checkpoint<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  argument(f, aFunction(), "f", "checkpoint");
  return (...args) => {
    const leaves: unknown[] = [];
    const form = flattenTree(args, leaves);
    const tensors = leaves.filter((leaf) => leaf instanceof Tensor);
    let results: unknown[] = [];
    let resultForm: Form | undefined;
    const outputs = rematerialized((...given) => {
      let next = 0;
      results = [];
      const value = f(...buildTree(form, leaves.map((leaf) => leaf instanceof Tensor ? given[next++] : leaf)) as A);
      refusePromises(value, "checkpoint");
      resultForm = flattenTree(value, results);
      return results.filter((leaf) => leaf instanceof Tensor);
    }, tensors);
    let next = 0;
    return buildTree(resultForm!, results.map((leaf) => leaf instanceof Tensor ? outputs[next++] : leaf)) as R;
  };
}
