/**
 * Distances between what functions read and write. Those that a function is told by its last parameters are no part of its code, so that
 * functions which differ in them only are one, which is written, compiled and optimized once.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { FunctionSpec, WasmModule } from "../assembler/module.ts";

/** A distance in bytes: a constant, or an integer of the code's. */
export type Distance = { readonly bytes: number } | { readonly integer: number };

/** The distances of a function by name. */
export class Distances<N extends string> {
  /** Those that it is told, in bytes. */
  readonly told: readonly number[];
  readonly #all: Readonly<Record<N, number>>;
  readonly #told: readonly N[];

  /**
   * @param all In bytes.
   * @param isFixed Which are part of the code.
   */
  constructor(all: Readonly<Record<N, number>>, isFixed: (name: N, bytes: number) => boolean) {
    this.#all = all;
    this.#told = (Object.keys(all) as N[]).filter((name) => !isFixed(name, all[name]));
    this.told = this.#told.map((name) => all[name]);
  }

  /** What the code depends on of them. */
  get form(): string {
    return `${Object.entries(this.#all).map(([name, bytes]) => this.#told.includes(name as N) ? "any" : bytes)}`;
  }

  /** All of them, where those that are told are these. */
  with(told: readonly Distance[]): Readonly<Record<N, Distance>> {
    return Object.fromEntries(
      Object.entries(this.#all).map(([name, bytes]) => {
        const number = this.#told.indexOf(name as N);
        return [name, number < 0 ? { bytes } : told[number]];
      }),
    ) as Record<N, Distance>;
  }
}

/** Moves the address in a local by some times a distance. */
export function moveBy(c: FunctionWriter, address: number, distance: Distance, times = 1): void {
  if ("bytes" in distance) {
    c.increment(address, distance.bytes * times);
    return;
  }
  c.get(address).get(distance.integer);
  if (times !== 1) c.i32(times).op("i32.mul");
  c.op("i32.add").set(address);
}

/** Writes a function that is told some of its distances, behind parameters that are i32; the name says what else the code depends on. */
export function toldFunction<N extends string>(
  module: WasmModule,
  { name, params }: Pick<FunctionSpec, "params"> & { readonly name: string },
  distances: Distances<N>,
  write: (c: FunctionWriter, distances: Readonly<Record<N, Distance>>) => void,
): number {
  const { told, form } = distances;
  const all = [...params, ...told.map(() => "i32" as const)];
  const code = module.func(
    { name: `${name} ${form}`, params: all },
    (c) => write(c, distances.with(told.map((_, i) => ({ integer: params.length + i })))),
  );
  if (told.length === 0) return code;
  return module.func({ name: `${name} ${form} ${told}`, params }, (c) => {
    params.forEach((_, i) => c.get(i));
    for (const bytes of told) c.i32(bytes);
    c.call(code);
  });
}
