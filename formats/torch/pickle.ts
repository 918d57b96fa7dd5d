/**
 * Python's pickles, understood as data: a machine with a stack whose programs can make records, lists, texts and numbers, and call only
 * the few makers that they are given. Nothing else is run; what would have to be is an error.
 *
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 * @module
 */

/** What a maker may get: values, and other makers. */
export type Pickled = unknown;

/** A class or function of Python that a pickle names: what calling it makes. */
export class Maker {
  /** @param call The value of a call; none if it cannot be called. */
  constructor(readonly name: string, readonly call?: (args: readonly Pickled[]) => Pickled) {}
}

/** What a pickle may name. */
export interface Surroundings {
  /** The maker of that full name (`module.name`), if it is allowed. */
  readonly maker: (name: string) => Maker | undefined;
  /** What stands outside of the pickle under an id: a storage of numbers. */
  readonly persistent: (id: Pickled) => Pickled;
}

/** What is wrong with a pickle. */
export class PickleError extends Error {}

const mark = Symbol("mark");
/** A value may have as many parts as its pickle has bytes, and these at least. */
const leastParts = 100_000;
/** Sizes, steps and seeds have 32 at the most; millions would take hours to read. */
const mostIntegerBytes = 1024;

/** A dict of Python, whose keys are texts or numbers, as it is filled. */
class Dict {
  readonly entries = new Map<string, Pickled>();

  set(key: Pickled, value: Pickled): void {
    if (typeof key !== "string" && typeof key !== "number" && typeof key !== "bigint") {
      throw new PickleError(`it has a dict with a key that is neither a text nor a number, but ${describe(key)}`);
    }
    this.entries.set(String(key), value);
  }
}

/** A new dict, for makers. */
export function emptyDict(): Pickled {
  return new Dict();
}

/** Runs a pickle; its value, in which dicts are records and tuples lists. */
export function unpickle(bytes: Uint8Array, surroundings: Surroundings): Pickled {
  const machine = new Machine(bytes, surroundings);
  return plain(machine.run(), Math.max(leastParts, bytes.length));
}

/** The opcodes that are understood, by their bytes. */
const operations: Readonly<Record<number, (machine: Machine) => void>> = {
  0x80: (m) => m.protocol(), // PROTO
  0x95: (m) => void m.u64(), // FRAME
  0x28: (m) => m.push(mark), // MARK
  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x4b: (m) => m.push(m.u8()), // BININT1
  0x4d: (m) => m.push(m.u16()), // BININT2
  0x4a: (m) => m.push(m.u32() | 0), // BININT
  0x8a: (m) => m.push(m.long(m.u8())), // LONG1
  0x8b: (m) => m.push(m.long(m.u32())), // LONG4
  0x47: (m) => m.push(m.f64()), // BINFLOAT
  0x58: (m) => m.push(m.text(m.u32())), // BINUNICODE
  0x8c: (m) => m.push(m.text(m.u8())), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.text(m.u64())), // BINUNICODE8
  0x55: (m) => m.push(m.text(m.u8())), // SHORT_BINSTRING
  0x54: (m) => m.push(m.text(m.u32())), // BINSTRING
  0x7d: (m) => m.push(new Dict()), // EMPTY_DICT
  0x5d: (m) => m.push([]), // EMPTY_LIST
  0x29: (m) => m.push([]), // EMPTY_TUPLE
  0x85: (m) => m.push(m.pop(1)), // TUPLE1
  0x86: (m) => m.push(m.pop(2)), // TUPLE2
  0x87: (m) => m.push(m.pop(3)), // TUPLE3
  0x74: (m) => m.push(m.popToMark()), // TUPLE
  0x61: (m) => m.append(m.pop(1)), // APPEND
  0x65: (m) => m.append(m.popToMark()), // APPENDS
  0x73: (m) => m.setItems(m.pop(2)), // SETITEM
  0x75: (m) => m.setItems(m.popToMark()), // SETITEMS
  0x30: (m) => void m.pop(1), // POP
  0x71: (m) => m.remember(m.u8()), // BINPUT
  0x72: (m) => m.remember(m.u32()), // LONG_BINPUT
  0x94: (m) => m.remember(m.remembered), // MEMOIZE
  0x68: (m) => m.recall(m.u8()), // BINGET
  0x6a: (m) => m.recall(m.u32()), // LONG_BINGET
  0x63: (m) => m.push(m.maker(`${m.line()}.${m.line()}`)), // GLOBAL
  0x93: (m) => m.push(m.maker(m.pop(2).join("."))), // STACK_GLOBAL
  0x52: (m) => m.reduce(), // REDUCE
  0x81: (m) => m.reduce(), // NEWOBJ
  0x62: (m) => m.build(), // BUILD
  0x51: (m) => m.push(m.persistent(m.pop(1)[0])), // BINPERSID
};
const stop = 0x2e;

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #surroundings: Surroundings;
  readonly #stack: Pickled[] = [];
  readonly #memo = new Map<number, Pickled>();
  #at = 0;

  constructor(bytes: Uint8Array, surroundings: Surroundings) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#surroundings = surroundings;
  }

  run(): Pickled {
    for (;;) {
      const opcode = this.u8();
      if (opcode === stop) return this.pop(1)[0];
      const operation = operations[opcode];
      if (!operation) {
        throw new PickleError(`it has opcode 0x${opcode.toString(16)} at byte ${this.#at - 1}, which is not understood`);
      }
      operation(this);
    }
  }

  protocol(): void {
    const version = this.u8();
    if (version < 2 || version > 5) throw new PickleError(`it is a pickle of protocol ${version}; 2 to 5 are understood`);
  }

  push(value: Pickled): void {
    this.#stack.push(value);
  }

  /** The top values, the lowest first. */
  pop(count: number): Pickled[] {
    const values = this.#stack.splice(-count, count);
    if (values.length < count || values.includes(mark)) throw new PickleError("it takes more from its stack than there is");
    return values;
  }

  popToMark(): Pickled[] {
    const at = this.#stack.lastIndexOf(mark);
    if (at < 0) throw new PickleError("it looks for a mark that is not there");
    return this.#stack.splice(at).slice(1);
  }

  append(values: readonly Pickled[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new PickleError(`it appends to ${describe(list)}, which is no list`);
    for (const value of values) list.push(value);
  }

  setItems(items: readonly Pickled[]): void {
    const dict = this.#top();
    if (!(dict instanceof Dict)) throw new PickleError(`it sets items of ${describe(dict)}, which is no dict`);
    if (items.length % 2 !== 0) throw new PickleError("it sets an item that has no value");
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  get remembered(): number {
    return this.#memo.size;
  }

  remember(key: number): void {
    this.#memo.set(key, this.#top());
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) throw new PickleError(`it recalls ${key}, which it did not remember`);
    this.push(this.#memo.get(key));
  }

  maker(name: string): Maker {
    const found = this.#surroundings.maker(name);
    if (!found) {
      throw new PickleError(`it names ${name}, which is not run here: only tensors, records, lists, numbers and texts are read`);
    }
    return found;
  }

  reduce(): void {
    const [callee, args] = this.pop(2);
    if (!(callee instanceof Maker && callee.call)) throw new PickleError(`it calls ${describe(callee)}`);
    if (!Array.isArray(args)) throw new PickleError(`it calls ${callee.name} with ${describe(args)} in place of a tuple`);
    this.push(callee.call(args));
  }

  /** The attributes of a dict (the versions of a state dict's modules) say nothing of its numbers. */
  build(): void {
    this.pop(1);
    const built = this.#top();
    if (!(built instanceof Dict)) throw new PickleError(`it sets attributes of ${describe(built)}`);
  }

  persistent(id: Pickled): Pickled {
    return this.#surroundings.persistent(id);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** An integer of any length, in two's complement, the lowest byte first. */
  long(length: number): number | bigint {
    if (length > mostIntegerBytes) throw new PickleError(`it has an integer of ${length} bytes`);
    const from = this.#advance(length);
    let hex = "";
    for (let at = from + length - 1; at >= from; at--) hex += this.#bytes[at].toString(16).padStart(2, "0");
    const value = length === 0 ? 0n : BigInt.asIntN(8 * length, BigInt(`0x${hex}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  text(length: number): string {
    const from = this.#advance(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.#bytes.subarray(from, from + length));
    } catch {
      throw new PickleError(`it has a text at byte ${from} that is not UTF-8`);
    }
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new PickleError("it ends within a name");
    const text = this.text(end - this.#at);
    this.#at++;
    return text;
  }

  #top(): Pickled {
    if (this.#stack.length === 0) throw new PickleError("it takes more from its stack than there is");
    return this.#stack[this.#stack.length - 1];
  }

  #advance(bytes: number): number {
    const from = this.#at;
    if (bytes > this.#bytes.length - from) throw new PickleError(`it ends at byte ${this.#bytes.length}, before it is whole`);
    this.#at = from + bytes;
    return from;
  }
}

/** A value in a few words. */
export function describe(value: Pickled): string {
  if (value === null || typeof value !== "object") return typeof value === "symbol" ? "a mark" : String(value);
  if (Array.isArray(value)) return "a list";
  return value instanceof Dict ? "a dict" : value instanceof Maker ? value.name : "an object";
}

/**
 * Dicts as records, to any depth. What stands in several places is there as often as it stands: what stands in itself, or doubles at
 * every level, has more parts than there may be.
 */
function plain(value: Pickled, mostParts: number): Pickled {
  const pending: (() => void)[] = [];
  let parts = 0;
  const convert = (each: Pickled): Pickled => {
    if (++parts > mostParts) {
      throw new PickleError(`it has more than ${mostParts} parts: it holds itself, or the same parts many times`);
    }
    if (Array.isArray(each)) {
      const list: Pickled[] = [];
      pending.push(() => each.forEach((item) => list.push(convert(item))));
      return list;
    }
    if (!(each instanceof Dict)) return each;
    const record: Record<string, Pickled> = {};
    pending.push(() => {
      for (const [key, item] of each.entries) {
        Object.defineProperty(record, key, { value: convert(item), enumerable: true, configurable: true, writable: true });
      }
    });
    return record;
  };
  const root = convert(value);
  for (let next = pending.pop(); next; next = pending.pop()) next();
  return root;
}
