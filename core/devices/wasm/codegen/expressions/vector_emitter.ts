/**
 * The vector emitter: four points at a time for the types of 32 bits; bool is a mask of all ones or zeros in each lane.
 * What has no vector instruction is done lane by lane.
 *
 * @module
 */
import type { BinaryOp, Expr, ScalarType, UnaryOp } from "../../../../ir/expr.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { Instruction } from "../assembler/instructions.ts";
import { loadFour, loadFourAt, storeFour } from "./elements.ts";
import { type Emitter, type HostFunctions, isShift, isZero, type Push } from "./emitter.ts";
import { floatUnary, scalarEmitter, scalarValueType } from "./scalar_emitter.ts";

const bitwise: Partial<Record<BinaryOp, Instruction>> = { and: "v128.and", or: "v128.or", xor: "v128.xor" };
const plain: ReadonlySet<BinaryOp> = new Set<BinaryOp>(["add", "sub", "mul", "eq", "ne"]);
const ordered: Partial<Record<BinaryOp, string>> = { lt: "lt", le: "le", min: "min", max: "max" };

/** Creates the vector emitter of a module that has imported `host`. */
export function vectorEmitter(host: HostFunctions): Emitter {
  const scalar = scalarEmitter(host);
  return {
    lanes: 4,
    keepsLiterals: true,
    valueType: () => "v128",
    literal,
    unary,
    binary(c, op, type, x, y, right) {
      if (type === "f32") vectorBinary(c, "f32x4", op, x, y, right);
      else if (!integerBinary(c, op, type, x, y, right)) laneWise(c, scalar, op, type, x, y, right);
    },
    multiplyAdd(c, x, y, z, negated) {
      x();
      y();
      z();
      c.op(negated ? "f32x4.relaxed_nmadd" : "f32x4.relaxed_madd");
    },
    // Every lane of a test is all ones or all zeros: it is a mask, and the relaxed form is exact.
    select(c, e, test, x, y) {
      const [noX, noY] = [isZero(e.x), isZero(e.y)];
      if (!noX) x();
      if (!noY || noX) y();
      test();
      c.op(noX ? "v128.andnot" : noY ? "v128.and" : "i32x4.relaxed_laneselect");
    },
    anywhere: (c) => void c.op("i32x4.bitmask"),
    anyNegative: (c) => void c.op("i32x4.bitmask"),
    cast,
    bitcast: (_c, _from, _to, x) => x(),
    load(c, dtype, at, lanes) {
      loadFour(c, this, dtype, at, lanes);
    },
    loadAt(c, dtype) {
      loadFourAt(c, this, dtype);
    },
    store(c, dtype, at, lanes, value, valid) {
      storeFour(c, this, dtype, at, lanes, value, valid);
    },
    sequence(c, at, lanes) {
      c.get(at.pointer);
      if (at.offset !== 0) c.i32(at.offset).op("i32.add");
      c.op("i32x4.splat");
      if (lanes === "all" && at.stride !== 0) c.i32x4(0, at.stride, 2 * at.stride, 3 * at.stride).op("i32x4.add");
    },
  };
}

function literal(c: FunctionWriter, type: ScalarType, value: number): void {
  if (type === "f32") c.f32x4(value);
  else if (type === "bool") c.i32x4(value === 0 ? 0 : -1);
  else c.i32x4(value);
}

function unary(c: FunctionWriter, op: UnaryOp, type: ScalarType, x: Push): void {
  if (type === "f32") return vectorUnary(c, "f32x4", op, x);
  x();
  const instruction = op === "not" ? "v128.not" : op === "neg" ? "i32x4.neg" : op === "abs" ? "i32x4.abs" : undefined;
  if (!instruction) throw new Error(`No instruction for ${op} of ${type}`);
  c.op(instruction);
}

/** The shape of vectors of floats. */
type FloatShape = "f32x4" | "f64x2";

/** An operation of a vector of floats. */
export function vectorUnary(c: FunctionWriter, shape: FloatShape, op: UnaryOp, x: Push): void {
  x();
  if (op !== "exact") c.op(`${shape}.${floatUnary[op]}` as Instruction);
}

/** One of two vectors of floats. */
export function vectorBinary(c: FunctionWriter, shape: FloatShape, op: BinaryOp, x: Push, y: Push, right: Expr): void {
  x();
  if (op !== "min" && op !== "max") {
    y();
    c.op(`${shape}.${op}` as Instruction);
    return;
  }
  // min and max proper are slow on x64. pmax(x, y) = x < y ? y : x keeps a NaN in x; one in y is put in as a mask of ones.
  const pseudo = `${shape}.p${op}` as const;
  y();
  if (right.kind === "const" && !Number.isNaN(right.value)) c.op(pseudo);
  else {
    const kept = c.local("v128");
    c.tee(kept).op(pseudo).get(kept).get(kept).op(`${shape}.ne`).op("v128.or").release("v128", kept);
  }
}

/** Writes an operation on integers or bools and says whether there is an instruction for it. */
function integerBinary(c: FunctionWriter, op: BinaryOp, type: ScalarType, x: Push, y: Push, right: Expr): boolean {
  const sign = type === "i32" ? "s" : "u";
  let instruction: Instruction;
  if (isShift(op)) {
    if (right.kind !== "const") return false;
    x();
    c.i32(right.value & 31).op(op === "shl" ? "i32x4.shl" : `i32x4.shr_${sign}`);
    return true;
  } else if (bitwise[op]) instruction = bitwise[op];
  else if (plain.has(op)) instruction = `i32x4.${op}` as Instruction;
  else if (ordered[op]) instruction = `i32x4.${ordered[op]}_${sign}` as Instruction;
  else return false;
  x();
  y();
  c.op(instruction);
  return true;
}

/** Applies the scalar form to each lane. */
function laneWise(c: FunctionWriter, scalar: Emitter, op: BinaryOp, type: ScalarType, x: Push, y: Push, right: Expr): void {
  const [a, b, out] = c.locals("v128", 3);
  const lanes = scalarValueType(type) === "f32" ? "f32x4" : "i32x4";
  x();
  y();
  c.set(b).set(a);
  for (let lane = 0; lane < 4; lane++) {
    c.get(lane === 0 ? a : out);
    const part = (vector: number) => () => c.get(vector).lane(`${lanes}.extract_lane`, lane);
    scalar.binary(c, op, type, part(a), part(b), right);
    c.lane(`${lanes}.replace_lane`, lane).set(out);
  }
  c.get(out).release("v128", a).release("v128", b).release("v128", out);
}

function cast(c: FunctionWriter, from: ScalarType, to: ScalarType, x: Push): void {
  x();
  if (from === to) return;
  if (to === "bool") {
    if (from === "f32") c.f32x4(0).op("f32x4.ne");
    else c.i32x4(0).op("i32x4.ne");
  } else if (from === "bool") {
    if (to === "f32") c.f32x4(1).op("v128.and");
    else c.op("i32x4.neg");
  } else if (to === "f32") c.op(from === "i32" ? "f32x4.convert_i32x4_s" : "f32x4.convert_i32x4_u");
  else if (from === "f32") c.op(to === "i32" ? "i32x4.trunc_sat_f32x4_s" : "i32x4.trunc_sat_f32x4_u");
}
