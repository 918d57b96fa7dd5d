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

/** The value of an expression where `load` number i is `values[i]`. */
export type Evaluator = (values: readonly number[]) => number;

/**
 * An expression of basic operations, made ready to be evaluated for many values.
 *
 * @param off Between -1 and 1: how far quotients and roots are off, as a share of what WGSL allows. Those that are floats are exact.
 */
export function evaluator(root: Expr, fused: boolean, off = 0): Evaluator {
  const places = new Map<Expr, number>();
  const steps: Evaluator[] = [];
  const found: number[] = [];
  const rounding = (e: Expr): (x: number) => number => {
    if (e.type !== "f32") return (x) => x;
    const isRough = off !== 0 && ((e.kind === "unary" && e.op === "sqrt") || (e.kind === "binary" && e.op === "div"));
    if (!isRough) return Math.fround;
    const most = leastExact[e.op as keyof typeof leastExact];
    return (x) => {
      const nearest = Math.fround(x);
      if (nearest === x || !Number.isFinite(nearest)) return nearest;
      return Math.fround(x + off * most * 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23));
    };
  };
  const stepOf = (e: Expr): Evaluator => {
    const round = rounding(e);
    switch (e.kind) {
      case "const": {
        const value = round(e.value);
        return () => value;
      }
      case "load":
        return (values) => values[e.slot];
      case "unary": {
        const [f, x] = [unaryFunction(e.op, e.x.type), placeOf(e.x)];
        return () => round(f(found[x]));
      }
      case "binary": {
        const [f, x, y] = [fusedSum(e) ?? binaryFunction(e.op, e.x.type), placeOf(e.x), placeOf(e.y)];
        return () => round(f(found[x], found[y]));
      }
      case "select": {
        const [test, x, y] = [placeOf(e.test), placeOf(e.x), placeOf(e.y)];
        return () => found[test] ? found[x] : found[y];
      }
      case "cast": {
        const [f, x] = [castFunction(e.x.type, e.type), placeOf(e.x)];
        return () => f(found[x]);
      }
      case "bitcast": {
        const [f, x] = [bitcastFunction(e.x.type, e.type), placeOf(e.x)];
        return () => f(found[x]);
      }
      default:
        throw new Error(`A ${e.kind} has no value here`);
    }
  };
  /** A sum one of whose terms is a product that is not rounded: of two f32 it is exact in double precision, the sum nearly. */
  const fusedSum = (e: Extract<Expr, { kind: "binary" }>): ((x: number, y: number) => number) | undefined => {
    if (!fused || e.type !== "f32" || (e.op !== "add" && e.op !== "sub")) return undefined;
    const f = binaryFunction(e.op, "f64");
    const product = (x: Expr): (() => number) | undefined => {
      if (x.kind !== "binary" || x.op !== "mul") return undefined;
      const [left, right] = [placeOf(x.x), placeOf(x.y)];
      return () => found[left] * found[right];
    };
    const right = product(e.y);
    if (right) return (x) => f(x, right());
    const left = e.op === "add" ? product(e.x) : undefined;
    return left && ((_, y) => f(left(), y));
  };
  const placeOf = (e: Expr): number => {
    const known = places.get(e);
    if (known !== undefined) return known;
    const step = stepOf(e);
    const place = steps.push(step) - 1;
    places.set(e, place);
    return place;
  };
  const last = placeOf(root);
  return (values) => {
    for (let i = 0; i <= last; i++) found[i] = steps[i](values);
    return found[last];
  };
}

/** All operations that an expression is made of. */
export function operationsOf(root: Expr): ReadonlySet<string> {
  const found = new Set<string>();
  visit([root], (e) => {
    if (e.kind === "unary" || e.kind === "binary") found.add(e.op);
  });
  return found;
}
