/**
 * Kernels of a program that do the same on other buffers, as the layers of a network do: their code is written once. So it is for maps along
 * one axis that differ in its length only, as those that make the first parameters.
 *
 * Such code finds its buffers in a table of its own, whose slots are numbered as the kernel meets them.
 *
 * @module
 */
import { type Expr, leafKey } from "../../../ir/expr.ts";
import { type Access, expressionsOf, type Kernel, mapAccesses, type SimpleKernel } from "../../../ir/kernel.ts";
import { mapOver } from "../../../ir/kernels/map.ts";
import type { BufferSpec, Program } from "../../../ir/program.ts";
import { sizeOf } from "../../../shape.ts";

/** A kernel, or several that are written as one, whose buffers have the numbers of a table of their own. */
export interface LocalKernels {
  readonly kernels: readonly SimpleKernel[];
  /** By the number in its own table the number in the program. */
  readonly buffers: readonly number[];
  /** Of a map along one axis: its length, which is no part of the code. */
  readonly length: number | undefined;
  /** Whether a loop repeats them. */
  readonly repeated: boolean;
  /** Equal for kernels whose code is. */
  readonly key: string;
}

/** From this length on the code of maps along one axis does not depend on it. */
const leastLength = 64;

/** A map along one axis, if a kernel is one, and long. */
function longMap(kernel: SimpleKernel): SimpleKernel | undefined {
  const size = sizeOf(kernel.shape);
  return kernel.kind === "map" && size >= leastLength ? mapOver(kernel, [size]) : undefined;
}

/** A kernel without its expressions, which are compared by number. */
function withoutValues(kernel: SimpleKernel): object {
  const stores = kernel.stores.map((store) => ({ ...store, value: undefined }));
  return kernel.kind === "reduce"
    ? { ...kernel, stores, reductions: kernel.reductions.map(({ op }) => op) }
    : { ...kernel, stores };
}

/** Which kernels of a program have equals. */
export class EqualKernels {
  readonly #program: Program;
  readonly #outputs: ReadonlySet<number>;
  readonly #numbers = new ExpressionNumbers();
  readonly #found = new Map<SimpleKernel, LocalKernels>();
  readonly #counts = new Map<string, number>();

  constructor(program: Program) {
    this.#program = program;
    this.#outputs = new Set(program.outputs);
    this.#add(program.kernels, false);
  }

  /** All that kernels compute, argument by argument. */
  get expressions(): Iterable<Expr> {
    return this.#numbers.known;
  }

  /** Kernels that are written as one, with a table of their own, if others are equal to each of them. */
  local(kernels: readonly SimpleKernel[]): LocalKernels | undefined {
    const found = kernels.flatMap((kernel) => this.#found.get(kernel) ?? []);
    if (found.length < kernels.length || !found.every(({ key }) => this.#counts.get(key)! > 1)) return undefined;
    return kernels.length === 1 ? found[0] : this.#localOf(kernels, found[0].repeated);
  }

  #add(kernels: readonly Kernel[], repeated: boolean): void {
    for (const kernel of kernels) {
      if (kernel.kind === "loop") this.#add(kernel.kernels, true);
      else if (kernel.kind !== "exchange") {
        const found = this.#localOf([kernel], repeated);
        this.#found.set(kernel, found);
        this.#counts.set(found.key, (this.#counts.get(found.key) ?? 0) + 1);
      }
    }
  }

  #localOf(kernels: readonly SimpleKernel[], repeated: boolean): LocalKernels {
    const numbers = new Map<number, number>();
    const change = <A extends Access>(access: A): A => {
      const number = numbers.get(access.buffer) ?? numbers.size;
      numbers.set(access.buffer, number);
      return { ...access, buffer: number };
    };
    const flat = kernels.length === 1 ? longMap(kernels[0]) : undefined;
    const local = (flat ? [flat] : kernels).map((kernel) => mapAccesses(kernel, change));
    const buffers = [...numbers.keys()];
    const facts = buffers.map((id) => this.#factsOf(this.#program.buffers[id], this.#outputs.has(id)));
    const values = local.flatMap(expressionsOf).map((e) => this.#numbers.of(e));
    const bare = local.map(withoutValues);
    const rest = JSON.stringify(flat ? { ...bare[0], shape: "any" } : bare);
    return { kernels: local, buffers, length: flat?.shape[0], repeated, key: `${repeated} ${facts} ${values} ${rest}` };
  }

  /** What code may depend on: of inputs that stay as they are something may be kept. */
  #factsOf({ dtype, location }: BufferSpec, isOutput: boolean): string {
    return location.kind !== "input" || isOutput ? dtype : `${dtype} input${location.lasting ? " lasting" : ""}`;
  }
}

/** Gives equal expressions equal numbers. */
class ExpressionNumbers {
  readonly #known = new Map<Expr, number>();
  readonly #numbers = new Map<string, number>();

  /** All that have a number. */
  get known(): Iterable<Expr> {
    return this.#known.keys();
  }

  of(e: Expr): number {
    const known = this.#known.get(e);
    if (known !== undefined) return known;
    const key = this.#keyOf(e);
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    this.#known.set(e, number);
    return number;
  }

  #keyOf(e: Expr): string {
    switch (e.kind) {
      case "unary":
        return `${e.op} ${e.type} ${this.of(e.x)}`;
      case "binary":
        return `${e.op} ${e.type} ${this.of(e.x)} ${this.of(e.y)}`;
      case "select":
        return `${e.rare ? "rarely" : "select"} ${e.type} ${this.of(e.test)} ${this.of(e.x)} ${this.of(e.y)}`;
      case "cast":
      case "bitcast":
        return `${e.kind} ${e.type} ${this.of(e.x)}`;
      default:
        return leafKey(e);
    }
  }
}
