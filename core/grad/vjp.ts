/**
 * Reverse mode: cotangents are carried from a function's outputs back to its inputs, by more of the same operations. So it nests.
 *
 * @module
 */
import { tangentType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { aFunction, argument } from "../kinds.ts";
import { cast, variableOp } from "../ops/cast.ts";
import { hasTangent, zeroTangent } from "../ops/constant.ts";
import { onBehalf } from "../ops/watch.ts";
import { quoted } from "../quoted.ts";
import { sameShape, showShape } from "../shape.ts";
import { type Op, Pending, Tensor, type Trace, withTrace } from "../tensor.ts";
import { leavesLike, mapLeaves, refusePromises, treeLeaves, treeTensors } from "../tree.ts";
import { type Steps, stepsBetween } from "../walk.ts";
import { checkDerivative } from "./border.ts";
import { addCotangents } from "./tuple.ts";

/** A fresh variable with the value of `x`. */
export function variable(x: Tensor, trace: Trace): Tensor {
  return new Tensor(x.shape, x.dtype, new Pending(variableOp as Op, [x], undefined), false, trace);
}

/** Cotangents of `variables` from those of `outputs`, along recorded steps; undefined where no output depends on one. */
export function pullBack(
  steps: Steps,
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  variables: readonly Tensor[],
): (Tensor | undefined)[] {
  const sums = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, g: Tensor) => {
    const sum = sums.get(tensor);
    sums.set(tensor, sum ? addCotangents(sum, g) : g);
  };
  outputs.forEach((output, i) => steps.has(output) && accumulate(output, cotangents[i]));
  for (const tensor of [...steps.keys()].reverse()) {
    const g = sums.get(tensor);
    const made = steps.get(tensor);
    if (!g || !made) continue;
    const { op, inputs, attrs } = made;
    const inner = onBehalf(
      "gradient",
      tensor,
      // Where a path comes to what is no float, it ends: that has no derivative.
      () => op.vjp(g, inputs, tensor, attrs).map((each, i) => steps.has(inputs[i]) && hasTangent(inputs[i]) ? each : undefined),
    );
    for (let i = 0; i < inputs.length; i++) {
      const each = inner[i];
      if (!each) continue;
      checkDerivative("vjp", op.name, each, inputs[i]);
      accumulate(inputs[i], each);
    }
  }
  return variables.map((each) => sums.get(each));
}

/** The tree's floating tensors replaced by fresh variables. */
export function openVariables(tree: unknown, trace: Trace): { readonly tree: unknown; readonly variables: Tensor[] } {
  const variables: Tensor[] = [];
  const opened = mapLeaves(tree, (leaf) => {
    if (!(leaf instanceof Tensor) || !tangentType(leaf.dtype)) return leaf;
    variables.push(variable(leaf, trace));
    return variables.at(-1);
  });
  return { tree: opened, variables };
}

/** Puts cotangents where the variables were; what nothing depends on is zero. */
export function closeVariables(tree: unknown, found: readonly (Tensor | undefined)[]): unknown {
  let next = 0;
  return mapLeaves(tree, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    if (!tangentType(leaf.dtype)) return zeroTangent(leaf);
    return found[next++] ?? zeroTangent(leaf);
  });
}

/** Checks that what a function returned has a derivative at all. */
export function checkResult(value: unknown, what: string): void {
  refusePromises(value, `take ${what} of`);
  if (treeTensors(value).length > 0) return;
  throw new TypeError(`Cannot take ${what} of a function that returned ${quoted(value)}: there is no tensor in it`);
}

/**
 * A function's value and the map from a cotangent of it to cotangents of the arguments (the transposed derivative).
 *
 * ```ts
 * import { mul, tensor, toArray, vjp } from "../../mod.ts";
 * const [y, pullback] = vjp((x) => mul(x, x), tensor([1, 2]));
 * console.log(await toArray(pullback(tensor([1, 10]))[0])); // [2, 40]
 * ```
 *
 * @param f From trees of tensors to a tree of tensors.
 * @returns The value, and a function from a tree of its form to a list of trees, one of the form of each argument. Cotangents of
 * integers are not used.
 * @throws {TypeError} If `f` returns no tensor.
 * @throws {ShapeError} From that function: if a cotangent is missing, belongs to no output or has another shape.
 */
export function vjp<A extends unknown[], R>(f: (...args: A) => R, ...args: A): [R, (cotangent: R) => A] {
  argument(f, aFunction(), "f", "vjp");
  return withTrace("vjp", (trace) => {
    const { tree, variables } = openVariables(args, trace);
    const value = f(...tree as A);
    checkResult(value, "vjp");
    const outputs = treeLeaves(value);
    const steps = stepsBetween(variables, outputs.flatMap((output) => output.value instanceof Tensor ? [output.value] : []));
    const pullback = (cotangent: R): A => {
      const given = leavesLike(value, cotangent, "Cannot pull back the cotangents of a function's outputs", {
        needed: hasTangent,
      });
      const pairs = outputs.flatMap(({ path, value: y }, i) => {
        const type = y instanceof Tensor && tangentType(y.dtype);
        if (!type) return [];
        const g = given[i] as Tensor;
        if (sameShape(y.shape, g.shape)) return [[y, cast(g, type)] as const];
        throw new ShapeError(
          `Cannot pull back a cotangent of shape ${showShape(g.shape)} for an output${path && ` "${path}"`} of ` +
            `shape ${showShape(y.shape)}`,
          { path, shape: y.shape, cotangent: g.shape },
        );
      });
      return closeVariables(args, pullBack(steps, pairs.map(([y]) => y), pairs.map(([, g]) => g), variables)) as A;
    };
    return [value, pullback];
  });
}
