/**
 * Vector code as machine code: vectors of 8 floats (AVX2) or 16 (AVX-512), integers in general registers.
 *
 * A function is called with the address of its arguments, words of 32 bits, in rdi: relative to the memory, as addresses among the
 * arguments are. It keeps what System V's convention says it must.
 *
 * @module
 */
import type { VectorCode, VectorParameter, VectorPart, WriteVectors } from "../codegen/emit/vector_code.ts";
import {
  Assembler,
  at,
  Label,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  r8,
  r9,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
  type VectorInstruction,
} from "./assembler.ts";

/** Vectors that tiles are written for. */
export interface VectorSet {
  readonly name: "AVX2" | "AVX-512";
  /** Floats of a vector. */
  readonly lanes: 8 | 16;
}

export const avx2: VectorSet = { name: "AVX2", lanes: 8 };
export const avx512: VectorSet = { name: "AVX-512", lanes: 16 };

/** Registers that a function may change, those of parameters first, and those whose values it must give back. */
const free: readonly number[] = [rax, rcx, rdx, rsi, r8, r9, r10, r11, rdi];
const kept: readonly number[] = [rbx, rbp, r12, r13, r14, r15];

/** As many as leave registers for the address of the memory and for that of the arguments while they are loaded. */
const maxParameters = 7;

/** Innermost loops begin where the processor fetches. */
const loopAlignment = 32;

/** Functions lie one behind the other. */
export const functionAlignment = 64;

const wordBytes = 4;

/** Machine code of a function, written against memory at an address. */
export function machineFunction(
  { lanes }: VectorSet,
  memory: bigint,
  parameters: readonly VectorParameter[],
  write: WriteVectors,
): readonly number[] {
  const writer = new VectorWriter(lanes);
  const registers = writer.integers(parameters.length);
  write(writer, registers);
  return writer.finish(memory, parameters, registers);
}

class VectorWriter implements VectorCode {
  readonly lanes: 8 | 16;
  readonly #width: 256 | 512;
  /** What comes behind the arguments are loaded. */
  readonly #body = new Assembler();
  readonly #freeVectors: number[];
  readonly #freeIntegers = [...free, ...kept].reverse();
  readonly #changed = new Set<number>();
  /** The lanes of the vectors that are not whole, and where the mask of these is. */
  #partial: { readonly lanes: number; readonly mask: number } | undefined;

  constructor(lanes: 8 | 16) {
    this.lanes = lanes;
    this.#width = lanes === 16 ? 512 : 256;
    this.#freeVectors = [...Array(lanes === 16 ? 32 : 16).keys()].reverse();
  }

  vectors(count: number): number[] {
    return Array.from({ length: count }, () => take(this.#freeVectors, "vector"));
  }

  integers(count: number): number[] {
    const taken = Array.from({ length: count }, () => take(this.#freeIntegers, "general"));
    for (const register of taken) this.#changed.add(register);
    return taken;
  }

  releaseVectors(...vectors: readonly number[]): void {
    this.#freeVectors.push(...vectors);
  }

  releaseIntegers(...integers: readonly number[]): void {
    this.#freeIntegers.push(...integers);
  }

  clear(vector: number): void {
    if (vector > 15) this.#body.vector("vpxord", 512, vector, vector, vector);
    else this.#body.vector("vxorps", 128, vector, vector, vector);
  }

  load(vector: number, address: number, offset: number, lanes: number = this.lanes): void {
    this.#move("vmovups", "vmaskmovps", vector, address, offset, lanes);
  }

  broadcast(vector: number, address: number, offset: number): void {
    this.#body.vector("vbroadcastss", this.#width, vector, undefined, at(address, offset));
  }

  multiplyAdd(x: number, y: number, sum: number): void {
    this.#body.vector("vfmadd231ps", this.#width, sum, x, y);
  }

  store(vector: number, address: number, offset: number, lanes: number = this.lanes): void {
    this.#move("vmovupsStore", "vmaskmovpsStore", vector, address, offset, lanes);
  }

  /** Moves a vector, or those of its lanes that there are: what lies behind them is neither read nor written. */
  #move(
    whole: VectorInstruction,
    masked: VectorInstruction,
    vector: number,
    address: number,
    offset: number,
    lanes: number,
  ): void {
    const memory = at(address, offset);
    if (lanes >= this.lanes) return void this.#body.vector(whole, this.#width, vector, undefined, memory);
    const mask = this.#maskOf(lanes);
    if (this.#width === 512) this.#body.vector(whole, 512, vector, undefined, memory, mask);
    else this.#body.vector(masked, 256, vector, mask, memory);
  }

  /** The register of the mask of so many lanes: all vectors of a function that are not whole have as many. */
  #maskOf(lanes: number): number {
    this.#partial ??= { lanes, mask: this.#width === 512 ? 1 : take(this.#freeVectors, "vector") };
    if (this.#partial.lanes !== lanes) throw new RangeError(`Vectors of ${lanes} and of ${this.#partial.lanes} lanes`);
    return this.#partial.mask;
  }

  setConstant(to: number, value: number): void {
    this.#body.constant32(to, value);
  }

  set(to: number, from: number): void {
    this.#body.move(to, from);
  }

  setQuotient(to: number, from: number, power: number): void {
    this.#body.move(to, from).shiftRight(to, Math.log2(power));
  }

  setRemainder(to: number, from: number, power: number): void {
    this.#body.move(to, from).and(to, power - 1);
  }

  add(integer: number, value: number): void {
    this.#body.addConstant(integer, value);
  }

  addScaled(integer: number, other: number, scale: number): void {
    const [product] = this.integers(1);
    this.#body.multiply(product, other, scale).add(integer, product);
    this.releaseIntegers(product);
  }

  repeat(counter: number, body: () => void): void {
    this.unless0(counter, () => {
      const again = new Label();
      this.#body.align(loopAlignment).here(again);
      body();
      this.#body.subtract(counter, 1).jump("notZero", again);
    });
  }

  unless0(integer: number, body: () => void): void {
    const end = new Label();
    this.#body.test(integer).jump("zero", end);
    body();
    this.#body.here(end);
  }

  call({ write }: VectorPart, parameters: readonly number[]): void {
    const copies = this.integers(parameters.length);
    parameters.forEach((from, i) => this.set(copies[i], from));
    write(this, copies);
    this.releaseIntegers(...copies);
  }

  /** The whole function: the registers that it keeps, the arguments, the mask, the body. */
  finish(memory: bigint, parameters: readonly VectorParameter[], registers: readonly number[]): readonly number[] {
    if (parameters.length > maxParameters) throw new RangeError(`${parameters.length} parameters: at most ${maxParameters}`);
    const code = new Assembler();
    const saved = kept.filter((register) => this.#changed.has(register));
    for (const register of saved) code.push(register);
    code.constant64(r11, memory).add(rdi, r11);
    parameters.forEach((kind, i) => {
      code.load32(registers[i], at(rdi, wordBytes * i));
      if (kind === "address") code.add(registers[i], r11);
    });
    const table = new Label();
    if (this.#partial) {
      const { lanes, mask } = this.#partial;
      if (this.#width === 512) code.constant32(r11, 2 ** lanes - 1).vector("kmovw", 128, mask, undefined, r11);
      else code.loadFrom(256, mask, table);
    }
    code.align(loopAlignment).raw(this.#body.bytes).vzeroupper();
    for (const register of saved.toReversed()) code.pop(register);
    // What calls is bsearch, which is told that it has found what it looks for.
    code.constant32(rax, 0).return();
    if (this.#partial && this.#width === 256) {
      code.align(32).here(table);
      for (let lane = 0; lane < this.lanes; lane++) code.raw(Array(wordBytes).fill(lane < this.#partial.lanes ? 0xff : 0));
    }
    return code.align(functionAlignment).bytes;
  }
}

function take(registers: number[], kind: string): number {
  const register = registers.pop();
  if (register === undefined) throw new RangeError(`No ${kind} register is left`);
  return register;
}
