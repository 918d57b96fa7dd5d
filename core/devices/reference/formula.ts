/**
 * Expressions that depend on a few values alone, as functions of them.
 *
 * @module
 */
import type { Expr } from "../../ir/expr.ts";
import { bitcastFunction } from "./bits.ts";
import { binaryFunction, castFunction, constantValue, unaryFunction } from "./scalar.ts";

/** An expression of `load`s as a function of their values, by slot. */
export function functionOf(e: Expr): (values: readonly number[]) => number {
  switch (e.kind) {
    case "const": {
      const value = constantValue(e.type, e.value);
      return () => value;
    }
    case "load":
      return (values) => values[e.slot];
    case "unary":
      return applied(unaryFunction(e.op, e.x.type), e.x);
    case "cast":
      return applied(castFunction(e.x.type, e.type), e.x);
    case "bitcast":
      return applied(bitcastFunction(e.x.type, e.type), e.x);
    case "binary": {
      const [f, x, y] = [binaryFunction(e.op, e.x.type), functionOf(e.x), functionOf(e.y)];
      return (values) => f(x(values), y(values));
    }
    case "select": {
      const [test, x, y] = [functionOf(e.test), functionOf(e.x), functionOf(e.y)];
      return (values) => test(values) !== 0 ? x(values) : y(values);
    }
    default:
      throw new TypeError(`Cannot compute from values alone: there is an expression of kind ${e.kind}`);
  }
}

function applied(f: (x: number) => number, e: Expr): (values: readonly number[]) => number {
  const x = functionOf(e);
  return (values) => f(x(values));
}
