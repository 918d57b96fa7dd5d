/**
 * The emitter of doubles: two points at a time for every type. What has 32 bits stands twice in its half of the vector, so that
 * operations and masks are those of `vector_emitter.ts`, and a mask serves types of both sizes. Products and sums of doubles are rounded
 * one by one: what is done in f64 depends on it (a b - b a is 0).
 *
 * @module
 */
import type { BinaryOp, ScalarType } from "../../../../ir/expr.ts";
import type { DoubleFunction } from "../../../../ir/functions/double.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { Instruction } from "../assembler/instructions.ts";
import { loadTwo, loadTwoAt, onceEach, storeTwo, twiceEach } from "./elements.ts";
import { type Emitter, type HostFunctions, isShift, type Push } from "./emitter.ts";
import { vectorBinary, vectorEmitter, vectorUnary } from "./vector_emitter.ts";

/** Operations on the bits of doubles. */
const bitwise: Partial<Record<BinaryOp, Instruction>> = {
  and: "v128.and",
  or: "v128.or",
  xor: "v128.xor",
  shl: "i64x2.shl",
  shr: "i64x2.shr_u",
};

/** Creates the emitter of doubles of a module that has imported `host`. */
export function doubleEmitter(host: HostFunctions): Emitter {
  const narrow = vectorEmitter(host);
  /** The function of the host for an operation, if the module has imported one. */
  const called = (op: string, type: ScalarType) => type === "f64" ? host.get(op as DoubleFunction) : undefined;
  return {
    ...narrow,
    lanes: 2,
    literal(c, type, value) {
      if (type === "f64") c.f64x2(value);
      else narrow.literal(c, type, value);
    },
    unary(c, op, type, x) {
      const func = called(op, type);
      if (func !== undefined) callEach(c, func, [x]);
      else if (type === "f64") vectorUnary(c, "f64x2", op, x);
      else narrow.unary(c, op, type, x);
    },
    binary(c, op, type, x, y, right) {
      const func = called(op, type);
      if (func !== undefined) return callEach(c, func, [x, y]);
      if (type !== "f64") return narrow.binary(c, op, type, x, y, right);
      if (!bitwise[op]) return vectorBinary(c, "f64x2", op, x, y, right);
      x();
      if (isShift(op) && right.kind === "const") c.i32(right.value);
      else y();
      c.op(bitwise[op]);
    },
    cast(c, from, to, x) {
      if (from === to || (from !== "f64" && to !== "f64")) narrow.cast(c, from, to, x);
      else if (to === "f64") toDouble(c, from, x);
      else fromDouble(c, to, x);
    },
    load(c, dtype, at, lanes) {
      loadTwo(c, this, dtype, at, lanes);
    },
    loadAt(c, dtype) {
      loadTwoAt(c, this, dtype);
    },
    store(c, dtype, at, lanes, value, valid) {
      storeTwo(c, this, dtype, at, lanes, value, valid);
    },
    sequence(c, at, lanes) {
      c.get(at.pointer);
      if (at.offset !== 0) c.i32(at.offset).op("i32.add");
      c.op("i32x4.splat");
      if (lanes === "all" && at.stride !== 0) c.i32x4(0, 0, at.stride, at.stride).op("i32x4.add");
    },
  };
}

/** Calls a function of doubles for each lane. */
function callEach(c: FunctionWriter, func: number, args: readonly Push[]): void {
  const vectors = c.locals("v128", args.length);
  for (const push of args) push();
  for (const vector of [...vectors].reverse()) c.set(vector);
  const call = (lane: number) => {
    for (const vector of vectors) c.get(vector).lane("f64x2.extract_lane", lane);
    c.call(func);
  };
  call(0);
  c.op("f64x2.splat");
  call(1);
  c.lane("f64x2.replace_lane", 1).release("v128", ...vectors);
}

function toDouble(c: FunctionWriter, from: ScalarType, x: Push): void {
  x();
  if (from === "bool") return void c.f64x2(1).op("v128.and");
  onceEach(c);
  c.op(from === "f32" ? "f64x2.promote_low_f32x4" : from === "i32" ? "f64x2.convert_low_i32x4_s" : "f64x2.convert_low_i32x4_u");
}

function fromDouble(c: FunctionWriter, to: ScalarType, x: Push): void {
  x();
  if (to === "bool") return void c.f64x2(0).op("f64x2.ne");
  c.op(to === "f32" ? "f32x4.demote_f64x2_zero" : to === "i32" ? "i32x4.trunc_sat_f64x2_s_zero" : "i32x4.trunc_sat_f64x2_u_zero");
  twiceEach(c);
}
