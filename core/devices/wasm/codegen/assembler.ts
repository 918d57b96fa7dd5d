/**
 * A WebAssembly assembler: function bodies are written by the names of the specification and come out as the bytes of a module.
 *
 * It knows the instructions the kernels need (SIMD, relaxed SIMD, atomics) and structured control as callbacks. It does not check
 * types; `new WebAssembly.Module` does.
 *
 * ```ts
 * import { WasmModule } from "./assembler.ts";
 * const m = new WasmModule();
 * m.func({ params: ["i32"], results: ["i32"], export: "twice" }, (c) => c.get(0).i32(2).op("i32.mul"));
 * new WebAssembly.Module(m.finish());
 * ```
 *
 * @module
 */

/** A value type. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

const valueTypes: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Plain instructions: the prefix byte (0 for none) and the code. */
const codes = {
  unreachable: [0, 0x00],
  return: [0, 0x0f],
  drop: [0, 0x1a],
  select: [0, 0x1b],
  "i32.eqz": [0, 0x45],
  "i32.eq": [0, 0x46],
  "i32.ne": [0, 0x47],
  "i32.lt_s": [0, 0x48],
  "i32.lt_u": [0, 0x49],
  "i32.gt_s": [0, 0x4a],
  "i32.gt_u": [0, 0x4b],
  "i32.le_s": [0, 0x4c],
  "i32.le_u": [0, 0x4d],
  "i32.ge_s": [0, 0x4e],
  "i32.ge_u": [0, 0x4f],
  "i64.gt_u": [0, 0x56],
  "f32.eq": [0, 0x5b],
  "f32.ne": [0, 0x5c],
  "f32.lt": [0, 0x5d],
  "f32.gt": [0, 0x5e],
  "f32.le": [0, 0x5f],
  "f32.ge": [0, 0x60],
  "f64.eq": [0, 0x61],
  "f64.ne": [0, 0x62],
  "f64.lt": [0, 0x63],
  "f64.gt": [0, 0x64],
  "f64.le": [0, 0x65],
  "f64.ge": [0, 0x66],
  "i32.clz": [0, 0x67],
  "i32.ctz": [0, 0x68],
  "i32.popcnt": [0, 0x69],
  "i32.add": [0, 0x6a],
  "i32.sub": [0, 0x6b],
  "i32.mul": [0, 0x6c],
  "i32.div_s": [0, 0x6d],
  "i32.div_u": [0, 0x6e],
  "i32.rem_s": [0, 0x6f],
  "i32.rem_u": [0, 0x70],
  "i32.and": [0, 0x71],
  "i32.or": [0, 0x72],
  "i32.xor": [0, 0x73],
  "i32.shl": [0, 0x74],
  "i32.shr_s": [0, 0x75],
  "i32.shr_u": [0, 0x76],
  "i32.rotl": [0, 0x77],
  "f32.abs": [0, 0x8b],
  "f32.neg": [0, 0x8c],
  "f32.ceil": [0, 0x8d],
  "f32.floor": [0, 0x8e],
  "f32.trunc": [0, 0x8f],
  "f32.nearest": [0, 0x90],
  "f32.sqrt": [0, 0x91],
  "f32.add": [0, 0x92],
  "f32.sub": [0, 0x93],
  "f32.mul": [0, 0x94],
  "f32.div": [0, 0x95],
  "f32.min": [0, 0x96],
  "f32.max": [0, 0x97],
  "f32.copysign": [0, 0x98],
  "f64.abs": [0, 0x99],
  "f64.neg": [0, 0x9a],
  "f64.ceil": [0, 0x9b],
  "f64.floor": [0, 0x9c],
  "f64.trunc": [0, 0x9d],
  "f64.nearest": [0, 0x9e],
  "f64.sqrt": [0, 0x9f],
  "f64.add": [0, 0xa0],
  "f64.sub": [0, 0xa1],
  "f64.mul": [0, 0xa2],
  "f64.div": [0, 0xa3],
  "f64.min": [0, 0xa4],
  "f64.max": [0, 0xa5],
  "f64.copysign": [0, 0xa6],
  "f32.convert_i32_s": [0, 0xb2],
  "f32.convert_i32_u": [0, 0xb3],
  "f32.demote_f64": [0, 0xb6],
  "f64.convert_i32_s": [0, 0xb7],
  "f64.convert_i32_u": [0, 0xb8],
  "f64.promote_f32": [0, 0xbb],
  "i32.reinterpret_f32": [0, 0xbc],
  "f32.reinterpret_i32": [0, 0xbe],
  "i32.trunc_sat_f32_s": [0xfc, 0],
  "i32.trunc_sat_f32_u": [0xfc, 1],
  "i32.trunc_sat_f64_s": [0xfc, 2],
  "i32.trunc_sat_f64_u": [0xfc, 3],
  "i8x16.swizzle": [0xfd, 14],
  "i8x16.splat": [0xfd, 15],
  "i16x8.splat": [0xfd, 16],
  "i32x4.splat": [0xfd, 17],
  "f32x4.splat": [0xfd, 19],
  "f64x2.splat": [0xfd, 20],
  "i32x4.eq": [0xfd, 55],
  "i32x4.ne": [0xfd, 56],
  "i32x4.lt_s": [0xfd, 57],
  "i32x4.lt_u": [0xfd, 58],
  "i32x4.gt_s": [0xfd, 59],
  "i32x4.gt_u": [0xfd, 60],
  "i32x4.le_s": [0xfd, 61],
  "i32x4.le_u": [0xfd, 62],
  "i32x4.ge_s": [0xfd, 63],
  "i32x4.ge_u": [0xfd, 64],
  "f32x4.eq": [0xfd, 65],
  "f32x4.ne": [0xfd, 66],
  "f32x4.lt": [0xfd, 67],
  "f32x4.gt": [0xfd, 68],
  "f32x4.le": [0xfd, 69],
  "f32x4.ge": [0xfd, 70],
  "v128.not": [0xfd, 77],
  "v128.and": [0xfd, 78],
  "v128.andnot": [0xfd, 79],
  "v128.or": [0xfd, 80],
  "v128.xor": [0xfd, 81],
  "v128.bitselect": [0xfd, 82],
  "v128.any_true": [0xfd, 83],
  "i8x16.narrow_i16x8_u": [0xfd, 102],
  "f32x4.ceil": [0xfd, 103],
  "f32x4.floor": [0xfd, 104],
  "f32x4.trunc": [0xfd, 105],
  "f32x4.nearest": [0xfd, 106],
  "i16x8.narrow_i32x4_u": [0xfd, 134],
  "i16x8.extend_low_i8x16_u": [0xfd, 137],
  "i16x8.extend_high_i8x16_u": [0xfd, 138],
  "i32x4.abs": [0xfd, 160],
  "i32x4.neg": [0xfd, 161],
  "i32x4.all_true": [0xfd, 163],
  "i32x4.bitmask": [0xfd, 164],
  "i32x4.extend_low_i16x8_u": [0xfd, 169],
  "i32x4.extend_high_i16x8_u": [0xfd, 170],
  "i32x4.shl": [0xfd, 171],
  "i32x4.shr_s": [0xfd, 172],
  "i32x4.shr_u": [0xfd, 173],
  "i32x4.add": [0xfd, 174],
  "i32x4.sub": [0xfd, 177],
  "i32x4.mul": [0xfd, 181],
  "i32x4.min_s": [0xfd, 182],
  "i32x4.min_u": [0xfd, 183],
  "i32x4.max_s": [0xfd, 184],
  "i32x4.max_u": [0xfd, 185],
  "f32x4.abs": [0xfd, 224],
  "f32x4.neg": [0xfd, 225],
  "f32x4.sqrt": [0xfd, 227],
  "f32x4.add": [0xfd, 228],
  "f32x4.sub": [0xfd, 229],
  "f32x4.mul": [0xfd, 230],
  "f32x4.div": [0xfd, 231],
  "f32x4.min": [0xfd, 232],
  "f32x4.max": [0xfd, 233],
  "f32x4.pmin": [0xfd, 234],
  "f32x4.pmax": [0xfd, 235],
  "f64x2.add": [0xfd, 240],
  "f64x2.sub": [0xfd, 241],
  "f64x2.mul": [0xfd, 242],
  "f64x2.div": [0xfd, 243],
  "i32x4.trunc_sat_f32x4_s": [0xfd, 248],
  "i32x4.trunc_sat_f32x4_u": [0xfd, 249],
  "f32x4.convert_i32x4_s": [0xfd, 250],
  "f32x4.convert_i32x4_u": [0xfd, 251],
  "f32x4.relaxed_madd": [0xfd, 0x105],
  "f32x4.relaxed_nmadd": [0xfd, 0x106],
  "f64x2.relaxed_madd": [0xfd, 0x107],
  "i32x4.relaxed_laneselect": [0xfd, 0x10b],
  "f32x4.relaxed_min": [0xfd, 0x10d],
  "f32x4.relaxed_max": [0xfd, 0x10e],
} as const;

/** Instructions that touch memory: prefix, code, and the base-2 logarithm of the natural alignment. */
const memoryCodes = {
  "i32.load": [0, 0x28, 2],
  "i64.load": [0, 0x29, 3],
  "f32.load": [0, 0x2a, 2],
  "f64.load": [0, 0x2b, 3],
  "i32.load8_u": [0, 0x2d, 0],
  "i32.store": [0, 0x36, 2],
  "f32.store": [0, 0x38, 2],
  "f64.store": [0, 0x39, 3],
  "i32.store8": [0, 0x3a, 0],
  "v128.load": [0xfd, 0, 4],
  "v128.load8x8_u": [0xfd, 2, 3],
  "v128.load32_splat": [0xfd, 9, 2],
  "v128.load64_splat": [0xfd, 10, 3],
  "v128.store": [0xfd, 11, 4],
  "v128.load32_zero": [0xfd, 92, 2],
  "v128.load64_zero": [0xfd, 93, 3],
  "memory.atomic.notify": [0xfe, 0x00, 2],
  "memory.atomic.wait32": [0xfe, 0x01, 2],
  "i32.atomic.load": [0xfe, 0x10, 2],
  "i32.atomic.store": [0xfe, 0x17, 2],
  "i32.atomic.rmw.add": [0xfe, 0x1e, 2],
  "i32.atomic.rmw.sub": [0xfe, 0x25, 2],
  "i32.atomic.rmw.xchg": [0xfe, 0x41, 2],
  "i32.atomic.rmw.cmpxchg": [0xfe, 0x48, 2],
} as const;

/** Instructions with a lane number. */
const laneCodes = {
  "i32x4.extract_lane": 27,
  "i32x4.replace_lane": 28,
  "f32x4.extract_lane": 31,
  "f32x4.replace_lane": 32,
  "f64x2.extract_lane": 33,
  "f64x2.replace_lane": 34,
} as const;

/** Loads and stores of one lane: code and the base-2 logarithm of the alignment. */
const memoryLaneCodes = {
  "v128.load32_lane": [86, 2],
  "v128.store32_lane": [90, 2],
  "v128.store64_lane": [91, 3],
} as const;

/** The names `op` takes. */
export type Instruction = keyof typeof codes;
/** The names `mem` takes. */
export type MemoryInstruction = keyof typeof memoryCodes;
/** The names `lane` takes. */
export type LaneInstruction = keyof typeof laneCodes;
/** The names `memLane` takes. */
export type MemoryLaneInstruction = keyof typeof memoryLaneCodes;

function unsigned(out: number[], value: number): void {
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
}

function signed(out: number[], value: number): void {
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    out.push(done ? byte : byte | 0x80);
    if (done) return;
  }
}

function name(out: number[], text: string): void {
  const bytes = new TextEncoder().encode(text);
  unsigned(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}

const scratch = new DataView(new ArrayBuffer(8));

/** The body of one function as it is written. Every method returns the writer, so that instructions chain. */
export class FunctionWriter {
  readonly #bytes: number[] = [];
  readonly #locals: ValueType[] = [];
  readonly #free = new Map<ValueType, number[]>();
  readonly #params: number;

  constructor(params: number) {
    this.#params = params;
  }

  /** A new local variable (zero at first unless it was released and taken again); gives its index. */
  local(type: ValueType): number {
    const again = this.#free.get(type)?.pop();
    return again ?? this.#params + this.#locals.push(type) - 1;
  }

  /** Lets a later `local` of the same type reuse this one. */
  release(type: ValueType, index: number): this {
    this.#free.set(type, [...this.#free.get(type) ?? [], index]);
    return this;
  }

  /** A plain instruction. */
  op(instruction: Instruction): this {
    const [prefix, code] = codes[instruction];
    if (prefix === 0) this.#bytes.push(code);
    else {
      this.#bytes.push(prefix);
      unsigned(this.#bytes, code);
    }
    return this;
  }

  /** A load, store or atomic at the address on the stack plus `offset` bytes; `align` is log2 and only a hint (exact for atomics). */
  mem(instruction: MemoryInstruction, offset = 0): this {
    const [prefix, code, align] = memoryCodes[instruction];
    if (prefix !== 0) this.#bytes.push(prefix);
    if (prefix === 0) this.#bytes.push(code);
    else unsigned(this.#bytes, code);
    // Tensors need not be aligned to 16 bytes; atomics must state their exact alignment.
    unsigned(this.#bytes, prefix === 0xfe ? align : Math.min(align, 2));
    unsigned(this.#bytes, offset);
    return this;
  }

  /** Copies bytes: takes target, source and count from the stack; the two may overlap. */
  copy(): this {
    this.#bytes.push(0xfc, 10, 0, 0);
    return this;
  }

  /** An instruction on one lane. */
  lane(instruction: LaneInstruction, lane: number): this {
    this.#bytes.push(0xfd, laneCodes[instruction], lane);
    return this;
  }

  /** A load into, or store from, one lane. */
  memLane(instruction: MemoryLaneInstruction, lane: number, offset = 0): this {
    const [code, align] = memoryLaneCodes[instruction];
    this.#bytes.push(0xfd, code);
    unsigned(this.#bytes, align);
    unsigned(this.#bytes, offset);
    this.#bytes.push(lane);
    return this;
  }

  /** Picks 16 bytes out of the 32 of two vectors. */
  shuffle(lanes: readonly number[]): this {
    this.#bytes.push(0xfd, 13, ...lanes);
    return this;
  }

  /** Picks 4 lanes of 32 bits out of the 8 of two vectors. */
  shuffle32(lanes: readonly [number, number, number, number]): this {
    return this.shuffle(lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte)));
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
    scratch.setFloat32(0, value, true);
    this.#bytes.push(0x43);
    for (let i = 0; i < 4; i++) this.#bytes.push(scratch.getUint8(i));
    return this;
  }

  f64(value: number): this {
    scratch.setFloat64(0, value, true);
    this.#bytes.push(0x44);
    for (let i = 0; i < 8; i++) this.#bytes.push(scratch.getUint8(i));
    return this;
  }

  /** A vector literal of four floats. */
  f32x4(...values: [number] | [number, number, number, number]): this {
    this.#bytes.push(0xfd, 12);
    for (let lane = 0; lane < 4; lane++) {
      scratch.setFloat32(0, values[lane % values.length]!, true);
      for (let i = 0; i < 4; i++) this.#bytes.push(scratch.getUint8(i));
    }
    return this;
  }

  /** A vector literal of four integers. */
  i32x4(...values: [number] | [number, number, number, number]): this {
    this.#bytes.push(0xfd, 12);
    for (let lane = 0; lane < 4; lane++) {
      scratch.setInt32(0, values[lane % values.length]! | 0, true);
      for (let i = 0; i < 4; i++) this.#bytes.push(scratch.getUint8(i));
    }
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
    this.#bytes.push(0x04, 0x40);
    then();
    if (otherwise) {
      this.#bytes.push(0x05);
      otherwise();
    }
    this.#bytes.push(0x0b);
    return this;
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
   * A counting loop: sets `counter` from `from` to below `to` by `step`; the body does not run if it starts there. `to` writes the
   * (unsigned) bound on the stack each time round, or is a number.
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

  #structured(code: number, body: () => void): this {
    this.#bytes.push(code, 0x40);
    body();
    this.#bytes.push(0x0b);
    return this;
  }

  /** The function's entry of the code section. */
  finish(): number[] {
    const locals: number[] = [];
    unsigned(locals, this.#locals.length);
    for (const type of this.#locals) locals.push(1, valueTypes[type]);
    const out: number[] = [];
    unsigned(out, locals.length + this.#bytes.length + 1);
    for (const byte of locals) out.push(byte);
    for (const byte of this.#bytes) out.push(byte);
    out.push(0x0b);
    return out;
  }
}

/** A function's type and, if others shall call it, its export name. */
export interface FunctionSpec {
  readonly params: readonly ValueType[];
  readonly results?: readonly ValueType[];
  readonly export?: string;
}

/** A module as it is written: imports first, then functions. */
export class WasmModule {
  readonly #types: string[] = [];
  readonly #typeBytes: number[][] = [];
  readonly #imports: number[][] = [];
  readonly #functions: { readonly type: number; readonly body: number[]; readonly export?: string }[] = [];
  #importedFunctions = 0;

  /** Imports a shared memory; sizes in pages of 64 KiB. */
  importMemory(module: string, field: string, minimum: number, maximum: number): this {
    const bytes: number[] = [];
    name(bytes, module);
    name(bytes, field);
    bytes.push(0x02, 0x03);
    unsigned(bytes, minimum);
    unsigned(bytes, maximum);
    this.#imports.push(bytes);
    return this;
  }

  /** Imports a function; gives its index. All imports come before the first `func`. */
  importFunc(module: string, field: string, spec: FunctionSpec): number {
    if (this.#functions.length > 0) throw new Error("Cannot import a function after one was defined");
    const bytes: number[] = [];
    name(bytes, module);
    name(bytes, field);
    bytes.push(0x00);
    unsigned(bytes, this.#type(spec));
    this.#imports.push(bytes);
    return this.#importedFunctions++;
  }

  /** Defines a function; parameters are locals 0, 1, ... Gives its index. */
  func(spec: FunctionSpec, write: (code: FunctionWriter) => void): number {
    const writer = new FunctionWriter(spec.params.length);
    write(writer);
    this.#functions.push({ type: this.#type(spec), body: writer.finish(), export: spec.export });
    return this.#importedFunctions + this.#functions.length - 1;
  }

  #type(spec: FunctionSpec): number {
    const key = `${spec.params.join()}:${spec.results?.join() ?? ""}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const bytes = [0x60];
    unsigned(bytes, spec.params.length);
    for (const type of spec.params) bytes.push(valueTypes[type]);
    unsigned(bytes, spec.results?.length ?? 0);
    for (const type of spec.results ?? []) bytes.push(valueTypes[type]);
    this.#typeBytes.push(bytes);
    return this.#types.push(key) - 1;
  }

  /** The bytes of the module. */
  finish(): Uint8Array<ArrayBuffer> {
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    const section = (id: number, entries: readonly (readonly number[])[]) => {
      if (entries.length === 0) return;
      const count: number[] = [];
      unsigned(count, entries.length);
      out.push(id);
      unsigned(out, entries.reduce((size, entry) => size + entry.length, count.length));
      for (const byte of count) out.push(byte);
      for (const entry of entries) for (const byte of entry) out.push(byte);
    };
    section(1, this.#typeBytes);
    section(2, this.#imports);
    section(3, this.#functions.map(({ type }) => encode((bytes) => unsigned(bytes, type))));
    section(
      7,
      this.#functions.flatMap((func, i) =>
        func.export === undefined ? [] : [encode((bytes) => {
          name(bytes, func.export!);
          bytes.push(0x00);
          unsigned(bytes, this.#importedFunctions + i);
        })]
      ),
    );
    section(10, this.#functions.map(({ body }) => body));
    return Uint8Array.from(out);
  }
}

function encode(write: (bytes: number[]) => void): number[] {
  const bytes: number[] = [];
  write(bytes);
  return bytes;
}
