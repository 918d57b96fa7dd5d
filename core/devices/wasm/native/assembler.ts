/**
 * A small assembler of x64 machine code: the few instructions that loops over vectors of f32 are made of, on general registers of 64 bits
 * and on vectors of 128 and 256 bits (VEX, AVX2) and of 512 (EVEX, AVX-512).
 *
 * @see Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2
 * @module
 */

/** General registers. */
export const [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15] = Array(16).keys();

/** Bits of a vector register. */
export type Width = 128 | 256 | 512;

/** The bytes at an address in a register plus `offset`. */
export interface Memory {
  readonly base: number;
  readonly offset: number;
}

/** The bytes at an address in a register plus `offset`. */
export function at(base: number, offset = 0): Memory {
  return { base, offset };
}

/** A place in the code, known once `Assembler.here` is told of it. */
export class Label {
  position = -1;
  /** Where distances to it stand that are still to be filled in. */
  readonly uses: number[] = [];
}

/** Vector instructions: mandatory prefix (0: none, 1: 66, 2: F3, 3: F2), opcode map (1: 0F, 2: 0F38, 3: 0F3A) and opcode. */
const vectorCodes = {
  vmovups: [0, 1, 0x10],
  vmovupsStore: [0, 1, 0x11],
  vxorps: [0, 1, 0x57],
  vpxord: [1, 1, 0xef],
  vbroadcastss: [1, 2, 0x18],
  vfmadd231ps: [1, 2, 0xb8],
  vmaskmovps: [1, 2, 0x2c],
  vmaskmovpsStore: [1, 2, 0x2e],
  kmovw: [0, 1, 0x92],
  vaddps: [0, 1, 0x58],
  vsubps: [0, 1, 0x5c],
  vmulps: [0, 1, 0x59],
  vunpcklps: [0, 1, 0x14],
  vunpckhps: [0, 1, 0x15],
  vshufps: [0, 1, 0xc6],
  vmovssStore: [2, 1, 0x11],
  vmovlpsStore: [0, 1, 0x13],
  vmovhpsStore: [0, 1, 0x17],
  vextractpsStore: [1, 3, 0x17],
  // 128 bits of 256 or 512: vextractf128, vextractf32x4.
  vextractStore: [1, 3, 0x19],
} as const;

/** The unit in which a short offset is counted with 512 bits, where it is not the whole vector. */
const offsetUnits: Readonly<Partial<Record<VectorInstruction, number>>> = {
  vbroadcastss: 4,
  vmovssStore: 4,
  vmovlpsStore: 8,
  vmovhpsStore: 8,
  vextractpsStore: 4,
  vextractStore: 16,
};

/** The name of a vector instruction; those that store have the register first all the same. */
export type VectorInstruction = keyof typeof vectorCodes;

/** What follows a comparison with zero, or a subtraction. */
const conditionCodes = { zero: 0x84, notZero: 0x85, notAbove: 0x86 } as const;

/** Instructions that do nothing, by length. */
const fillers: readonly (readonly number[])[] = [
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

const inverted = (bits: number, bit: number) => (~(bits >> bit)) & 1;

/** Machine code as it is written. Every method returns the assembler, so that instructions chain. Registers are numbers. */
export class Assembler {
  readonly #bytes: number[] = [];

  /** The code; all labels must be placed. */
  get bytes(): readonly number[] {
    return this.#bytes;
  }

  /** Says that a label is here. */
  here(label: Label): this {
    label.position = this.#bytes.length;
    for (const use of label.uses) this.#fill(use, label.position);
    return this;
  }

  /** Fills up to a multiple of `alignment` bytes, a power of two. */
  align(alignment: number): this {
    for (let missing = -this.#bytes.length & (alignment - 1); missing > 0;) {
      const filler = fillers[Math.min(missing, fillers.length) - 1];
      this.#bytes.push(...filler);
      missing -= filler.length;
    }
    return this;
  }

  /** Bytes as they are. */
  raw(bytes: readonly number[]): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  // On 64 bits, unless the name says 32: those set the upper 32 bits of a register to 0.
  move = (to: number, from: number): this => this.#general([0x8b], to, from);
  move32 = (to: number, from: number): this => this.#general([0x8b], to, from, 0);
  load32 = (to: number, from: Memory): this => this.#general([0x8b], to, from, 0);
  store32 = (from: number, to: Memory): this => this.#general([0x89], from, to, 0);
  load64 = (to: number, from: Memory): this => this.#general([0x8b], to, from);
  store64 = (from: number, to: Memory): this => this.#general([0x89], from, to);
  add = (to: number, value: number): this => this.#general([0x03], to, value);
  test = (value: number): this => this.#general([0x85], value, value);
  addConstant = (to: number, value: number): this => this.#withConstant(0, to, value);
  and = (to: number, value: number): this => this.#withConstant(4, to, value);
  subtract = (to: number, value: number): this => this.#withConstant(5, to, value);
  compare = (register: number, value: number): this => this.#withConstant(7, register, value);
  shiftRight = (to: number, bits: number): this => this.#general([0xc1], 5, to).raw([bits]);
  multiply = (to: number, from: number, factor: number): this => this.#general([0x69], to, from).#int32(factor);
  push = (register: number): this => this.#short(0x50, register);
  pop = (register: number): this => this.#short(0x58, register);
  jumpTo = (register: number): this => this.#general([0xff], 4, register, 0);
  constant32 = (to: number, value: number): this => this.#short(0xb8, to).#int32(value);
  /** Asks for the line at an address to be in the second-level cache. */
  prefetch = (from: Memory): this => this.#general([0x0f, 0x18], 2, from, 0);
  return = (): this => this.raw([0xc3]);
  /** Sets eax, ebx, ecx and edx to what the processor says of itself on page eax, part ecx. */
  cpuid = (): this => this.raw([0x0f, 0xa2]);
  /** Sets edx and eax to the registers that the system keeps for each thread. */
  xgetbv = (): this => this.raw([0x0f, 0x01, 0xd0]);
  /** Clears the upper halves of vectors, with which older instructions would be slow. */
  vzeroupper = (): this => this.raw([0xc5, 0xf8, 0x77]);

  constant64(to: number, value: bigint): this {
    this.raw([0x48 | to >> 3, 0xb8 | (to & 7)]);
    for (let bits = 0n; bits < 64n; bits += 8n) this.#bytes.push(Number((value >> bits) & 0xffn));
    return this;
  }

  /** The address of a label. */
  addressOf(to: number, label: Label): this {
    return this.raw([0x48 | (to >> 3) << 2, 0x8d, (to & 7) << 3 | 5]).#distance(label);
  }

  jump(condition: keyof typeof conditionCodes, label: Label): this {
    return this.raw([0x0f, conditionCodes[condition]]).#distance(label);
  }

  /**
   * A vector instruction: `register` is the result, or what is stored, `first` the first operand where there are two, and the last a
   * register, memory, or what is at a label. `mask` is the number of a mask register (with 512 bits), whose other lanes become 0 or are not
   * stored; `choice` is the byte that says which lanes, of the instructions that have one.
   */
  vector(
    instruction: VectorInstruction,
    width: Width,
    register: number,
    first: number | undefined,
    last: number | Memory | Label,
    mask = 0,
    choice?: number,
  ): this {
    this.#vector(instruction, width, register, first, last, mask);
    if (choice === undefined) return this;
    // Distances are counted from behind it.
    if (last instanceof Label) throw new RangeError("No instruction with a choice reads from a label");
    return this.raw([choice]);
  }

  #vector(
    instruction: VectorInstruction,
    width: Width,
    register: number,
    first: number | undefined,
    last: number | Memory | Label,
    mask: number,
  ): this {
    const [prefix, map, code] = vectorCodes[instruction];
    const memory = typeof last === "object";
    const base = last instanceof Label ? rbp : memory ? last.base : last;
    const vvvv = first ?? 0;
    const long = width === 512 || mask > 0 || register > 15 || vvvv > 15 || (!memory && last > 15);
    if (!long) {
      const end = (~vvvv & 15) << 3 | (width === 256 ? 4 : 0) | prefix;
      if (map === 1 && base < 8) this.#bytes.push(0xc5, inverted(register, 3) << 7 | end, code);
      else this.#bytes.push(0xc4, inverted(register, 3) << 7 | 1 << 6 | inverted(base, 3) << 5 | map, end, code);
      return this.#operand(register, last);
    }
    const extensions = inverted(register, 3) << 7 | (memory ? 1 : inverted(last, 4)) << 6 | inverted(base, 3) << 5 |
      inverted(register, 4) << 4;
    const zeroing = mask > 0 && instruction !== "vmovupsStore";
    this.#bytes.push(
      0x62,
      extensions | map,
      (~vvvv & 15) << 3 | 4 | prefix,
      (zeroing ? 0x80 : 0) | (width / 256) << 5 | inverted(vvvv, 4) << 3 | mask,
      code,
    );
    return this.#operand(register, last, offsetUnits[instruction] ?? width / 8);
  }

  /** The floats at a label. */
  loadFrom(width: 128 | 256, register: number, label: Label): this {
    const [prefix, , code] = vectorCodes.vmovups;
    const end = 15 << 3 | (width === 256 ? 4 : 0) | prefix;
    return this.raw([0xc5, inverted(register, 3) << 7 | end, code, (register & 7) << 3 | 5]).#distance(label);
  }

  /** An instruction on general registers; `wide` is 8 for 64 bits. */
  #general(codes: readonly number[], register: number, operand: number | Memory, wide = 8): this {
    const base = typeof operand === "object" ? operand.base : operand;
    const rex = wide | (register >> 3) << 2 | base >> 3;
    if (rex !== 0) this.#bytes.push(0x40 | rex);
    return this.raw(codes).#operand(register, operand);
  }

  /** An instruction whose opcode holds the register. */
  #short(code: number, register: number): this {
    if (register > 7) this.#bytes.push(0x41);
    return this.raw([code | (register & 7)]);
  }

  #withConstant(extension: number, register: number, value: number): this {
    const short = value >= -128 && value < 128;
    this.#general([short ? 0x83 : 0x81], extension, register);
    return short ? this.raw([value & 255]) : this.#int32(value);
  }

  /** The bytes that name a register and an operand. An offset of one byte counts units (of a vector, with 512 bits). */
  #operand(register: number, operand: number | Memory | Label, unit = 1): this {
    const high = (register & 7) << 3;
    if (operand instanceof Label) return this.raw([high | 5]).#distance(operand);
    if (typeof operand === "number") return this.raw([0xc0 | high | (operand & 7)]);
    const { base, offset } = operand;
    const units = offset / unit;
    // Base 5 (rbp, r13) without an offset would mean another thing.
    const none = offset === 0 && (base & 7) !== 5;
    const short = Number.isInteger(units) && units >= -128 && units < 128;
    const mode = none ? 0 : short ? 0x40 : 0x80;
    // Base 4 (rsp, r12) means that another byte follows.
    this.raw((base & 7) === 4 ? [mode | high | 4, 0x24] : [mode | high | (base & 7)]);
    return none ? this : short ? this.raw([units & 255]) : this.#int32(offset);
  }

  #int32(value: number): this {
    for (let bits = 0; bits < 32; bits += 8) this.#bytes.push((value >> bits) & 255);
    return this;
  }

  /** The distance from behind these four bytes to a label. */
  #distance(label: Label): this {
    const use = this.#bytes.length;
    this.#int32(0);
    if (label.position >= 0) this.#fill(use, label.position);
    else label.uses.push(use);
    return this;
  }

  #fill(use: number, position: number): void {
    const distance = position - (use + 4);
    for (let i = 0; i < 4; i++) this.#bytes[use + i] = (distance >> (8 * i)) & 255;
  }
}
