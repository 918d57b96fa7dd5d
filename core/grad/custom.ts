/**
 * Functions that bring their own derivative.
 *
 * @module
 */
import { aFunction, argument } from "../kinds.ts";
import { batchAll, sum } from "../ops/sum.ts";
import { tangentType } from "../dtype.ts";
import { DTypeError, ShapeError, TraceError } from "../errors.ts";
import { cast } from "../ops/cast.ts";
import { hasTangent, zeroTangent } from "../ops/constant.ts";
import { apply, noVjp } from "../ops/define.ts";
import { asTensor } from "../ops/literal.ts";
import { currentTrace, type Op, sourceOf, Tensor, type TensorLike } from "../tensor.ts";
import { sameShape, showShape } from "../shape.ts";
import { quoted } from "../quoted.ts";
import { buildTree, flattenTree, leavesLike, refusePromises, treeLeaves } from "../tree.ts";
import { topological } from "../walk.ts";
import { oldTensors } from "./traced_function.ts";
import { elementsOf, tuple, tupleElement, tupleType } from "./tuple.ts";
import { vjp } from "./vjp.ts";
import { vmap } from "./vmap.ts";

interface CustomAttrs {
  /** How many of the inputs are arguments, and how many, after them, are saved; the rest are the results. */
  readonly args: number;
  readonly saved: number;
  /** Cotangents of the arguments from what was saved and cotangents of the results. */
  readonly pullback: (saved: readonly Tensor[], cotangents: readonly Tensor[]) => (Tensor | undefined)[];
  /** What tangents of the results come from: the function's own operations, or the pullback, transposed. */
  readonly forwardMode: "function" | "pullback";
}

function split<T>({ args, saved }: CustomAttrs, inputs: readonly T[]) {
  return { args: inputs.slice(0, args), saved: inputs.slice(args, args + saved), results: inputs.slice(args + saved) };
}

export const customOp: Op<CustomAttrs> = {
  name: "custom",
  ...tupleType,
  vjp: (g, inputs, _, attrs) => {
    const { saved, results } = split(attrs, inputs);
    const cotangents = results.map((result, i) => tupleElement(g, i) ?? zeroTangent(result));
    return [...attrs.pullback(saved, cotangents), ...noVjp(g, [...saved, ...results])];
  },
  jvp: (tangents, inputs, _output, attrs) => {
    const { args, results } = split(attrs, tangents);
    const found = attrs.forwardMode === "function" ? results : transposed(attrs, inputs, args);
    return [tuple(new Map(found.flatMap((tangent, i) => tangent ? [[i, tangent]] : [])))];
  },
  vmap: (inputs, batched, attrs, size) => {
    const given = split(attrs, inputs);
    const flags = split(attrs, batched);
    const pullback: CustomAttrs["pullback"] = (saved, cotangents) => {
      const absent: boolean[] = [];
      const all = vmap((...each: Tensor[]) => {
        const found = attrs.pullback(each.slice(0, saved.length), each.slice(saved.length));
        found.forEach((one, i) => absent[i] = one === undefined);
        return found.filter((one) => one !== undefined);
      }, { inAxis: [...flags.saved.map((each) => each ? 0 : null), ...cotangents.map(() => 0)] })(...saved, ...cotangents);
      let next = 0;
      // An argument that all examples share receives the sum of what each of them gives.
      return absent.map((missing, i) => {
        if (missing) return undefined;
        const each = all[next++];
        return flags.args[i] ? each : sum(each, { axis: 0 });
      });
    };
    const results = batchAll(given.results, flags.results, size);
    const made = apply(customOp, [...given.args, ...given.saved, ...results], { ...attrs, pullback });
    return tuple(new Map(elementsOf(made, results).map((result, i) => [i, result])));
  },
  lower: { kind: "tuple", element: (index, { args, saved }) => args + saved + index },
};

/** Tangents of the results from those of the arguments: the pullback is linear in the cotangents, and this is its transpose. */
function transposed(
  attrs: CustomAttrs,
  inputs: readonly Tensor[],
  tangents: readonly (Tensor | undefined)[],
): (Tensor | undefined)[] {
  const { saved, results } = split(attrs, inputs);
  const moving = tangents.flatMap((tangent, i) => tangent ? [i] : []);
  const some = results.flatMap((result, i) => hasTangent(result) ? [i] : []);
  const pull = (...cotangents: Tensor[]) => {
    const all = results.map((result, i) => some.includes(i) ? cotangents[some.indexOf(i)] : zeroTangent(result));
    const found = attrs.pullback(saved, all);
    return moving.map((i) => found[i]!);
  };
  const [, push] = vjp(pull, ...some.map((i) => zeroTangent(results[i])));
  const pushed = push(moving.map((i) => tangents[i]!));
  return results.map((_, i) => some.includes(i) ? pushed[some.indexOf(i)] : undefined);
}

/**
 * A function with a derivative of your own: for functions that cannot be differentiated (rounding with a straight-through
 * gradient) or need another gradient (clipped, or numerically stable).
 *
 * ```ts
 * import { clip, customVjp, grad, mul, sum, tensor, toArray } from "../../mod.ts";
 * // The same values; the gradient that comes back is clipped.
 * const gently = customVjp((x: Tensor) => [x, null], (_, g) => [clip(g, { min: -1, max: 1 })]);
 * const f = (x: Tensor) => sum(mul(gently(x), tensor([10, 0.5])));
 * console.log(await toArray(grad(f)(tensor([1, 2])))); // [1, 0.5]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @param forward From trees of tensors to [result, what `backward` needs], both trees. Tensors it captures from outside are
 * treated as constants: what needs a gradient must be an argument. Forward-mode derivatives (`jvp`) are those of this
 * function.
 * @param backward From what was saved and a cotangent, a tree like the result, to a list of cotangents: for each argument a tree like it.
 * Those of integers are not used. What it needs of tensors that `vmap`, `scan` or `checkpoint` around the call hand in must be saved.
 * @throws {TypeError} When called: if `forward` does not return a pair.
 * @throws {TraceError} When differentiated: if `backward` uses what was not saved of a transform that has ended.
 * @throws {ShapeError} When differentiated: if a cotangent is missing, belongs to no argument or has another shape than its argument.
 * @throws {DTypeError} When differentiated: if a cotangent has another type than derivatives by its argument.
 */
export function customVjp<A extends unknown[], R, S>(
  forward: (...args: A) => readonly [result: R, saved: S],
  backward: (saved: S, cotangent: R) => readonly [...A],
): (...args: A) => R {
  argument(forward, aFunction(), "forward", "customVjp");
  argument(backward, aFunction(), "backward", "customVjp");
  return custom(forward, backward, "function");
}

/** The same, but that forward-mode derivatives, too, are those that `backward` says: for functions whose operations have none, or slow ones. */
export function customDerivative<A extends unknown[], R, S>(
  forward: (...args: A) => readonly [result: R, saved: S],
  backward: (saved: S, cotangent: R) => readonly [...A],
): (...args: A) => R {
  return custom(forward, backward, "pullback");
}

function custom<A extends unknown[], R, S>(
  forward: (...args: A) => readonly [result: R, saved: S],
  backward: (saved: S, cotangent: R) => readonly [...A],
  forwardMode: CustomAttrs["forwardMode"],
): (...args: A) => R {
  return (...args) => {
    const around = currentTrace();
    const given = treeLeaves(args);
    const tensors = given.flatMap(({ value }) => value instanceof Tensor ? [value] : []);
    const [result, saved] = pairOf(forward(...args));
    const [savedLeaves, resultLeaves]: unknown[][] = [[], []];
    const [savedForm, resultForm] = [flattenTree(saved, savedLeaves), flattenTree(result, resultLeaves)];
    const [savedTensors, results] = [savedLeaves, resultLeaves].map((leaves) => leaves.filter((leaf) => leaf instanceof Tensor));
    const fill = (leaves: readonly unknown[], tensors: readonly Tensor[]) => {
      let next = 0;
      return leaves.map((leaf) => leaf instanceof Tensor ? tensors[next++] : leaf);
    };
    const pullback: CustomAttrs["pullback"] = (savedValues, cotangents) => {
      const start = Tensor.nextSerial;
      const all = backward(
        buildTree(savedForm, fill(savedLeaves, savedValues)) as S,
        buildTree(resultForm, fill(resultLeaves, cotangents)) as R,
      );
      refusePromises(all, "use as derivative");
      const found = leavesLike(args, all, "Cannot use the cotangents that customVjp's derivative gave for its arguments", {
        counts: isTensorLike,
        needed: hasTangent,
      });
      const fit = given.flatMap(({ path, value }, i) => {
        if (!(value instanceof Tensor)) return [];
        return [hasTangent(value) ? fitting(found[i] as TensorLike, value, path) : undefined];
      });
      if (around && !around.open) refuseEnded(fit.filter((one) => one !== undefined), [...savedValues, ...cotangents], start);
      return fit;
    };
    const attrs: CustomAttrs = { args: tensors.length, saved: savedTensors.length, pullback, forwardMode };
    const made = elementsOf(apply(customOp, [...tensors, ...savedTensors, ...results], attrs), results);
    return buildTree(resultForm, fill(resultLeaves, made)) as R;
  };
}

/** What `forward` returned. */
function pairOf<R, S>(pair: readonly [R, S]): readonly [R, S] {
  refusePromises(pair, "use as customVjp's forward");
  if (Array.isArray(pair) && pair.length === 2) return pair;
  throw new TypeError(
    `Cannot use customVjp: its first function must return [result, saved], with null if nothing is saved, it returned ${
      Array.isArray(pair) ? `a list of ${pair.length}` : quoted(pair)
    }`,
  );
}

function isTensorLike(leaf: unknown): boolean {
  return leaf instanceof Tensor || typeof leaf === "number" || typeof leaf === "boolean";
}

function fitting(given: TensorLike, { shape, dtype }: Tensor, path: string): Tensor {
  const cotangent = asTensor(given);
  const type = tangentType(dtype) ?? dtype;
  const fits = sameShape(cotangent.shape, shape);
  if (fits && cotangent.dtype === type) return cotangent;
  // A literal has no type of its own.
  if (fits && cotangent.weak) return cast(cotangent, type);
  const error = fits ? DTypeError : ShapeError;
  throw new error(
    `Cannot use the derivative given to customVjp: argument "${path}" of ${dtype}${showShape(shape)} needs a cotangent ` +
      `${type}${showShape(shape)}, it gave ${
        given instanceof Tensor ? `${cotangent.dtype}${showShape(cotangent.shape)}` : given
      }`,
    { path, shape, dtype: type },
  );
}

/**
 * For a derivative that is asked for when a transform around the call has ended: `vmap`, `scan` and `checkpoint` make their graphs again
 * on other tensors. These replace what was saved, but not what `backward` took from its surroundings.
 */
function refuseEnded(derivatives: readonly Tensor[], own: readonly Tensor[], start: number): void {
  for (const tensor of topological(oldTensors(derivatives, own, start), (each) => sourceOf(each).kind !== "op")) {
    const source = sourceOf(tensor);
    if (source.kind !== "placeholder" || source.trace.open) continue;
    const { shape, dtype } = tensor;
    const { name: transform } = source.trace;
    throw new TraceError(
      `Cannot use the derivative given to customVjp after the end of ${transform} around it: it takes ${dtype}${
        showShape(shape)
      }, ` +
        `or what was made of it, from its surroundings, save it instead: [result, saved]`,
      { transform, shape, dtype },
    );
  }
}
