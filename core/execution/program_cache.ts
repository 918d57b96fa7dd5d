/**
 * Compiled programs, found again by what they are for.
 *
 * @module
 */
import type { Executable } from "../values/device.ts";

/** How many programs used last are tried before any hash is computed: a loop alternates between a few. */
const recentPrograms = 4;

/** A limited number of programs; of more, those that were not used for the longest time are destroyed. */
export class ProgramCache<P extends { readonly executable: Executable | undefined }> {
  readonly #limit: number;
  readonly #buckets = new Map<number, P[]>();
  /** The hash of each program, in the order of their last use. */
  readonly #hashes = new Map<P, number>();
  /** The programs used last, the latest first. */
  readonly #recent: P[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The program used last, which a loop mostly wants again. */
  get latest(): P | undefined {
    return this.#recent[0];
  }

  /** A program that matches. What matches has the same hash; that is asked for only where the programs used last do not match. */
  find(matches: (program: P) => boolean, hash: () => number): P | undefined {
    const position = this.#recent.findIndex(matches);
    const found = position >= 0 ? this.#recent[position] : this.#buckets.get(hash())?.find(matches);
    if (found && position !== 0) this.#use(found);
    return found;
  }

  /** Adds a program as used last. */
  add(program: P, hash: number): void {
    const bucket = this.#buckets.get(hash);
    if (bucket) bucket.push(program);
    else this.#buckets.set(hash, [program]);
    this.#hashes.set(program, hash);
    this.#use(program);
    if (this.#hashes.size > this.#limit) this.#remove(this.#hashes.keys().next().value!);
  }

  /** Destroys all programs. */
  clear(): void {
    for (const program of [...this.#hashes.keys()]) this.#remove(program);
  }

  #use(program: P): void {
    const hash = this.#hashes.get(program)!;
    this.#hashes.delete(program);
    this.#hashes.set(program, hash);
    const position = this.#recent.indexOf(program);
    if (position >= 0) this.#recent.splice(position, 1);
    this.#recent.unshift(program);
    if (this.#recent.length > recentPrograms) this.#recent.pop();
  }

  #remove(program: P): void {
    const hash = this.#hashes.get(program)!;
    const left = this.#buckets.get(hash)!.filter((each) => each !== program);
    if (left.length > 0) this.#buckets.set(hash, left);
    else this.#buckets.delete(hash);
    this.#hashes.delete(program);
    const position = this.#recent.indexOf(program);
    if (position >= 0) this.#recent.splice(position, 1);
    program.executable?.destroy();
  }
}
