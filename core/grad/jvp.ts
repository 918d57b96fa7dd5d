/**
 * Forward mode: tangents are carried along with a function's evaluation.
 *
 * @module
 */
import { checkResult, variable } from "./vjp.ts";
import { aFunction, aList, argument } from "../kinds.ts";
import { tangentType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { sumDefined } from "../ops/arithmetic.ts";
import { cast } from "../ops/cast.ts";
import { hasTangent, zeroTangent } from "../ops/constant.ts";
import { Tensor, withTrace } from "../tensor.ts";
import { sameShape, showShape } from "../shape.ts";
import { leavesLike, mapLeaves, treeLeaves } from "../tree.ts";
import { onBehalf } from "../ops/watch.ts";
import { stepsBetween } from "../walk.ts";
import { checkDerivative } from "./border.ts";

/**
 * A function's value at `primals` and its directional derivative along `tangents`.
 *
 * ```ts
 * import { item, jvp, sin, tensor } from "../../mod.ts";
 * const [y, dy] = jvp((x) => sin(x), [tensor(0)], [tensor(2)]);
 * console.log(await item(y), await item(dy)); // 0 2
 * ```
 *
 * @param primals The arguments, trees of tensors.
 * @param tangents Trees of the same form; those of integer tensors are not used.
 * @returns The value and its tangent, which has the same form.
 * @throws {ShapeError} If a tangent is missing, belongs to no primal or has another shape than its primal.
 * @throws {TypeError} If `f` returns no tensor.
 */
export function jvp<A extends unknown[], R>(f: (...args: A) => R, primals: A, tangents: A): [R, R] {
  argument(f, aFunction(), "f", "jvp");
  argument(primals as readonly unknown[], aList, "primals", "jvp");
  argument(tangents as readonly unknown[], aList, "tangents", "jvp");
  return withTrace("jvp", (trace) => {
    const directions = leavesLike(primals, tangents, "Cannot take jvp of primals with tangents", { needed: hasTangent });
    let next = 0;
    const found = new Map<Tensor, Tensor>();
    const variables = mapLeaves(primals, (x, path) => {
      const t = directions[next++] as Tensor;
      const dtype = x instanceof Tensor && tangentType(x.dtype);
      if (!dtype) return x;
      if (!sameShape(t.shape, x.shape)) {
        throw new ShapeError(
          `Cannot take jvp: the tangent at "${path}" has shape ${showShape(t.shape)}, its primal has shape ${showShape(x.shape)}`,
          { path, shape: x.shape, tangent: t.shape },
        );
      }
      const fresh = variable(x, trace);
      found.set(fresh, cast(t, dtype));
      return fresh;
    }) as A;
    const roots = [...found.keys()];
    const value = f(...variables);
    checkResult(value, "jvp");
    const outputs = treeLeaves(value).map((leaf) => leaf.value).filter((each) => each instanceof Tensor);
    for (const [tensor, made] of stepsBetween(roots, outputs)) {
      if (!made) continue;
      const tangents = made.inputs.map((input) => found.get(input));
      const t = onBehalf("tangent", tensor, () => {
        const terms = made.op.jvp(tangents, made.inputs, tensor, made.attrs);
        for (const term of terms) if (term) checkDerivative("jvp", made.op.name, term, tensor);
        return sumDefined(terms);
      });
      if (t) found.set(tensor, t);
    }
    return [value, mapLeaves(value, (y) => y instanceof Tensor ? found.get(y) ?? zeroTangent(y) : y) as R];
  });
}
