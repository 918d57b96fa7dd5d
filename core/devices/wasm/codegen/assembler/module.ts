/**
 * WebAssembly modules as bytes: types, imports, functions and exports.
 *
 * ```ts
 * import { WasmModule } from "./module.ts";
 *
 * const m = new WasmModule();
 * m.func({ params: ["i32"], results: ["i32"], export: "twice" }, (c) => c.get(0).i32(2).op("i32.mul"));
 * new WebAssembly.Module(m.finish());
 * ```
 *
 * @module
 */
import { hashOf } from "../../../../hash.ts";
import { ByteList, encode, name, unsigned } from "./encoding.ts";
import { type FunctionBody, FunctionWriter } from "./function_writer.ts";
import { type ValueType, valueTypeCodes } from "./instructions.ts";

/** A function's type and, if others shall call it, its export name. */
export interface FunctionSpec {
  /** Says all that its code depends on, beside its type: of functions of one name only the first is written. */
  readonly name?: string;
  readonly params: readonly ValueType[];
  readonly results?: readonly ValueType[];
  readonly export?: string;
}

type Bytes = ArrayLike<number>;

interface DefinedFunction {
  readonly type: number;
  readonly body: FunctionBody;
  readonly export?: string;
}

/** A module as it is written: imports first, then functions. */
export class WasmModule {
  readonly #types: string[] = [];
  readonly #typeBytes: number[][] = [];
  readonly #imports: number[][] = [];
  readonly #functions: DefinedFunction[] = [];
  /** Functions by a hash of their bodies: of thousands that differ in a number only, all have the same length. */
  readonly #byHash = new Map<number, number[]>();
  readonly #byName = new Map<string, number>();
  readonly #checksNames: boolean;
  /** Lists of bytes that no function is being written to. */
  readonly #spare: ByteList[] = [];
  #importedFunctions = 0;

  /** @param options.checkNames Writes functions of a name that is known, too, and throws if they differ. Default false. */
  constructor({ checkNames = false }: { readonly checkNames?: boolean } = {}) {
    this.#checksNames = checkNames;
  }

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

  /**
   * Defines a function; parameters are locals 0, 1, ... Gives its index: that of an equal function if there is one, which the engine then
   * compiles and optimizes once.
   */
  func(spec: FunctionSpec, write: (code: FunctionWriter) => void): number {
    if (spec.name === undefined) return this.#define(spec, write);
    const name = `${spec.name} (${spec.params}): ${spec.results ?? ""}`;
    const known = this.#byName.get(name);
    if (known !== undefined && !this.#checksNames) return known;
    const index = this.#define(spec, write);
    if (known !== undefined && known !== index) throw new Error(`Two functions have one name: ${spec.name}`);
    this.#byName.set(name, index);
    return index;
  }

  #define(spec: FunctionSpec, write: (code: FunctionWriter) => void): number {
    const bytes = this.#spare.pop() ?? new ByteList();
    const writer = new FunctionWriter(spec.params.length, bytes);
    write(writer);
    const func = { type: this.#type(spec), body: writer.finish(), export: spec.export };
    bytes.clear();
    this.#spare.push(bytes);
    const hash = hashOf(func.body.entry);
    const alike = this.#byHash.get(hash) ?? [];
    const known = func.export === undefined ? alike.find((index) => isSame(this.#functions[index], func)) : undefined;
    if (known !== undefined) return this.#importedFunctions + known;
    const index = this.#functions.push(func) - 1;
    alike.push(index);
    this.#byHash.set(hash, alike);
    return this.#importedFunctions + index;
  }

  #type(spec: FunctionSpec): number {
    const key = `${spec.params.join()}:${spec.results?.join() ?? ""}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const bytes = [0x60];
    unsigned(bytes, spec.params.length);
    for (const type of spec.params) bytes.push(valueTypeCodes[type]);
    unsigned(bytes, spec.results?.length ?? 0);
    for (const type of spec.results ?? []) bytes.push(valueTypeCodes[type]);
    this.#typeBytes.push(bytes);
    return this.#types.push(key) - 1;
  }

  /** The bytes of the module. */
  finish(): Uint8Array<ArrayBuffer> {
    const parts: Bytes[] = [[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]];
    /** A section of entries; a custom one has a name. */
    const section = (id: number, entries: readonly Bytes[], custom?: string) => {
      if (entries.length === 0) return;
      const counted = encode((bytes) => {
        if (custom !== undefined) name(bytes, custom);
        unsigned(bytes, entries.length);
      });
      const head = [id];
      unsigned(head, counted.length + totalLength(entries));
      parts.push(head, counted, ...entries);
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
    const hints = this.#functions.flatMap(({ body: { rare } }, i) =>
      rare.length > 0 ? [branchHints(this.#importedFunctions + i, rare)] : []
    );
    section(0, hints, "metadata.code.branch_hint");
    section(10, this.#functions.map(({ body }) => body.entry));
    const out = new Uint8Array(totalLength(parts));
    let end = 0;
    for (const part of parts) {
      out.set(part, end);
      end += part.length;
    }
    return out;
  }
}

/** Says that some branches of a function are seldom taken. */
function branchHints(func: number, rare: readonly number[]): number[] {
  return encode((bytes) => {
    unsigned(bytes, func);
    unsigned(bytes, rare.length);
    for (const at of rare) {
      unsigned(bytes, at);
      bytes.push(1, 0);
    }
  });
}

/** Whether functions are the same. */
function isSame(a: DefinedFunction, b: DefinedFunction): boolean {
  const [one, other] = [a.body.entry, b.body.entry];
  if (a.type !== b.type || one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

function totalLength(parts: readonly Bytes[]): number {
  return parts.reduce((length, part) => length + part.length, 0);
}
