/**
 * The layout of elements in memory, as both emitters load and store them: words as they are, a bool as a word that is 0 or 1,
 * narrower elements as bits of their width, which `ir/encoding.ts` turns to scalars and back.
 *
 * @module
 */
import { deviceBytes, type DType, isBool } from "../../../../dtype.ts";
import { decode, encode } from "../../../../ir/encoding.ts";
import { type Expr, scalarType } from "../../../../ir/expr.ts";
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { Emitter, Lanes, Location, Push } from "./emitter.ts";
import { Evaluator } from "./evaluator.ts";

/** Whether an element takes less than a word. */
function isNarrow(dtype: DType): boolean {
  return deviceBytes(dtype) < 4;
}

/** Pushes the value of an expression of one leaf. */
function evaluate(c: FunctionWriter, emitter: Emitter, lanes: Lanes, e: Expr, leaf: Push): void {
  new Evaluator(c, emitter, { level: () => 0, push: leaf }, [e], 0).evaluate([e], { lanes, step: 0 }, (_, push) => push());
}

/** Pushes the scalars for bits. */
function decoded(c: FunctionWriter, emitter: Emitter, dtype: DType, lanes: Lanes, bits: Push): void {
  const leaf: Expr = { kind: "load", type: "u32", slot: 0 };
  evaluate(c, emitter, lanes, decode(dtype, leaf), bits);
}

/** Pushes the bits of scalars. */
function encoded(c: FunctionWriter, emitter: Emitter, dtype: DType, lanes: Lanes, value: Push): void {
  const leaf: Expr = { kind: "load", type: scalarType(dtype), slot: 0 };
  evaluate(c, emitter, lanes, encode(dtype, leaf), value);
}

/** Pushes the address of a lane and gives the offset that is left for the instruction, which can only be positive. */
function address(c: FunctionWriter, at: Location, lane = 0): number {
  const offset = at.offset + at.stride * lane;
  c.get(at.pointer);
  if (offset >= 0) return offset;
  c.i32(offset).op("i32.add");
  return 0;
}

/** The type of an element of at least a word in the scalar emitter, whose instructions have its name. */
function wordType(emitter: Emitter, dtype: DType): "i32" | "f32" | "f64" {
  return emitter.valueType(scalarType(dtype)) as "i32" | "f32" | "f64";
}

/** Pushes an element. */
export function loadOne(c: FunctionWriter, emitter: Emitter, dtype: DType, at: Location): void {
  if (isNarrow(dtype)) decoded(c, emitter, dtype, "one", () => loadBits(c, dtype, at));
  else c.mem(`${wordType(emitter, dtype)}.load`, address(c, at));
}

/** Stores an element. */
export function storeOne(c: FunctionWriter, emitter: Emitter, dtype: DType, at: Location, value: Push): void {
  const offset = address(c, at);
  if (isNarrow(dtype)) {
    encoded(c, emitter, dtype, "one", value);
    c.mem(storeNarrow(dtype), offset);
  } else {
    value();
    c.mem(`${wordType(emitter, dtype)}.store`, offset);
  }
}

/** Pushes four elements, or one in all lanes. */
export function loadFour(c: FunctionWriter, emitter: Emitter, dtype: DType, at: Location, lanes: Lanes): void {
  if (isNarrow(dtype)) return decoded(c, emitter, dtype, lanes, () => loadFourBits(c, dtype, at, lanes));
  if (lanes === "one" || at.stride === 0) c.mem("v128.load32_splat", address(c, at));
  else if (at.stride === 4) c.mem("v128.load", address(c, at));
  else if (at.stride === -4) {
    const offset = address(c, at, 3);
    c.mem("v128.load", offset);
    const reversed = c.local("v128");
    c.tee(reversed).get(reversed).shuffle32([3, 2, 1, 0]).release("v128", reversed);
  } else gather(c, at);
  // In a vector a bool is all ones or zeros.
  if (isBool(dtype)) c.i32x4(0).op("i32x4.ne");
}

/** Pushes the four elements whose addresses are the lanes of the vector on the stack. */
export function loadFourAt(c: FunctionWriter, emitter: Emitter, dtype: DType): void {
  const [addresses, loaded] = c.locals("v128", 2);
  const at = (lane: number) => c.get(addresses).lane("i32x4.extract_lane", lane);
  c.set(addresses);
  if (isNarrow(dtype)) {
    decoded(c, emitter, dtype, "all", () => {
      c.i32x4(0);
      for (let lane = 0; lane < 4; lane++) {
        at(lane).mem(deviceBytes(dtype) === 1 ? "i32.load8_u" : "i32.load16_u").lane("i32x4.replace_lane", lane);
      }
    });
  } else {
    at(0).mem("v128.load32_zero").set(loaded);
    for (let lane = 1; lane < 4; lane++) at(lane).get(loaded).memLane("v128.load32_lane", lane, 0).set(loaded);
    c.get(loaded);
    if (isBool(dtype)) c.i32x4(0).op("i32x4.ne");
  }
  c.release("v128", addresses).release("v128", loaded);
}

/** Writes four elements, as many as `valid` (a local) says of them, or the first. */
export function storeFour(
  c: FunctionWriter,
  emitter: Emitter,
  dtype: DType,
  at: Location,
  lanes: Lanes,
  value: Push,
  valid?: number,
): void {
  const inMemory = () => {
    if (isNarrow(dtype)) encoded(c, emitter, dtype, lanes, value);
    else {
      value();
      if (isBool(dtype)) c.op("i32x4.neg");
    }
  };
  if (lanes === "all" && valid === undefined && at.stride === deviceBytes(dtype)) {
    const offset = address(c, at);
    inMemory();
    storeRun(c, dtype, offset);
    return;
  }
  const kept = c.local("v128");
  inMemory();
  c.set(kept);
  const one = (lane: number) => {
    const offset = address(c, at, lane);
    c.get(kept);
    if (isNarrow(dtype)) c.lane("i32x4.extract_lane", lane).mem(storeNarrow(dtype), offset);
    else c.memLane("v128.store32_lane", lane, offset);
  };
  one(0);
  for (let lane = 1; lane < (lanes === "one" ? 1 : valid === undefined ? 4 : 3); lane++) {
    if (valid === undefined) one(lane);
    else c.get(valid).i32(lane).op("i32.gt_s").if(() => one(lane));
  }
  c.release("v128", kept);
}

/** Of a vector whose halves have their words twice: the words once, in its first half. */
export function onceEach(c: FunctionWriter): void {
  const words = c.local("v128");
  c.tee(words).get(words).shuffle32([0, 2, 0, 2]).release("v128", words);
}

/** The first two words of a vector, each twice in its half. */
export function twiceEach(c: FunctionWriter): void {
  const words = c.local("v128");
  c.tee(words).get(words).shuffle32([0, 0, 1, 1]).release("v128", words);
}

/** Pushes two elements, or one in both lanes, words twice. */
export function loadTwo(c: FunctionWriter, emitter: Emitter, dtype: DType, at: Location, lanes: Lanes): void {
  const bytes = deviceBytes(dtype);
  const same = lanes === "one" || at.stride === 0;
  if (isNarrow(dtype)) {
    return decoded(c, emitter, dtype, lanes, () => {
      loadBits(c, dtype, at);
      c.op("i32x4.splat");
      if (same) return;
      for (const word of [2, 3]) {
        loadBits(c, dtype, at, 1);
        c.lane("i32x4.replace_lane", word);
      }
    });
  }
  const bits = bytes === 8 ? 64 : 32;
  if (same) c.mem(`v128.load${bits}_splat`, address(c, at));
  else if (at.stride === bytes) c.mem(bits === 64 ? "v128.load" : "v128.load64_zero", address(c, at));
  else {
    const loaded = c.local("v128");
    c.mem(`v128.load${bits}_zero`, address(c, at)).set(loaded);
    const offset = address(c, at, 1);
    c.get(loaded).memLane(`v128.load${bits}_lane`, 1, offset).release("v128", loaded);
  }
  if (bits === 32 && !same) twiceEach(c);
  if (isBool(dtype)) c.i32x4(0).op("i32x4.ne");
}

/** Pushes the two elements whose addresses are the lanes of the vector on the stack. */
export function loadTwoAt(c: FunctionWriter, emitter: Emitter, dtype: DType): void {
  const [addresses, loaded] = c.locals("v128", 2);
  const at = (lane: number) => c.get(addresses).lane("i32x4.extract_lane", 2 * lane);
  c.set(addresses);
  if (isNarrow(dtype)) {
    const load = deviceBytes(dtype) === 1 ? "i32.load8_u" : "i32.load16_u";
    decoded(c, emitter, dtype, "all", () => {
      at(0).mem(load).op("i32x4.splat");
      for (const word of [2, 3]) at(1).mem(load).lane("i32x4.replace_lane", word);
    });
  } else {
    const bits = deviceBytes(dtype) === 8 ? 64 : 32;
    at(0).mem(`v128.load${bits}_zero`).set(loaded);
    at(1).get(loaded).memLane(`v128.load${bits}_lane`, 1, 0);
    if (bits === 32) twiceEach(c);
    if (isBool(dtype)) c.i32x4(0).op("i32x4.ne");
  }
  c.release("v128", addresses).release("v128", loaded);
}

/** Writes two elements, or the first: that alone where `valid` is given, which then is 1. */
export function storeTwo(
  c: FunctionWriter,
  emitter: Emitter,
  dtype: DType,
  at: Location,
  lanes: Lanes,
  value: Push,
  valid?: number,
): void {
  const bytes = deviceBytes(dtype);
  const both = lanes === "all" && valid === undefined;
  const inMemory = () => {
    if (isNarrow(dtype)) encoded(c, emitter, dtype, lanes, value);
    else {
      value();
      if (isBool(dtype)) c.op("i32x4.neg");
    }
  };
  if (both && at.stride === bytes && bytes >= 4) {
    const offset = address(c, at);
    inMemory();
    if (bytes === 8) c.mem("v128.store", offset);
    else {
      onceEach(c);
      c.memLane("v128.store64_lane", 0, offset);
    }
    return;
  }
  const kept = c.local("v128");
  inMemory();
  c.set(kept);
  for (const lane of both ? [0, 1] : [0]) {
    const offset = address(c, at, lane);
    c.get(kept);
    if (bytes === 8) c.memLane("v128.store64_lane", lane, offset);
    else if (bytes === 4) c.memLane("v128.store32_lane", 2 * lane, offset);
    else c.lane("i32x4.extract_lane", 2 * lane).mem(storeNarrow(dtype), offset);
  }
  c.release("v128", kept);
}

function storeNarrow(dtype: DType): "i32.store8" | "i32.store16" {
  return deviceBytes(dtype) === 1 ? "i32.store8" : "i32.store16";
}

function loadBits(c: FunctionWriter, dtype: DType, at: Location, lane = 0): void {
  const offset = address(c, at, lane);
  c.mem(deviceBytes(dtype) === 1 ? "i32.load8_u" : "i32.load16_u", offset);
}

function loadFourBits(c: FunctionWriter, dtype: DType, at: Location, lanes: Lanes): void {
  const bytes = deviceBytes(dtype);
  if (lanes === "one" || at.stride === 0) {
    loadBits(c, dtype, at);
    c.op("i32x4.splat");
  } else if (at.stride === bytes) {
    const offset = address(c, at);
    if (bytes === 1) c.mem("v128.load32_zero", offset).op("i16x8.extend_low_i8x16_u");
    else c.mem("v128.load64_zero", offset);
    c.op("i32x4.extend_low_i16x8_u");
  } else {
    c.i32x4(0);
    for (let lane = 0; lane < 4; lane++) {
      loadBits(c, dtype, at, lane);
      c.lane("i32x4.replace_lane", lane);
    }
  }
}

function gather(c: FunctionWriter, at: Location): void {
  const gathered = c.local("v128");
  c.mem("v128.load32_zero", address(c, at)).set(gathered);
  for (let lane = 1; lane < 4; lane++) {
    const offset = address(c, at, lane);
    c.get(gathered).memLane("v128.load32_lane", lane, offset).set(gathered);
  }
  c.get(gathered).release("v128", gathered);
}

/** Stores the vector on the stack as neighbours: of narrow elements their bytes, pushed together. */
function storeRun(c: FunctionWriter, dtype: DType, offset: number): void {
  const bytes = deviceBytes(dtype);
  if (!isNarrow(dtype)) return void c.mem("v128.store", offset);
  const kept = c.local("v128");
  const low = Array.from({ length: 16 }, (_, i) => i < 4 * bytes ? 4 * Math.floor(i / bytes) + i % bytes : 0);
  c.tee(kept).get(kept).shuffle(low).release("v128", kept);
  c.memLane(bytes === 1 ? "v128.store32_lane" : "v128.store64_lane", 0, offset);
}
