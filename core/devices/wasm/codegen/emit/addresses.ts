/**
 * Addresses of buffers and their elements, and the integer arithmetic that leads to them.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { phaseLocals } from "../context.ts";
import { floatBytes } from "./vectors.ts";

/** Pushes the word in a slot of the table: the address of a buffer. */
export function slotAddress(c: FunctionWriter, slot: number): FunctionWriter {
  return c.get(phaseLocals.table).mem("i32.load", slot * 4);
}

/** Pushes the address of an operand's first element. */
export function operandAddress(c: FunctionWriter, access: Access, bytes = floatBytes): FunctionWriter {
  return plus(slotAddress(c, access.buffer), access.offset * bytes);
}

/** Adds `index * scale` to the i32 on the stack. */
export function plusScaled(c: FunctionWriter, index: number, scale: number): FunctionWriter {
  return scale === 0 ? c : c.get(index).i32(scale).op("i32.mul").op("i32.add");
}

/** Adds a constant to the i32 on the stack. */
export function plus(c: FunctionWriter, value: number): FunctionWriter {
  return value === 0 ? c : c.i32(value).op("i32.add");
}

/** Sets two locals to the quotient of local `value` by a constant, and to the remainder; the second may be `value` itself. */
export function setQuotientAndRemainder(
  c: FunctionWriter,
  value: number,
  divisor: number,
  quotient: number,
  remainder: number,
): FunctionWriter {
  c.get(value).i32(divisor).op("i32.div_u").set(quotient);
  return c.get(value).i32(divisor).op("i32.rem_u").set(remainder);
}

/** Divides local `value` by a constant and sets `remainder`: takes the innermost of several indices off a combined one. */
export function splitOff(c: FunctionWriter, value: number, divisor: number, remainder: number): void {
  if (divisor === 1) c.i32(0).set(remainder);
  else {
    c.get(value).i32(divisor).op("i32.rem_u").set(remainder);
    c.get(value).i32(divisor).op("i32.div_u").set(value);
  }
}

/** Pushes the integer that `push` pushes, clamped to 0 up to `count` - 1. */
export function pushClamped(c: FunctionWriter, count: number, push: () => void): void {
  c.withLocals("i32", 1, (index) => {
    push();
    c.set(index);
    c.i32(0).get(index).get(index).i32(0).op("i32.lt_s").op("select").set(index);
    c.get(index).i32(count - 1).get(index).i32(count - 1).op("i32.lt_s").op("select");
  });
}

/** Sets `to` to the smaller of local `a` and what `pushB` pushes (twice). */
export function setMin(c: FunctionWriter, to: number, a: number, pushB: () => void): void {
  c.get(a);
  pushB();
  c.get(a);
  pushB();
  c.op("i32.lt_s").op("select").set(to);
}
