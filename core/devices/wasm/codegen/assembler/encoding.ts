/**
 * How integers and names are encoded in a WebAssembly module.
 *
 * @module
 */

/** Appends an unsigned integer of 32 bits as LEB128. */
export function unsigned(out: number[], value: number): void {
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
}

/** Appends a signed integer of 32 bits as LEB128. */
export function signed(out: number[], value: number): void {
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
export function name(out: number[], text: string): void {
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
