/**
 * One shader under construction: its bindings, its helper functions and its body, and the dispatch it becomes.
 *
 * Generators ask for loads and stores by program buffer; the shader decides how a buffer is declared (`read` or `read_write`, as
 * scalars, vectors of four or atomics) and prints element access accordingly. All addresses are `u32` and wrap, so that negative
 * strides need no signed arithmetic.
 *
 * @module
 */
import type { DType } from "../../../../dtype.ts";
import { readsOf, writesOf } from "../../../../ir/kernel.ts";
import type { Program } from "../../../../ir/program.ts";
import type { BufferId, Dispatch, KernelContext } from "../kernel_code.ts";
import { elementsPerWord, fromBits, fromWord, isPacked, maskOf, toBits, toWord, type WordType, wordTypeOf } from "./elements.ts";
import { type HelperName, helperSources } from "./helpers.ts";

/** A buffer's declaration while the shader is being written. */
interface Declaration {
  readonly name: string;
  readonly buffer: BufferId;
  /** The WGSL type of one word, `u32` when several dtypes meet in one slot. */
  readonly word: WordType;
  readonly atomic: boolean;
  vector: boolean;
  written: boolean;
  /** Whether text that depends on `vector` has been printed. */
  used: boolean;
}

/** What physically holds a program buffer: buffers that share it must share a binding. */
export function locationKey(program: Program, buffer: number): string {
  const location = program.buffers[buffer].location;
  return location.kind === "slot" ? `slot${location.slot}` : `${location.kind}${location.index}`;
}

/** A literal address or stride, reduced to the 32 bits that wrapping arithmetic needs. */
export function u32(value: number): string {
  return `${value >>> 0}u`;
}

/** Where the element of a packed buffer lies: the address of its word, and its bits' distance from the lowest. */
function placeInWord(dtype: DType, address: string): { readonly word: string; readonly shift: string } {
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

/** One compute shader being written line by line. */
export class Shader {
  private readonly lines: string[] = [];
  private readonly globals: string[] = [];
  private readonly helpers = new Set<HelperName>();
  private readonly functions = new Set<string>();
  private readonly declarations = new Map<string, Declaration>();
  private names = 0;
  private depth = 1;

  constructor(
    readonly context: KernelContext,
    readonly label: string,
    readonly workgroupSize: readonly [number, number, number],
    private readonly scratchType: WordType = "f32",
    private readonly scratchAtomic = false,
  ) {}

  /** Adds a line to the body; braces at its ends set the indentation. */
  line(text: string): void {
    if (text.startsWith("}")) this.depth--;
    this.lines.push("  ".repeat(this.depth) + text);
    if (text.endsWith("{")) this.depth++;
  }

  /** Runs `body` inside an `if` on all the conditions there are; as it is if there are none. */
  when(conditions: readonly (string | undefined)[], body: () => void): void {
    const all = conditions.filter((condition) => condition !== undefined);
    if (all.length > 0) this.line(`if (${all.join(" && ")}) {`);
    body();
    if (all.length > 0) this.line("}");
  }

  /** Runs `body` inside a loop whose counter goes from `from` by `step` while it is below `to`; it gets the counter's name. */
  loop(from: string, to: string, step: number, body: (at: string) => void): void {
    const at = this.fresh("t");
    this.line(`for (var ${at} = ${from}; ${at} < ${to}; ${at} += ${step}u) {`);
    body(at);
    this.line("}");
  }

  /** Adds a declaration outside the body: workgroup memory, a function. */
  global(text: string): void {
    this.globals.push(text);
  }

  /** A name not used before. */
  fresh(prefix: string): string {
    return `${prefix}_${this.names++}`;
  }

  /** Names a value: `let v3 = text;`. Names and literals are passed through. */
  define(text: string, prefix = "v"): string {
    if (/^\w+$/.test(text)) return text;
    const name = this.fresh(prefix);
    this.line(`let ${name} = ${text};`);
    return name;
  }

  /** Makes a helper function available and returns its name. */
  helper(name: HelperName): string {
    if (!this.helpers.has(name)) {
      this.helpers.add(name);
      for (const needed of helperSources[name].needs ?? []) this.helper(needed);
    }
    return name;
  }

  /** Calls `write` the first time it is asked for this name, so that a function is added once. */
  once(name: string, write: () => void): void {
    if (this.functions.has(name)) return;
    this.functions.add(name);
    write();
  }

  /**
   * Runs `write` with the body turned to a function's; its lines become that function.
   *
   * @param signature The text between `fn` and `{`.
   */
  function(signature: string, write: () => void): void {
    const kept = this.lines.splice(0);
    const depth = this.depth;
    this.depth = 1;
    write();
    const body = this.lines.splice(0);
    this.globals.push(`fn ${signature} {\n${body.join("\n")}\n}`);
    this.lines.push(...kept);
    this.depth = depth;
  }

  /** Declares a buffer as vectors of four, so that `loadVector` and `storeVector` may be used on it; packed ones need none. */
  viewAsVectors(buffer: BufferId): void {
    if (isPacked(this.dtypeOf(buffer))) return;
    const declaration = this.declare(buffer);
    if (declaration.used && !declaration.vector) {
      throw new Error(`${this.label}: a buffer is viewed as vectors after it was used`);
    }
    declaration.vector = true;
  }

  /** Whether `viewAsVectors` may still be called (or has been). */
  canViewAsVectors(buffer: BufferId): boolean {
    const { used, vector } = this.declare(buffer);
    return vector || !used;
  }

  /** The element at an address, in the type `scalarOf` its dtype. */
  load(buffer: BufferId, address: string): string {
    const declaration = this.declare(buffer);
    const dtype = this.dtypeOf(buffer);
    if (!isPacked(dtype)) return fromWord(dtype, declaration.word, this.word(declaration, address));
    const { word, shift } = placeInWord(dtype, address);
    return fromBits(this, dtype, `(${this.word(declaration, word)} >> ${shift})`);
  }

  /** Four neighbouring elements from an address that is a multiple of four: a vector of words, or the words that they share. */
  loadVector(buffer: BufferId, address: string): string {
    const declaration = this.declare(buffer);
    const shared = elementsPerWord(this.dtypeOf(buffer));
    if (shared === 1) return `${declaration.name}[(${address}) >> 2u]`;
    const words = sharedWords(shared, address).map((at) => this.word(declaration, at));
    return words.length === 1 ? words[0] : `vec${words.length}<u32>(${words.join(", ")})`;
  }

  /** A component of what `loadVector` gave, as a value. */
  component(buffer: BufferId, vector: string, index: number): string {
    const dtype = this.dtypeOf(buffer);
    const shared = elementsPerWord(dtype);
    const word = shared === 4 ? vector : `${vector}.${"xyzw"[Math.floor(index / shared)]}`;
    if (shared === 1) return fromWord(dtype, this.declare(buffer).word, word);
    return fromBits(this, dtype, `(${word} >> ${index % shared * 32 / shared}u)`);
  }

  /** Writes one element. */
  store(buffer: BufferId, address: string, value: string): void {
    const declaration = this.declare(buffer);
    declaration.written = true;
    const dtype = this.dtypeOf(buffer);
    if (isPacked(dtype)) return this.storePart(dtype, declaration, address, value);
    this.line(`${this.word(declaration, address)} = ${toWord(dtype, declaration.word, value)};`);
  }

  /** Raises an element of a buffer declared as atomics, at once among all invocations. */
  atomicMax(buffer: BufferId, address: string, value: string): void {
    this.line(`atomicMax(&${this.declare(buffer).name}[${address}], ${value});`);
  }

  /** Writes four neighbouring elements at an address that is a multiple of four. */
  storeVector(buffer: BufferId, address: string, values: readonly string[]): void {
    const declaration = this.declare(buffer);
    declaration.written = true;
    const dtype = this.dtypeOf(buffer);
    const shared = elementsPerWord(dtype);
    if (shared > 1) {
      return sharedWords(shared, address).forEach((at, k) => {
        const parts = values.slice(k * shared, (k + 1) * shared).map((value, i) => {
          return `(${toBits(this, dtype, value)} << ${i * 32 / shared}u)`;
        });
        this.line(`atomicStore(&${declaration.name}[${at}], ${parts.join(" | ")});`);
      });
    }
    const words = values.map((value) => toWord(dtype, declaration.word, value));
    this.line(`${declaration.name}[(${address}) >> 2u] = vec4<${declaration.word}>(${words.join(", ")});`);
  }

  /** The finished dispatch. */
  dispatch(workgroups: Dispatch["workgroups"]): Dispatch {
    const declarations = [...this.declarations.values()];
    const parts = [
      ...declarations.map((d, i) => this.declarationText(d, i)),
      ...[...this.helpers].map((name) => helperSources[name].code),
      ...this.globals,
      `@compute @workgroup_size(${this.workgroupSize.join(", ")})`,
      "fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,",
      `    @builtin(local_invocation_index) lane: u32${this.subgroupText()}) {`,
      ...(this.helpers.has("hiddenZero") ? [`  hiddenZero = u32(arrayLength(&${declarations[0].name}) == 0u);`] : []),
      ...this.lines,
      "}",
    ];
    return {
      label: this.label,
      code: parts.join("\n") + "\n",
      bindings: declarations.map((d) => ({ buffer: d.buffer, access: this.accessOf(d) })),
      workgroups,
    };
  }

  /** The parameter that numbers the lanes of a subgroup, where the target has one. */
  private subgroupText(): string {
    return this.context.target.subgroupSize > 0 ? ", @builtin(subgroup_invocation_id) sub: u32" : "";
  }

  private dtypeOf(buffer: BufferId): DType {
    return buffer === "scratch" ? this.scratchType : this.context.program.buffers[buffer].dtype;
  }

  private declare(buffer: BufferId): Declaration {
    const place = buffer === "scratch" ? "scratch" : locationKey(this.context.program, buffer);
    let found = this.declarations.get(place);
    if (!found) {
      const dtypes = this.dtypesAt(place, buffer);
      const words = new Set(dtypes.map(wordTypeOf));
      found = {
        name: `b${this.declarations.size}`,
        buffer,
        word: words.size === 1 ? [...words][0] : "u32",
        atomic: buffer === "scratch" ? this.scratchAtomic : this.storesParts(place),
        vector: false,
        written: false,
        used: false,
      };
      this.declarations.set(place, found);
    }
    return found;
  }

  /** The dtypes under which a kernel sees one place: more than one if ids of different dtypes share a slot. */
  private dtypesAt(place: string, buffer: BufferId): DType[] {
    if (buffer === "scratch") return [this.scratchType];
    const { program } = this.context;
    const sharing = this.touched().filter((id) => locationKey(program, id) === place);
    return [...new Set([buffer, ...sharing].map((id) => program.buffers[id].dtype))];
  }

  private touched(): number[] {
    const { kernel } = this.context;
    return [...readsOf(kernel), ...writesOf(kernel)];
  }

  /** Whether parts of words are stored there, which invocations share. */
  private storesParts(place: string): boolean {
    const { program, kernel } = this.context;
    return [...writesOf(kernel)].some((id) => isPacked(program.buffers[id].dtype) && locationKey(program, id) === place);
  }

  /** The word at an address, as a WGSL reference or value. */
  private word(declaration: Declaration, address: string): string {
    declaration.used = true;
    if (declaration.atomic) return `atomicLoad(&${declaration.name}[${address}])`;
    if (declaration.vector) return `${declaration.name}[(${address}) >> 2u][(${address}) & 3u]`;
    return `${declaration.name}[${address}]`;
  }

  /** Clears and sets the part of a word; no other invocation touches the same part, so two atomic steps on the word are enough. */
  private storePart(dtype: DType, { name }: Declaration, address: string, value: string): void {
    const place = placeInWord(dtype, address);
    const shift = this.define(place.shift);
    const at = this.define(place.word);
    const bits = this.define(toBits(this, dtype, value));
    this.line(`atomicAnd(&${name}[${at}], ~(${maskOf(dtype)} << ${shift}));`);
    this.line(`atomicOr(&${name}[${at}], ${bits} << ${shift});`);
  }

  private accessOf({ written, atomic }: Declaration): "read" | "read_write" {
    return written || atomic ? "read_write" : "read";
  }

  private declarationText(declaration: Declaration, index: number): string {
    const { name, word, atomic, vector } = declaration;
    const element = atomic ? "atomic<u32>" : vector ? `vec4<${word}>` : word;
    return `@group(0) @binding(${index}) var<storage, ${this.accessOf(declaration)}> ${name}: array<${element}>;`;
  }
}
