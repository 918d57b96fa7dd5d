/**
 * The scalar emitter: one point at a time, every type; bool is 0 or 1 in an i32.
 *
 * @module
 */
import type { BinaryOp, Expr, ScalarType, UnaryOp } from "../../../../ir/expr.ts";
import type { DoubleFunction } from "../../../../ir/functions/double.ts";
import { binaryFunctionNames, functionNames } from "../../../../ir/functions/mod.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { Instruction, ValueType } from "../assembler/instructions.ts";
import { loadOne, storeOne } from "./elements.ts";
import { type Emitter, type HostFunctions, isShift, type Push } from "./emitter.ts";

/** The operations of floats that are instructions. */
export const floatUnary: Partial<Record<UnaryOp, string>> = {
  neg: "neg",
  abs: "abs",
  floor: "floor",
  ceil: "ceil",
  round: "nearest",
  trunc: "trunc",
  sqrt: "sqrt",
};

const binaryNames: Partial<Record<BinaryOp, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  min: "min",
  max: "max",
  and: "and",
  or: "or",
  xor: "xor",
  lt: "lt",
  le: "le",
  eq: "eq",
  ne: "ne",
};

/** The function of the host an operation needs, if it does. */
export function hostFunctionOf(e: Expr): DoubleFunction | undefined {
  if (e.kind === "unary") return e.type === "f64" && functionNames.includes(e.op) ? e.op as DoubleFunction : undefined;
  if (e.kind !== "binary" || e.type !== "f64") return undefined;
  return binaryFunctionNames.includes(e.op) ? e.op as DoubleFunction : undefined;
}

/** Creates the scalar emitter of a module that has imported `host`. */
export function scalarEmitter(host: HostFunctions): Emitter {
  /** Calls the function of that name on what is pushed, if the module has imported it. */
  const calls = (c: FunctionWriter, op: string, type: ScalarType, ...values: readonly Push[]): boolean => {
    const index = type === "f64" ? host.get(op as DoubleFunction) : undefined;
    if (index === undefined) return false;
    for (const push of values) push();
    c.call(index);
    return true;
  };
  return {
    lanes: 1,
    keepsLiterals: false,
    valueType: scalarValueType,
    literal,
    unary: (c, op, type, x) => void (calls(c, op, type, x) || unary(c, op, type, x)),
    binary: (c, op, type, x, y, right) => void (calls(c, op, type, x, y) || binary(c, op, type, x, y, right)),
    select(c, _e, test, x, y) {
      x();
      y();
      test();
      c.op("select");
    },
    anywhere() {},
    cast,
    bitcast(c, from, to, x) {
      x();
      if (from === "f32" && to !== "f32") c.op("i32.reinterpret_f32");
      if (from !== "f32" && to === "f32") c.op("f32.reinterpret_i32");
    },
    load(c, dtype, at) {
      loadOne(c, this, dtype, at);
    },
    store(c, dtype, at, _lanes, value) {
      storeOne(c, this, dtype, at, value);
    },
    sequence(c, at) {
      c.get(at.pointer);
      if (at.offset !== 0) c.i32(at.offset).op("i32.add");
    },
  };
}

/** The type of the local that holds a scalar. */
export function scalarValueType(type: ScalarType): ValueType {
  return type === "f32" || type === "f64" ? type : "i32";
}

function literal(c: FunctionWriter, type: ScalarType, value: number): void {
  if (type === "f32") c.f32(value);
  else if (type === "f64") c.f64(value);
  else if (type === "bool") c.i32(value === 0 ? 0 : 1);
  else c.i32(value | 0);
}

function unary(c: FunctionWriter, op: UnaryOp, type: ScalarType, x: Push): void {
  if (type === "f32" || type === "f64") {
    x();
    if (op !== "exact") c.op(`${type}.${floatUnary[op]}` as Instruction);
  } else if (op === "neg") {
    c.i32(0);
    x();
    c.op("i32.sub");
  } else if (op === "not") {
    x();
    if (type === "bool") c.op("i32.eqz");
    else c.i32(-1).op("i32.xor");
  } else if (op === "abs") {
    const value = c.local("i32");
    x();
    c.set(value).i32(0).get(value).op("i32.sub").get(value).get(value).i32(0).op("i32.lt_s").op("select");
    c.release("i32", value);
  } else throw new Error(`No instruction for ${op} of ${type}`);
}

/** Operations on the bits of doubles. */
const bitwise: Partial<Record<BinaryOp, Instruction>> = {
  and: "i64.and",
  or: "i64.or",
  xor: "i64.xor",
  shl: "i64.shl",
  shr: "i64.shr_u",
};

function binary(c: FunctionWriter, op: BinaryOp, type: ScalarType, x: Push, y: Push, right: Expr): void {
  if (type === "f64" && bitwise[op]) {
    x();
    c.op("i64.reinterpret_f64");
    if (isShift(op) && right.kind === "const") c.i64(right.value);
    else {
      y();
      c.op("i64.reinterpret_f64");
    }
    c.op(bitwise[op]).op("f64.reinterpret_i64");
    return;
  }
  if (type === "f32" || type === "f64") {
    x();
    y();
    c.op(`${type}.${binaryNames[op]}` as Instruction);
    return;
  }
  const unsigned = type !== "i32";
  if (op === "div" || op === "rem") return integerDivision(c, op, unsigned, x, y);
  if (op === "min" || op === "max") return integerExtreme(c, op, unsigned, x, y);
  x();
  y();
  if (op === "lt" || op === "le") c.op(`i32.${op}_${unsigned ? "u" : "s"}`);
  else if (op === "shl") c.op("i32.shl");
  else if (op === "shr") c.op(unsigned ? "i32.shr_u" : "i32.shr_s");
  else c.op(`i32.${binaryNames[op]}` as Instruction);
}

function integerExtreme(c: FunctionWriter, op: "min" | "max", unsigned: boolean, x: Push, y: Push): void {
  const [a, b] = c.locals("i32", 2);
  x();
  y();
  c.set(b).tee(a).get(b).get(a).get(b);
  c.op(`i32.${op === "min" ? "lt" : "gt"}_${unsigned ? "u" : "s"}`).op("select");
  c.release("i32", a).release("i32", b);
}

/** Division that cannot trap: by 0 it gives 0, and -2^31 / -1 wraps. */
function integerDivision(c: FunctionWriter, op: "div" | "rem", unsigned: boolean, x: Push, y: Push): void {
  const [a, b, whole] = c.locals("i32", 3);
  x();
  y();
  c.set(b).set(a).i32(0).set(whole);
  c.get(b).if(() => {
    const divide = () => c.get(a).get(b).op(unsigned ? `i32.${op}_u` : `i32.${op}_s`).set(whole);
    if (unsigned) divide();
    else {
      // By -1: 0 - a, and no remainder.
      c.get(b).i32(-1).op("i32.eq").if(() => {
        if (op === "div") c.i32(0).get(a).op("i32.sub").set(whole);
      }, divide);
    }
  });
  c.get(whole).release("i32", a).release("i32", b).release("i32", whole);
}

function cast(c: FunctionWriter, from: ScalarType, to: ScalarType, x: Push): void {
  x();
  if (from === to) return;
  const floating = from === "f32" || from === "f64";
  if (to === "bool") {
    if (floating) c[from](0).op(`${from}.ne`);
    else c.i32(0).op("i32.ne");
  } else if (to === "f32" || to === "f64") {
    if (floating) c.op(to === "f64" ? "f64.promote_f32" : "f32.demote_f64");
    else c.op(`${to}.convert_i32_${from === "i32" ? "s" : "u"}`);
  } else if (floating) c.op(`i32.trunc_sat_${from}_${to === "u32" ? "u" : "s"}`);
}
