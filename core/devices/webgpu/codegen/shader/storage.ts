/**
 * A storage buffer as a shader declares it, and the text that loads and stores its elements.
 *
 * A buffer is declared as words, as vectors of four words, or, where several invocations write to one word, as atomics. Elements of
 * different dtypes may share one declaration, because buffers whose lives do not overlap share memory.
 *
 * @module
 */
import type { DType } from "../../../../dtype.ts";
import type { Binding, BufferId } from "../kernel_code.ts";
import { elementsPerWord, fromBits, fromWord, isPacked, maskOf, toBits, toWord, type WordType } from "./elements.ts";
import type { WgslWriter } from "./wgsl_writer.ts";

/** How a buffer is declared. */
export interface StorageSpec {
  readonly name: string;
  readonly buffer: BufferId;
  /** The WGSL type of one word, `u32` where elements of several types meet. */
  readonly word: WordType;
  readonly isAtomic: boolean;
}

/** One declared buffer. All addresses count elements. */
export class StorageBuffer {
  readonly #writer: WgslWriter;
  readonly #spec: StorageSpec;
  #isVector = false;
  #isWritten = false;
  /** Whether text that depends on `#isVector` has been printed. */
  #isUsed = false;

  constructor(writer: WgslWriter, spec: StorageSpec) {
    this.#writer = writer;
    this.#spec = spec;
  }

  /** What the shader calls it. */
  get name(): string {
    return this.#spec.name;
  }

  /** How a dispatch binds it. */
  get binding(): Binding {
    return { buffer: this.#spec.buffer, access: this.#isWritten || this.#spec.isAtomic ? "read_write" : "read" };
  }

  /** Its declaration as binding number `index`. */
  declaration(index: number): string {
    const { name, word, isAtomic } = this.#spec;
    const element = isAtomic ? "atomic<u32>" : this.#isVector ? `vec4<${word}>` : word;
    return `@group(0) @binding(${index}) var<storage, ${this.binding.access}> ${name}: array<${element}>;`;
  }

  /** Whether it is declared as vectors, or still may be. */
  get canBeVector(): boolean {
    return this.#isVector || !this.#isUsed;
  }

  /** Declares it as vectors of four words. */
  viewAsVectors(): void {
    if (!this.canBeVector) throw new Error(`${this.#spec.name} is viewed as vectors after it was used`);
    this.#isVector = true;
  }

  /** The element at an address. */
  load(dtype: DType, address: string): string {
    if (!isPacked(dtype)) return fromWord(dtype, this.#spec.word, this.#wordAt(address));
    const { word, shift } = locate(dtype, address);
    return fromBits(this.#writer, dtype, `(${this.#wordAt(word)} >> ${shift})`);
  }

  /** Four neighbouring elements from an address that is a multiple of four: a vector of words, or the words that they share. */
  loadVector(dtype: DType, address: string): string {
    const shared = elementsPerWord(dtype);
    if (shared === 1) return `${this.#spec.name}[(${address}) >> 2u]`;
    const words = sharedWords(shared, address).map((at) => this.#wordAt(at));
    return words.length === 1 ? words[0] : `vec${words.length}<u32>(${words.join(", ")})`;
  }

  /** A component of what `loadVector` gave, as a value. */
  component(dtype: DType, vector: string, index: number): string {
    const shared = elementsPerWord(dtype);
    const word = shared === 4 ? vector : `${vector}.${"xyzw"[Math.floor(index / shared)]}`;
    if (shared === 1) return fromWord(dtype, this.#spec.word, word);
    return fromBits(this.#writer, dtype, `(${word} >> ${index % shared * 32 / shared}u)`);
  }

  /** Writes one element. */
  store(dtype: DType, address: string, value: string): void {
    this.#isWritten = true;
    if (isPacked(dtype)) return this.#storePacked(dtype, address, value);
    this.#writer.line(`${this.#wordAt(address)} = ${toWord(dtype, this.#spec.word, value)};`);
  }

  /** Writes four neighbouring elements at an address that is a multiple of four. */
  storeVector(dtype: DType, address: string, values: readonly string[]): void {
    this.#isWritten = true;
    const { name, word } = this.#spec;
    const shared = elementsPerWord(dtype);
    if (shared === 1) {
      const words = values.map((value) => toWord(dtype, word, value));
      return this.#writer.line(`${name}[(${address}) >> 2u] = vec4<${word}>(${words.join(", ")});`);
    }
    sharedWords(shared, address).forEach((at, k) => {
      const bits = values.slice(k * shared, (k + 1) * shared).map((value, i) => {
        return `(${toBits(this.#writer, dtype, value)} << ${i * 32 / shared}u)`;
      });
      this.#writer.line(`atomicStore(&${name}[${at}], ${bits.join(" | ")});`);
    });
  }

  /** Raises an element of a buffer of atomics to a value, if that is larger. */
  atomicMax(address: string, value: string): void {
    this.#writer.line(`atomicMax(&${this.#spec.name}[${address}], ${value});`);
  }

  /** The word at an address, as a WGSL reference or value. */
  #wordAt(address: string): string {
    this.#isUsed = true;
    const { name, isAtomic } = this.#spec;
    if (isAtomic) return `atomicLoad(&${name}[${address}])`;
    if (this.#isVector) return `${name}[(${address}) >> 2u][(${address}) & 3u]`;
    return `${name}[${address}]`;
  }

  /** Clears and sets an element; no other invocation touches the same bits, so two atomic steps on the word are enough. */
  #storePacked(dtype: DType, address: string, value: string): void {
    const { name } = this.#spec;
    const location = locate(dtype, address);
    const shift = this.#writer.define(location.shift);
    const at = this.#writer.define(location.word);
    const bits = this.#writer.define(toBits(this.#writer, dtype, value));
    this.#writer.line(`atomicAnd(&${name}[${at}], ~(${maskOf(dtype)} << ${shift}));`);
    this.#writer.line(`atomicOr(&${name}[${at}], ${bits} << ${shift});`);
  }
}

/** Where an element that shares its word is: the address of the word, and how far its bits are from the lowest. */
function locate(dtype: DType, address: string): { readonly word: string; readonly shift: string } {
  const shared = elementsPerWord(dtype);
  return {
    word: `(${address}) >> ${Math.log2(shared)}u`,
    shift: `(((${address}) & ${shared - 1}u) * ${32 / shared}u)`,
  };
}

/** The addresses of the words that hold four neighbours, `shared` in each. */
function sharedWords(shared: number, address: string): string[] {
  return Array.from({ length: 4 / shared }, (_, k) => `((${address}) >> ${Math.log2(shared)}u)${k === 0 ? "" : ` + ${k}u`}`);
}
