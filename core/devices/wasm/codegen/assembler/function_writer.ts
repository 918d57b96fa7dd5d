/**
 * Function bodies: instructions by name, literals, local variables and structured control as callbacks. Types are not checked
 * here; `new WebAssembly.Module` does that.
 *
 * @module
 */
import { hasRelaxedSimd } from "./features.ts";
import { ByteList, encode, signed, unsigned } from "./encoding.ts";
import {
  type Instruction,
  laneCodes,
  type LaneInstruction,
  memoryCodes,
  type MemoryInstruction,
  memoryLaneCodes,
  type MemoryLaneInstruction,
  plainCodes,
  type ValueType,
  valueTypeCodes,
} from "./instructions.ts";

/** For the bytes of floating-point literals. */
const literal = new DataView(new ArrayBuffer(8));

/** The indices of as many local variables as `count` says: a tuple if that is a literal. */
export type Locals<Count extends number, Found extends readonly number[] = []> = number extends Count ? number[]
  : Found["length"] extends Count ? Found
  : Locals<Count, [...Found, number]>;

/** Sum and product, rounded each: takes x, y and z from the stack and gives x y + z or, negated, z - x y. */
function separately(shape: "f32x4" | "f64x2", negated: boolean) {
  return (c: FunctionWriter): void => {
    c.withLocals("v128", 2, (z, product) => {
      c.set(z).op(`${shape}.mul`).set(product).get(z).get(product).op(negated ? `${shape}.sub` : `${shape}.add`);
    });
  };
}

/** What does the same as relaxed instructions, or rounds once more. */
const substitutes: Readonly<Partial<Record<Instruction, (c: FunctionWriter) => void>>> = {
  "f32x4.relaxed_madd": separately("f32x4", false),
  "f32x4.relaxed_nmadd": separately("f32x4", true),
  "f64x2.relaxed_madd": separately("f64x2", false),
  "i32x4.relaxed_laneselect": (c) => void c.op("v128.bitselect"),
  "f32x4.relaxed_min": (c) => void c.op("f32x4.min"),
  "f32x4.relaxed_max": (c) => void c.op("f32x4.max"),
};

/** A function's entry of the code section, and how far behind its size the branches are that are seldom taken. */
export interface FunctionBody {
  readonly entry: Uint8Array;
  readonly rare: readonly number[];
}

/** The body of one function as it is written. Every method returns the writer, so that instructions chain. */
export class FunctionWriter {
  readonly #bytes: ByteList;
  readonly #locals: ValueType[] = [];
  readonly #free = new Map<ValueType, number[]>();
  readonly #params: number;
  /** Locals that hold vectors from the start on, and what sets them. */
  readonly #held = new Map<number, number>();
  #start: ByteList | undefined;
  /** Where in `#bytes` the branches are that are seldom taken. */
  readonly #rare: number[] = [];

  /** @param bytes Where to write, which is empty. */
  constructor(params: number, bytes: ByteList = new ByteList()) {
    this.#params = params;
    this.#bytes = bytes;
  }

  /** A new local variable (zero at first unless it was released and taken again); gives its index. */
  local(type: ValueType): number {
    const again = this.#free.get(type)?.pop();
    return again ?? this.#params + this.#locals.push(type) - 1;
  }

  /** Several new local variables. */
  locals<Count extends number>(type: ValueType, count: Count): Locals<Count> {
    const found: number[] = [];
    for (let i = 0; i < count; i++) found.push(this.local(type));
    return found as Locals<Count>;
  }

  /** Lets later locals of the same type reuse these. */
  release(type: ValueType, ...indices: readonly number[]): this {
    const free = this.#free.get(type);
    if (free) free.push(...indices);
    else this.#free.set(type, [...indices]);
    return this;
  }

  /** Local variables that exist only while `body` writes its code. */
  withLocals<Count extends number>(type: ValueType, count: Count, body: (...locals: Locals<Count>) => void): this {
    const locals = this.locals(type, count);
    body(...locals);
    return this.release(type, ...locals as readonly number[]);
  }

  /** A plain instruction; of the relaxed ones, what stands for it where the engine does not have them. */
  op(instruction: Instruction): this {
    const substitute = hasRelaxedSimd ? undefined : substitutes[instruction];
    if (substitute) {
      substitute(this);
      return this;
    }
    // By index: most of what is written comes from here, and to take a pair apart makes three objects.
    const codes = plainCodes[instruction];
    if (codes[0] === 0) this.#bytes.push(codes[1]);
    else {
      this.#bytes.push(codes[0]);
      unsigned(this.#bytes, codes[1]);
    }
    return this;
  }

  /**
   * A load, store or atomic at the address on the stack plus `offset` bytes; `align` is log2 and only a hint (exact for atomics).
   */
  mem(instruction: MemoryInstruction, offset = 0): this {
    const codes = memoryCodes[instruction];
    const prefix = codes[0];
    const align = codes[2];
    if (prefix !== 0) this.#bytes.push(prefix);
    if (prefix === 0) this.#bytes.push(codes[1]);
    else unsigned(this.#bytes, codes[1]);
    // Tensors need not be aligned to 16 bytes; atomics must state their exact alignment.
    unsigned(this.#bytes, prefix === 0xfe ? align : Math.min(align, 2));
    unsigned(this.#bytes, checkedOffset(offset));
    return this;
  }

  /** Copies bytes: takes target, source and count from the stack; the two may overlap. */
  copy(): this {
    this.#bytes.append(0xfc, 10, 0, 0);
    return this;
  }

  /** An instruction on one lane. */
  lane(instruction: LaneInstruction, lane: number): this {
    this.#bytes.push(0xfd);
    this.#bytes.push(laneCodes[instruction]);
    this.#bytes.push(lane);
    return this;
  }

  /** A load into, or store from, one lane. */
  memLane(instruction: MemoryLaneInstruction, lane: number, offset = 0): this {
    const [code, align] = memoryLaneCodes[instruction];
    this.#bytes.append(0xfd, code);
    unsigned(this.#bytes, align);
    unsigned(this.#bytes, checkedOffset(offset));
    this.#bytes.push(lane);
    return this;
  }

  /** Picks 16 bytes out of the 32 of two vectors. */
  shuffle(lanes: readonly number[]): this {
    this.#bytes.append(0xfd, 13, ...lanes);
    return this;
  }

  /** Picks 4 lanes of 32 bits out of the 8 of two vectors. */
  shuffle32(lanes: readonly [number, number, number, number]): this {
    this.#bytes.append(0xfd, 13);
    for (const lane of lanes) this.#bytes.pushWord(lane * 0x04040404 + 0x03020100);
    return this;
  }

  i32(value: number): this {
    this.#bytes.push(0x41);
    signed(this.#bytes, value);
    return this;
  }

  /** A literal of 64 bits, from an integer of 32. */
  i64(value: number): this {
    this.#bytes.push(0x42);
    signed(this.#bytes, value);
    return this;
  }

  f32(value: number): this {
    literal.setFloat32(0, value, true);
    this.#bytes.push(0x43);
    this.#bytes.pushWord(literal.getUint32(0, true));
    return this;
  }

  f64(value: number): this {
    literal.setFloat64(0, value, true);
    this.#bytes.push(0x44);
    this.#bytes.pushWord(literal.getUint32(0, true));
    this.#bytes.pushWord(literal.getUint32(4, true));
    return this;
  }

  /** A vector literal of four floats. */
  f32x4(...values: [number] | [number, number, number, number]): this {
    pushF32x4(this.#bytes, values);
    return this;
  }

  /**
   * Four times the same float, from a local that holds it all along. V8 makes a vector out of integers wherever a literal stands, by
   * instructions that take longer than most arithmetic: where few of them are used often, this is faster.
   */
  heldF32x4(value: number): this {
    let local = this.#held.get(value);
    if (local === undefined) {
      // No other value may have had it: it would be lost in a loop.
      local = this.#params + this.#locals.push("v128") - 1;
      this.#held.set(value, local);
      const start = this.#start ??= new ByteList();
      pushF32x4(start, [value]);
      start.push(0x21);
      unsigned(start, local);
    }
    return this.get(local);
  }

  /** A vector literal of two doubles that are the same. */
  f64x2(value: number): this {
    literal.setFloat64(0, value, true);
    return this.i32x4(...[0, 4, 0, 4].map((at) => literal.getInt32(at, true)) as [number, number, number, number]);
  }

  /** A vector literal of four integers. */
  i32x4(...values: [number] | [number, number, number, number]): this {
    this.#bytes.append(0xfd, 12);
    for (let lane = 0; lane < 4; lane++) this.#bytes.pushWord(values[lane % values.length]! | 0);
    return this;
  }

  get(local: number): this {
    this.#bytes.push(0x20);
    unsigned(this.#bytes, local);
    return this;
  }

  set(local: number): this {
    this.#bytes.push(0x21);
    unsigned(this.#bytes, local);
    return this;
  }

  tee(local: number): this {
    this.#bytes.push(0x22);
    unsigned(this.#bytes, local);
    return this;
  }

  /** local += value (i32). */
  increment(local: number, value: number): this {
    return this.get(local).i32(value).op("i32.add").set(local);
  }

  call(func: number): this {
    this.#bytes.push(0x10);
    unsigned(this.#bytes, func);
    return this;
  }

  /** Body that `br` leaves at its end. */
  block(body: () => void): this {
    return this.#structured(0x02, body);
  }

  /** Body that `br` starts again. */
  loop(body: () => void): this {
    return this.#structured(0x03, body);
  }

  /** Runs `then` if the i32 on the stack is not 0, else `otherwise`. */
  if(then: () => void, otherwise?: () => void): this {
    this.#bytes.push(0x04);
    this.#bytes.push(0x40);
    then();
    if (otherwise) {
      this.#bytes.push(0x05);
      otherwise();
    }
    this.#bytes.push(0x0b);
    return this;
  }

  /** `if` of what seldom holds: engines put the code out of the way, and keep no registers for it. */
  ifRarely(then: () => void): this {
    this.#rare.push(this.#bytes.length);
    return this.if(then);
  }

  /** Leaves (or restarts) the structure `depth` levels out. */
  br(depth: number): this {
    this.#bytes.push(0x0c);
    unsigned(this.#bytes, depth);
    return this;
  }

  /** `br` if the i32 on the stack is not 0. */
  brIf(depth: number): this {
    this.#bytes.push(0x0d);
    unsigned(this.#bytes, depth);
    return this;
  }

  /**
   * A counting loop: `counter` runs from `from` to below `to` by `step`; the body does not run if it starts there. A bound is a
   * number, or pushes one (signed); `to` is pushed again after each turn.
   */
  for(counter: number, from: number | (() => void), to: number | (() => void), step: number, body: () => void): this {
    const push = (value: number | (() => void)) => {
      if (typeof value === "number") this.i32(value);
      else value();
    };
    push(from);
    this.set(counter);
    return this.block(() => {
      this.get(counter);
      push(to);
      this.op("i32.ge_s").brIf(0);
      this.loop(() => {
        body();
        this.increment(counter, step).get(counter);
        push(to);
        this.op("i32.lt_s").brIf(0);
      });
    });
  }

  /** A counting loop by ones: `counter` runs from local `from` to below local `to`. */
  forRange(counter: number, from: number, to: number, body: () => void): this {
    return this.for(counter, () => this.get(from), () => this.get(to), 1, body);
  }

  /** Runs `body` as often as a number, which must not be 0, says. */
  repeat(times: number, body: () => void): this {
    return this.withLocals("i32", 1, (left) =>
      this.i32(times).set(left).loop(() => {
        body();
        this.increment(left, -1).get(left).brIf(0);
      }));
  }

  #structured(code: number, body: () => void): this {
    this.#bytes.push(code);
    this.#bytes.push(0x40);
    body();
    this.#bytes.push(0x0b);
    return this;
  }

  /** The function's entry of the code section. Nothing may be written afterwards. */
  finish(): FunctionBody {
    this.#bytes.push(0x0b);
    const locals = this.#declaredLocals();
    const startLength = this.#start?.length ?? 0;
    const head: number[] = [];
    const before = locals.length + startLength;
    unsigned(head, before + this.#bytes.length);
    head.push(...locals);
    const entry = new Uint8Array(head.length + startLength + this.#bytes.length);
    entry.set(head);
    if (this.#start) entry.set(this.#start.bytes, head.length);
    entry.set(this.#bytes.bytes, head.length + startLength);
    return { entry, rare: this.#rare.map((at) => before + at) };
  }

  /** The types of the locals: how many there are of one in a row. */
  #declaredLocals(): number[] {
    const rows: number[] = [];
    let count = 0;
    for (let from = 0, to = 0; from < this.#locals.length; from = to, count++) {
      while (to < this.#locals.length && this.#locals[to] === this.#locals[from]) to++;
      unsigned(rows, to - from);
      rows.push(valueTypeCodes[this.#locals[from]]);
    }
    return encode((bytes) => {
      unsigned(bytes, count);
      bytes.push(...rows);
    });
  }
}

function pushF32x4(bytes: ByteList, values: readonly number[]): void {
  bytes.append(0xfd, 12);
  for (let lane = 0; lane < 4; lane++) {
    literal.setFloat32(0, values[lane % values.length], true);
    bytes.pushWord(literal.getUint32(0, true));
  }
}

/** An offset that an instruction can hold: one that is negative would be taken for a large one. */
function checkedOffset(offset: number): number {
  if (!(offset >= 0 && offset < 2 ** 31)) throw new RangeError(`No instruction of WebAssembly has an offset of ${offset}`);
  return offset;
}
