/**
 * Vector code as machine code: vectors of 8 floats (AVX2) or 16 (AVX-512), integers in general registers.
 *
 * A function is called with the address of its arguments, words of 32 bits, in rdi: relative to the memory, as addresses among the
 * arguments are. It keeps what System V's convention says it must.
 *
 * @module
 */
import type { Distance } from "../codegen/emit/distances.ts";
import type { VectorCode, VectorParameter, VectorPart } from "../codegen/emit/vector_code.ts";
import {
  Assembler,
  at,
  Label,
  type Memory,
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
  rsp,
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
const floatBytes = 4;

/** Machine code of a function, written against memory at an address. */
export function machineFunction(
  { lanes }: VectorSet,
  memory: bigint,
  parameters: readonly VectorParameter[],
  write: VectorPart["write"],
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
  /** Places on the stack: those that are free, and how many there are. */
  readonly #freePlaces: number[] = [];
  #places = 0;
  /** Where vectors of constants are, behind the code. */
  readonly #constants = new Map<number, Label>();
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

  bringNear(address: number, offset: number): void {
    this.#body.prefetch(at(address, offset));
  }

  multiplyAdd(x: number, y: number, sum: number): void {
    this.#body.vector("vfmadd231ps", this.#width, sum, x, y);
  }

  setSum(to: number, x: number, y: number): void {
    this.#body.vector("vaddps", this.#width, to, x, y);
  }

  setDifference(to: number, x: number, y: number): void {
    this.#body.vector("vsubps", this.#width, to, x, y);
  }

  setScaled(to: number, factor: number, x: number): void {
    this.#body.vector("vmulps", this.#width, to, x, this.#constant(factor));
  }

  setScaledSum(to: number, factor: number, x: number, y: number): void {
    if (to !== y) this.#body.vector("vmovups", this.#width, to, undefined, y);
    this.#body.vector("vfmadd231ps", this.#width, to, x, this.#constant(factor));
  }

  /** Where all lanes of a vector are a number. */
  #constant(value: number): Label {
    let label = this.#constants.get(value);
    if (!label) this.#constants.set(value, label = new Label());
    return label;
  }

  places(count: number): number[] {
    return Array.from({ length: count }, () => this.#freePlaces.pop() ?? this.#places++);
  }

  releasePlaces(...places: readonly number[]): void {
    this.#freePlaces.push(...places);
  }

  keep(place: number, vector: number): void {
    this.#body.vector("vmovupsStore", this.#width, vector, undefined, this.#placeAt(place));
  }

  recall(vector: number, place: number): void {
    this.#body.vector("vmovups", this.#width, vector, undefined, this.#placeAt(place));
  }

  #placeAt(place: number): Memory {
    return at(rsp, place * this.lanes * floatBytes);
  }

  storeAcross(
    vectors: readonly number[],
    address: number,
    offset: number,
    distance: Distance,
    count = vectors.length,
  ): void {
    if (!("bytes" in distance)) throw new RangeError("Vectors are stored across constant distances only");
    const of4 = vectors.length === 4;
    const lines = of4 ? this.#transposed(vectors) : this.#interleaved(vectors);
    const [part] = this.vectors(1);
    for (let group = 0; group < this.lanes / 4; group++) {
      lines.forEach((line, i) => {
        // Of four lanes the line has one, or, in pairs, two.
        const lane = 4 * group + (of4 ? i : 2 * i);
        const to = at(address, offset + lane * distance.bytes);
        if (group > 0 && of4 && count === 4) {
          return void this.#body.vector("vextractStore", this.#width, line, undefined, to, 0, group);
        }
        if (group > 0) this.#body.vector("vextractStore", this.#width, line, undefined, part, 0, group);
        const from = group > 0 ? part : line;
        if (of4) this.#storeFirst(from, to, count);
        else this.#storePairs(from, to, at(address, offset + (lane + 1) * distance.bytes), count);
      });
    }
    this.releaseVectors(part);
  }

  /** Stores the first one to four floats. */
  #storeFirst(from: number, to: Memory, count: number): void {
    if (count === 4) this.#body.vector("vmovupsStore", 128, from, undefined, to);
    else if (count === 1) this.#body.vector("vmovssStore", 128, from, undefined, to);
    else this.#body.vector("vmovlpsStore", 128, from, undefined, to);
    if (count === 3) this.#body.vector("vextractpsStore", 128, from, undefined, at(to.base, to.offset + 8), 0, 2);
  }

  /** Stores the first one or two floats of each half. */
  #storePairs(from: number, low: Memory, high: Memory, count: number): void {
    this.#storeFirst(from, low, count);
    if (count === 2) this.#body.vector("vmovhpsStore", 128, from, undefined, high);
    else this.#body.vector("vextractpsStore", 128, from, undefined, high, 0, 2);
  }

  /** Transposes four vectors within each four lanes, in place: gives those of the lanes in order. */
  #transposed([a, b, c, d]: readonly number[]): number[] {
    const [high] = this.vectors(1);
    const set = (instruction: VectorInstruction, to: number, x: number, y: number, choice?: number) =>
      this.#body.vector(instruction, this.#width, to, x, y, 0, choice);
    set("vunpckhps", high, a, b);
    set("vunpcklps", a, a, b);
    set("vunpckhps", b, c, d);
    set("vunpcklps", c, c, d);
    // The first two of either, and the last two.
    set("vshufps", d, a, c, 0xee);
    set("vshufps", a, a, c, 0x44);
    set("vshufps", c, high, b, 0x44);
    set("vshufps", b, high, b, 0xee);
    this.releaseVectors(high);
    return [a, d, c, b];
  }

  /** Two vectors of pairs, one of each, in place. */
  #interleaved([a, b]: readonly number[]): number[] {
    const [high] = this.vectors(1);
    this.#body.vector("vunpckhps", this.#width, high, a, b);
    this.#body.vector("vunpcklps", this.#width, a, a, b);
    this.#body.vector("vmovups", this.#width, b, undefined, high);
    this.releaseVectors(high);
    return [a, b];
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

  setDistance(to: number, distance: Distance): void {
    if ("bytes" in distance) this.setConstant(to, distance.bytes);
    else this.set(to, distance.integer);
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

  addInteger(integer: number, other: number): void {
    this.#body.add(integer, other);
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

  ifMore(integer: number, than: number, body: () => void): void {
    const end = new Label();
    this.#body.compare(integer, than).jump("notAbove", end);
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
    const vectorBytes = this.lanes * floatBytes;
    // Places are aligned; what the stack was is kept behind them.
    const stack = at(rsp, this.#places * vectorBytes);
    if (this.#places > 0) {
      code.move(r11, rsp).addConstant(rsp, -(this.#places + 1) * vectorBytes).and(rsp, -vectorBytes).store64(r11, stack);
    }
    this.#body.vzeroupper();
    if (this.#places > 0) this.#body.load64(rsp, stack);
    for (const register of saved.toReversed()) this.#body.pop(register);
    // What calls is bsearch, which is told that it has found what it looks for.
    this.#body.constant32(rax, 0).return();
    if (this.#constants.size > 0) this.#body.align(functionAlignment);
    for (const [value, label] of this.#constants) {
      const bytes = [...new Uint8Array(Float32Array.of(value).buffer)];
      this.#body.here(label);
      for (let lane = 0; lane < this.lanes; lane++) this.#body.raw(bytes);
    }
    code.align(this.#constants.size > 0 ? functionAlignment : loopAlignment).raw(this.#body.bytes);
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
