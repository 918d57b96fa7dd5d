/**
 * Scalar expressions evaluated as hardware does: f32 rounded after every operation, products and sums fused or not.
 *
 * @module
 */
import { type Expr, visit } from "../../core/ir/expr.ts";
import { bitcastFunction } from "../../core/devices/reference/bits.ts";
import { binaryFunction, castFunction, unaryFunction } from "../../core/devices/reference/scalar.ts";

/**
 * What quotients and roots may be off in WGSL, in units in the last place: a root is the reciprocal of an inverse root.
 *
 * @see https://www.w3.org/TR/WGSL/#floating-point-accuracy
 */
const leastExact = { div: 2.5, sqrt: 4.5 } as const;

/**
 * The value of an expression of basic operations; `load` number i is `values[i]`.
 *
 * @param off Between -1 and 1: how far quotients and roots are off, as a share of what WGSL allows. Those that are floats are exact.
 */
export function evaluate(root: Expr, values: readonly number[], fused: boolean, off = 0): number {
  const known = new Map<Expr, number>();
  const round = (e: Expr, x: number) => {
    if (e.type !== "f32") return x;
    const nearest = Math.fround(x);
    const isRough = (e.kind === "unary" && e.op === "sqrt") || (e.kind === "binary" && e.op === "div");
    if (off === 0 || !isRough || nearest === x || !Number.isFinite(nearest)) return nearest;
    const most = leastExact[e.op as keyof typeof leastExact];
    return Math.fround(x + off * most * 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23));
  };
  const compute = (e: Expr): number => {
    switch (e.kind) {
      case "const":
        return round(e, e.value);
      case "load":
        return values[e.slot];
      case "unary":
        return round(e, unaryFunction(e.op, e.x.type)(of(e.x)));
      case "binary":
        return round(e, sumOfProduct(e) ?? binaryFunction(e.op, e.x.type)(of(e.x), of(e.y)));
      case "select":
        return of(e.test) ? of(e.x) : of(e.y);
      case "cast":
        return castFunction(e.x.type, e.type)(of(e.x));
      case "bitcast":
        return bitcastFunction(e.x.type, e.type)(of(e.x));
      default:
        throw new Error(`A ${e.kind} has no value here`);
    }
  };
  /** A product of two f32 is exact in double precision, the sum nearly. */
  const sumOfProduct = (e: Extract<Expr, { kind: "binary" }>): number | undefined => {
    if (!fused || e.type !== "f32" || (e.op !== "add" && e.op !== "sub")) return undefined;
    const product = (x: Expr) => x.kind === "binary" && x.op === "mul" ? of(x.x) * of(x.y) : undefined;
    const right = product(e.y);
    const left = right === undefined && e.op === "add" ? product(e.x) : undefined;
    if (right === undefined && left === undefined) return undefined;
    return binaryFunction(e.op, "f64")(left ?? of(e.x), right ?? of(e.y));
  };
  const of = (e: Expr): number => {
    const found = known.get(e);
    if (found !== undefined) return found;
    const value = compute(e);
    known.set(e, value);
    return value;
  };
  return of(root);
}

/** All operations that an expression is made of. */
export function operationsOf(root: Expr): ReadonlySet<string> {
  const found = new Set<string>();
  visit([root], (e) => {
    if (e.kind === "unary" || e.kind === "binary") found.add(e.op);
  });
  return found;
}
