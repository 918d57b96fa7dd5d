/**
 * How scalar operations become instructions: the interface of the emitters. `vector_emitter.ts` writes code for four points at a
 * time for types of 32 bits, `double_emitter.ts` for two points at a time and `scalar_emitter.ts` for one, for every type.
 *
 * Operands are passed as callbacks that push them on the stack, so that an emitter decides where its own instructions go.
 *
 * @module
 */
import type { DType } from "../../../../dtype.ts";
import type { BinaryOp, Expr, ScalarType, UnaryOp } from "../../../../ir/expr.ts";
import type { DoubleFunction } from "../../../../ir/functions/double.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { ValueType } from "../assembler/instructions.ts";

/** Pushes a value. */
export type Push = () => void;

/** A choice. */
export type Select = Extract<Expr, { readonly kind: "select" }>;

/** Which points one evaluation serves: as many as the emitter has lanes, or the first alone. */
export type Lanes = "all" | "one";

/** Where elements are: an address, a constant number of bytes from it, and the bytes from lane to lane. */
export interface Location {
  /** A local: the address. */
  readonly pointer: number;
  readonly offset: number;
  readonly stride: number;
}

/** Functions on f64 that have no instruction: their index in the module, by name. */
export type HostFunctions = ReadonlyMap<DoubleFunction, number>;

/** Writes the instructions of operations that `legalize.ts` has brought into the form a machine has. */
export interface Emitter {
  /** How many points "all" means. */
  readonly lanes: 1 | 2 | 4;
  /** Whether literals are better kept in locals than written where they are used. */
  readonly keepsLiterals: boolean;
  valueType(type: ScalarType): ValueType;
  literal(c: FunctionWriter, type: ScalarType, value: number): void;
  unary(c: FunctionWriter, op: UnaryOp, type: ScalarType, x: Push): void;
  /** `type` is that of the arguments. `right` is given for operations that can use a literal. */
  binary(c: FunctionWriter, op: BinaryOp, type: ScalarType, x: Push, y: Push, right: Expr): void;
  /** x * y + z of f32, rounded once or twice, or undefined where that is no instruction. */
  multiplyAdd?(c: FunctionWriter, x: Push, y: Push, z: Push, negated: boolean): void;
  /** `e` is what is chosen by: an emitter may have instructions for some literals. */
  select(c: FunctionWriter, e: Select, test: Push, x: Push, y: Push): void;
  /** Turns the bool on the stack to an i32: whether it holds at any point. */
  anywhere(c: FunctionWriter): void;
  /** Turns the i32 on the stack to whether it is below 0 at any point, or undefined where that takes a comparison. */
  anyNegative?(c: FunctionWriter): void;
  cast(c: FunctionWriter, from: ScalarType, to: ScalarType, x: Push): void;
  bitcast(c: FunctionWriter, from: ScalarType, to: ScalarType, x: Push): void;
  load(c: FunctionWriter, dtype: DType, at: Location, lanes: Lanes): void;
  /** Loads for all lanes the elements whose addresses are an i32 each, on the stack. */
  loadAt?(c: FunctionWriter, dtype: DType): void;
  /** `valid`, a local, may say how many of all lanes (at least 1, fewer than all) are to be stored. */
  store(c: FunctionWriter, dtype: DType, at: Location, lanes: Lanes, value: Push, valid?: number): void;
  /** The integers pointer + offset + stride * lane. */
  sequence(c: FunctionWriter, at: Location, lanes: Lanes): void;
}

/** Whether an operation's argument, a literal, becomes part of the instruction. */
export function isImmediate(user: Expr, argument: Expr): boolean {
  if (argument.kind !== "const") return false;
  if (user.kind === "select") return isZero(argument) && user.test !== argument;
  if (user.kind !== "binary" || user.y !== argument || user.x === argument) return false;
  return isShift(user.op) || (user.op === "lt" && argument.type === "i32" && isZero(argument));
}

/** Whether an operation's right argument is a number of bits. */
export function isShift(op: BinaryOp): boolean {
  return op === "shl" || op === "shr";
}

/** Whether all bits of a literal are 0. */
export function isZero(e: Expr): boolean {
  return e.kind === "const" && Object.is(e.value, 0);
}
