/**
 * Functions of f32 without an instruction, as arithmetic. (placeholder for the first version)
 *
 * @module
 */
import { binary, type BinaryOp, bitcast, constant, type Expr, select, type UnaryOp } from "../expr.ts";

export function expandUnary(op: UnaryOp, x: Expr): Expr | undefined {
  return op === "exp" ? exp(x) : undefined;
}
export function expandBinary(_op: BinaryOp, _x: Expr, _y: Expr): Expr | undefined {
  return undefined;
}
const f = (v: number) => constant("f32", v);
function exp(x: Expr): Expr {
  void select;
  const t = binary("add", binary("mul", x, f(Math.LOG2E)), f(12582912));
  const n = binary("sub", t, f(12582912));
  const r = binary("sub", x, binary("mul", n, f(Math.LN2)));
  let p: Expr = f(1 / 720);
  for (const k of [1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1]) p = binary("add", binary("mul", p, r), f(k));
  const scale = bitcast("f32", binary("shl", binary("add", binary("sub", bitcast("i32", t), 0x4b400000), 127), 23));
  return binary("mul", p, scale);
}
