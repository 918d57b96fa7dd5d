/**
 * Addresses that move by distances, some of which are known only when the code runs.
 *
 * @module
 */
import type { Distance } from "./distances.ts";

/** What moves addresses: integers of code go by number. */
export interface AddressCode {
  integers(count: number): number[];
  releaseIntegers(...integers: readonly number[]): void;
  set(to: number, from: number): void;
  add(integer: number, value: number): void;
  addInteger(integer: number, other: number): void;
  addScaled(integer: number, other: number, scale: number): void;
}

/** An address that moves: a constant distance only changes the offset from it. */
export class Cursor {
  readonly #code: AddressCode;
  readonly #start: number;
  #address: number;
  #offset: number;

  /** @param inPlace Whether the integer `start` itself may move; else a copy does, where one is needed. Default false. */
  constructor(code: AddressCode, start: number, { offset = 0, inPlace = false } = {}) {
    this.#code = code;
    this.#start = inPlace ? -1 : start;
    this.#address = start;
    this.#offset = offset;
  }

  /** The integer that holds the address, but for the offset. */
  get address(): number {
    return this.#address;
  }

  /** In bytes. */
  get offset(): number {
    return this.#offset;
  }

  move(distance: Distance): void {
    if ("bytes" in distance) {
      this.#offset += distance.bytes;
      return;
    }
    if (this.#address === this.#start) {
      [this.#address] = this.#code.integers(1);
      this.#code.set(this.#address, this.#start);
    }
    this.#code.addInteger(this.#address, distance.integer);
  }

  /** Adds the offset to an address that moves in place. */
  settle(): void {
    if (this.#offset !== 0) this.#code.add(this.#address, this.#offset);
    this.#offset = 0;
  }

  /** Lets others take the copy, if there is one. */
  release(): void {
    if (this.#start >= 0 && this.#address !== this.#start) this.#code.releaseIntegers(this.#address);
    this.#address = this.#start;
  }
}

/** Moves the address in an integer by some times a distance. */
export function moveInPlace(code: AddressCode, address: number, distance: Distance, times = 1): void {
  if ("bytes" in distance) code.add(address, distance.bytes * times);
  else if (times === 1) code.addInteger(address, distance.integer);
  else code.addScaled(address, distance.integer, times);
}
