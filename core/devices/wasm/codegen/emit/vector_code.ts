/**
 * The language of the innermost loops, tiles of sums in registers: loads, broadcasts, multiply-adds, stores, and loops around them. What is
 * written in it becomes WebAssembly, with vectors of 4 floats, or machine code, with 8 or 16 (`native/vector_writer.ts`).
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { type AddressCode, Cursor } from "./cursor.ts";
import type { Distance } from "./distances.ts";
import { storeLanes, transpose4, vectorLanes } from "./vectors.ts";

/** What a parameter of such a function is: an address in the memory, or an integer that is not negative. */
export type VectorParameter = "address" | "count";

/** What moves lanes of vectors of four. */
export interface LaneExchanges {
  /** Sets both pairs of lanes to two floats. */
  loadPair(vector: number, address: number, offset: number): void;
  /** Lanes change places with those so far from them: 1 within pairs, 2 the pairs. */
  within(vector: number, distance: 1 | 2): void;
  /** Those lanes of x whose number has the bit `distance` change places with the same lanes of y; a third vector's value is lost. */
  between(x: number, y: number, distance: 1 | 2, spare: number): void;
}

/**
 * Writes functions that move nothing but vectors of f32. Vectors and integers go by number: local variables, or registers. Distances are
 * in bytes.
 */
export interface VectorCode extends AddressCode {
  /** Floats of a vector. */
  readonly lanes: number;
  /** New vectors. */
  vectors(count: number): number[];
  /** New integers. */
  integers(count: number): number[];
  /** Lets later vectors, or integers, take the place of these. */
  releaseVectors(...vectors: readonly number[]): void;
  releaseIntegers(...integers: readonly number[]): void;
  /** Sets a vector to zeros. */
  clear(vector: number): void;
  /** Sets a vector to floats of which the first `lanes` are of use; the others may be anything, but are not taken for subnormal. */
  load(vector: number, address: number, offset: number, lanes?: number): void;
  /** Sets all lanes to one float. */
  broadcast(vector: number, address: number, offset: number): void;
  /** Sets all lanes to one of another vector: there if it saves more than it takes, since the bounds of each load are checked. */
  readonly spread?: (to: number, from: number, lane: number) => void;
  /** There as `spread` is. */
  readonly exchanges?: LaneExchanges;
  /** Asks for the line of the cache at an address, which will be read soon: there if there is an instruction for it. */
  readonly bringNear?: (address: number, offset: number) => void;
  /** sum += x y, rounded once (in WebAssembly: if the processor can). */
  multiplyAdd(x: number, y: number, sum: number): void;
  /** to = x + y, x - y, and factor x; any of the vectors may be the same. */
  setSum(to: number, x: number, y: number): void;
  setDifference(to: number, x: number, y: number): void;
  setScaled(to: number, factor: number, x: number): void;
  /** to = factor x + y, rounded like `multiplyAdd`; `to` may be y, not x. */
  setScaledSum(to: number, factor: number, x: number, y: number): void;
  /** Places for vectors that are not at hand: there may be more of them than of vectors. */
  places(count: number): number[];
  releasePlaces(...places: readonly number[]): void;
  keep(place: number, vector: number): void;
  recall(vector: number, place: number): void;
  /** Stores the first `lanes` floats; nothing beyond them is touched. */
  store(vector: number, address: number, offset: number, lanes?: number): void;
  /**
   * Stores, for each lane, that of each of two or four vectors side by side, or of the first `count` of them; `distance` is from a lane to
   * the next. The vectors' values are lost.
   */
  storeAcross(vectors: readonly number[], address: number, offset: number, distance: Distance, count?: number): void;
  setConstant(to: number, value: number): void;
  setDistance(to: number, distance: Distance): void;
  /** Sets an integer to another, to its quotient by a power of two, or to the remainder. */
  set(to: number, from: number): void;
  setQuotient(to: number, from: number, power: number): void;
  setRemainder(to: number, from: number, power: number): void;
  add(integer: number, value: number): void;
  /** Adds another integer. */
  addInteger(integer: number, other: number): void;
  /** Adds `scale` times another. */
  addScaled(integer: number, other: number, scale: number): void;
  /** Repeats the body as often as `counter` says, which ends at 0. */
  repeat(counter: number, body: () => void): void;
  /** The body if an integer is not 0. */
  unless0(integer: number, body: () => void): void;
  /** The body if it is more than a constant. */
  ifMore(integer: number, than: number, body: () => void): void;
  /** A part, with integers that keep their values. */
  call(part: VectorPart, parameters: readonly number[]): void;
}

/** What writes code for parameters, which it may change, and distances, which it may not. */
export type WriteVectors = (code: VectorCode, parameters: readonly number[], distances: readonly Distance[]) => void;

/** A piece of code that functions have in common. */
export interface VectorPart {
  /** Writes it where it is called. */
  readonly write: (code: VectorCode, parameters: readonly number[]) => void;
  /** The function that it is, if it is one, and its last parameters. */
  readonly func?: { readonly index: number; readonly distances: readonly number[] };
}

/** The parameters of a function, and its name: see `FunctionSpec`. */
export interface VectorFunction {
  readonly name?: string;
  readonly params: readonly VectorParameter[];
  /**
   * Distances in bytes that the name does not say: in WebAssembly parameters, so that what differs in these only is written, compiled and
   * optimized once; in machine code, which takes no time to compile, constants. Default none.
   */
  readonly distances?: readonly number[];
}

/** Writes functions of such code. */
export interface VectorWriter {
  /** Writes a function that returns nothing; gives its index in the module. */
  func(spec: VectorFunction, write: WriteVectors): number;
  /** A part for `VectorCode.call`: in WebAssembly a function of its own, which is optimized before what calls it. */
  part(spec: VectorFunction, write: WriteVectors): VectorPart;
}

/** What writes code whose distances are constants. */
export function withConstants(distances: readonly number[], write: WriteVectors): VectorPart["write"] {
  const constants = distances.map((bytes) => ({ bytes }));
  return (code, parameters) => write(code, parameters, constants);
}

/** Writes WebAssembly; see `WasmVectorCode` for registers of two vectors. */
export function wasmVectorWriter(module: WasmModule, perRegister: 1 | 2 = 1): VectorWriter {
  const define = (name: string | undefined, count: number, write: (code: VectorCode, parameters: readonly number[]) => void) =>
    module.func(
      { name: name && `${name}, ${perRegister} per register`, params: Array<"i32">(count).fill("i32") },
      (c) => write(new WasmVectorCode(c, perRegister), Array.from({ length: count }, (_, i) => i)),
    );
  const part: VectorWriter["part"] = ({ name, params, distances = [] }, write) => {
    const count = params.length;
    const index = define(
      name,
      count + distances.length,
      (code, all) => write(code, all.slice(0, count), all.slice(count).map((integer) => ({ integer }))),
    );
    return { write: withConstants(distances, write), func: { index, distances } };
  };
  return {
    part,
    func: (spec, write) => {
      const { name, params, distances = [] } = spec;
      const called = part(spec, write);
      if (distances.length === 0) return called.func!.index;
      return define(name && `${name} ${distances}`, params.length, (code, parameters) => code.call(called, parameters));
    },
  };
}

/**
 * Vector code in WebAssembly. V8 checks the bounds of each load that has an offset of its own, but compares sums with one limit: with
 * offsets added to the address the check of a load takes an instruction less. Not where the engine is to hold two vectors in a register:
 * it merges loads by their offsets.
 */
export class WasmVectorCode implements VectorCode {
  readonly lanes = vectorLanes;
  readonly spread: VectorCode["spread"];
  readonly exchanges: VectorCode["exchanges"];
  readonly #c: FunctionWriter;
  readonly #adds: boolean;

  constructor(c: FunctionWriter, perRegister: 1 | 2 = 1) {
    this.#c = c;
    this.#adds = perRegister === 1;
    if (!this.#adds) return;
    this.spread = (to, from, lane) => void c.get(from).get(from).shuffle32([lane, lane, lane, lane]).set(to);
    this.exchanges = {
      loadPair: (vector, address, offset) => void this.#read("v128.load64_splat", address, offset).set(vector),
      within: (vector, distance) =>
        void c.get(vector).get(vector).shuffle32(distance === 1 ? [1, 0, 3, 2] : [2, 3, 0, 1]).set(vector),
      between: (x, y, distance, spare) => {
        const lanes = distance === 1 ? [0, 5, 2, 7] as const : [0, 1, 6, 7] as const;
        c.get(x).get(y).shuffle32(lanes).set(spare);
        c.get(y).get(x).shuffle32(lanes).set(y).get(spare).set(x);
      },
    };
  }

  vectors(count: number): number[] {
    return this.#c.locals("v128", count);
  }

  integers(count: number): number[] {
    return this.#c.locals("i32", count);
  }

  releaseVectors(...vectors: readonly number[]): void {
    this.#c.release("v128", ...vectors);
  }

  releaseIntegers(...integers: readonly number[]): void {
    this.#c.release("i32", ...integers);
  }

  clear(vector: number): void {
    this.#c.f32x4(0).set(vector);
  }

  /** Reads a whole vector: memory goes on behind every buffer, and what is packed has zeros there. */
  load(vector: number, address: number, offset: number): void {
    this.#read("v128.load", address, offset).set(vector);
  }

  broadcast(vector: number, address: number, offset: number): void {
    this.#read("v128.load32_splat", address, offset).set(vector);
  }

  #read(instruction: "v128.load" | "v128.load32_splat" | "v128.load64_splat", address: number, offset: number): FunctionWriter {
    const c = this.#c.get(address);
    return this.#adds && offset !== 0 ? c.i32(offset).op("i32.add").mem(instruction) : c.mem(instruction, offset);
  }

  multiplyAdd(x: number, y: number, sum: number): void {
    this.#c.get(x).get(y).get(sum).op("f32x4.relaxed_madd").set(sum);
  }

  setSum(to: number, x: number, y: number): void {
    this.#c.get(x).get(y).op("f32x4.add").set(to);
  }

  setDifference(to: number, x: number, y: number): void {
    this.#c.get(x).get(y).op("f32x4.sub").set(to);
  }

  setScaled(to: number, factor: number, x: number): void {
    this.#c.heldF32x4(factor).get(x).op("f32x4.mul").set(to);
  }

  setScaledSum(to: number, factor: number, x: number, y: number): void {
    this.#c.heldF32x4(factor).get(x).get(y).op("f32x4.relaxed_madd").set(to);
  }

  places(count: number): number[] {
    return this.vectors(count);
  }

  releasePlaces(...places: readonly number[]): void {
    this.releaseVectors(...places);
  }

  keep(place: number, vector: number): void {
    this.#c.get(vector).set(place);
  }

  recall(vector: number, place: number): void {
    this.#c.get(place).set(vector);
  }

  store(vector: number, address: number, offset: number, lanes = vectorLanes): void {
    storeLanes(this.#c, address, vector, lanes, offset);
  }

  storeAcross(
    vectors: readonly number[],
    address: number,
    offset: number,
    distance: Distance,
    count = vectors.length,
  ): void {
    const c = this.#c;
    const to = new Cursor(this, address, { offset });
    const eachLane = (store: (lane: number) => void) => {
      for (let lane = 0; lane < vectorLanes; lane++) {
        if (lane > 0) to.move(distance);
        store(lane);
      }
    };
    if (vectors.length === vectorLanes) {
      transpose4(c, vectors);
      eachLane((lane) => this.store(vectors[lane], to.address, to.offset, count));
    } else {
      const [first, second] = vectors;
      c.withLocals("v128", 1, (pair) =>
        eachLane((lane) => {
          // What a lane has of both, and what the next one has.
          if (lane % 2 === 0) c.get(first).get(second).shuffle32([lane, lane + 4, lane + 1, lane + 5]).set(pair);
          c.get(to.address).get(pair);
          if (count === 1) c.memLane("v128.store32_lane", lane % 2 * 2, to.offset);
          else c.memLane("v128.store64_lane", lane % 2, to.offset);
        }));
    }
    to.release();
  }

  setConstant(to: number, value: number): void {
    this.#c.i32(value).set(to);
  }

  setDistance(to: number, distance: Distance): void {
    if ("bytes" in distance) this.setConstant(to, distance.bytes);
    else this.set(to, distance.integer);
  }

  set(to: number, from: number): void {
    this.#c.get(from).set(to);
  }

  setQuotient(to: number, from: number, power: number): void {
    this.#c.get(from).i32(Math.log2(power)).op("i32.shr_u").set(to);
  }

  setRemainder(to: number, from: number, power: number): void {
    this.#c.get(from).i32(power - 1).op("i32.and").set(to);
  }

  add(integer: number, value: number): void {
    this.#c.increment(integer, value);
  }

  addInteger(integer: number, other: number): void {
    this.#c.get(integer).get(other).op("i32.add").set(integer);
  }

  addScaled(integer: number, other: number, scale: number): void {
    this.#c.get(integer).get(other).i32(scale).op("i32.mul").op("i32.add").set(integer);
  }

  repeat(counter: number, body: () => void): void {
    const c = this.#c;
    c.get(counter).if(() =>
      c.loop(() => {
        body();
        c.increment(counter, -1).get(counter).brIf(0);
      })
    );
  }

  unless0(integer: number, body: () => void): void {
    this.#c.get(integer).if(body);
  }

  ifMore(integer: number, than: number, body: () => void): void {
    this.#c.get(integer).i32(than).op("i32.gt_u").if(body);
  }

  call({ func }: VectorPart, parameters: readonly number[]): void {
    for (const each of parameters) this.#c.get(each);
    for (const distance of func!.distances) this.#c.i32(distance);
    this.#c.call(func!.index);
  }
}
