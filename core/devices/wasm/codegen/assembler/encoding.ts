/**
 * How integers and names are encoded in a WebAssembly module.
 *
 * @module
 */

/** What bytes are appended to. */
export interface Output {
  push(byte: number): unknown;
}

/** Bytes that become more: a list of numbers would take eight times the memory, and the collector's time with it. */
export class ByteList implements Output {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow();
    this.#bytes[this.#length++] = byte;
  }

  append(...bytes: readonly number[]): void {
    for (const byte of bytes) this.push(byte);
  }

  /** Appends an integer of 32 bits, least byte first. */
  pushWord(word: number): void {
    this.push(word & 0xff);
    this.push((word >>> 8) & 0xff);
    this.push((word >>> 16) & 0xff);
    this.push(word >>> 24);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  /** The bytes so far; a view, to be copied before more come. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Appends an unsigned integer of 32 bits as LEB128. */
export function unsigned(out: Output, value: number): void {
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
}

/** Appends a signed integer of 32 bits as LEB128. */
export function signed(out: Output, value: number): void {
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    out.push(done ? byte : byte | 0x80);
    if (done) return;
  }
}

/** Appends a name: its length and its UTF-8. */
export function name(out: Output, text: string): void {
  const bytes = new TextEncoder().encode(text);
  unsigned(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}

/** The bytes that `write` appends. */
export function encode(write: (bytes: number[]) => void): number[] {
  const bytes: number[] = [];
  write(bytes);
  return bytes;
}
