/**
 * Tensors: immutable expressions. A tensor knows its shape, its type and how its values come about; nothing is computed until
 * someone asks.
 *
 * How the values come about (the `Source`) changes once in a tensor's life, from an operation to stored values, which no code outside
 * can observe, because the values are the same. Only `core` looks at it, through `sourceOf`.
 *
 * @module
 */
import type { DType } from "./dtype.ts";
import { CotangentError, TraceError } from "./errors.ts";
import type { Node as NodeOf, Operation } from "./ir/operation.ts";
import { nameClasses } from "./quoted.ts";
import { checkExtents, type Shape, showShape, sizeOf } from "./shape.ts";
import type { TracedNumber } from "./traced_number.ts";

/** An operation on tensors. */
export type Op<A = unknown> = Operation<Tensor, A>;

/** A node of the compiler's graph, made by an operation on tensors. */
export type Node = NodeOf<Tensor>;

/** Computed values, on the host or a device: see `values/storage.ts`. */
export interface Values {
  readonly kind: "data";
  /** Gives the memory back; using the values afterwards is an error. */
  dispose(): void;
}

/**
 * A function transform while it runs its function. Tensors made from its variables carry it, which tells code that computes a tensor early
 * whether its history is still needed.
 */
export interface Trace {
  /** "grad", "jit", ...: for messages. */
  readonly name: string;
  readonly depth: number;
  readonly parent: Trace | undefined;
  open: boolean;
}

/**
 * An operation that was applied and not computed yet: kind "op".
 *
 * No literal for the collector's sake, nor do the inputs stay one. V8 counts what becomes of the objects of each literal, and where they
 * lived on during the first compilation it lets all later ones be born old; those die late, and with them all they refer to: the graphs
 * of many steps.
 */
export class Pending {
  readonly kind = "op";
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attrs: unknown;

  constructor(op: Op, inputs: readonly Tensor[], attrs: unknown) {
    this.op = op;
    this.inputs = inputs.slice();
    this.attrs = attrs;
  }
}

/** How a tensor's values come about. */
export type Source =
  | Pending
  | Values
  /** The argument of a function that is being traced: there are no values. */
  | { readonly kind: "placeholder"; readonly trace: Trace };

export let sourceOf: (tensor: Tensor) => Source;
export let traceOf: (tensor: Tensor) => Trace | undefined;
/** How many operations one after the other are pending at most: some may have been computed since the tensor was made. */
export let pendingDepth: (tensor: Tensor) => number;
export let correctDepth: (tensor: Tensor, depth: number) => void;
/** Whether a program computed the tensor on its way without keeping it, and the note that one did. */
export let wasComputed: (tensor: Tensor) => boolean;
export let markComputed: (tensor: Tensor) => void;
/** Replaces a tensor's source by its computed values: its inputs are forgotten. */
export let setValues: (tensor: Tensor, values: Values) => void;

/** Its text is what the error shows. */
const uncloneable = () => "Cannot clone or post a Tensor: send await data(x), and make a tensor of it there.";

/** An immutable array of numbers of one type. It is an expression, computed when a value is read. */
export class Tensor {
  // Private, with accessors that only read: as immutable as a frozen object, which takes twice the time to make.
  readonly #shape: Shape;
  readonly #dtype: DType;
  readonly #weak: boolean;
  readonly #serial: number;
  /** A function, of which `structuredClone` and `postMessage` say that they cannot clone it: of a clone, the numbers would be lost. */
  private readonly uncloneable: () => string = uncloneable;
  #source: Source;
  #trace: Trace | undefined;
  #depth = 0;
  #computed = false;
  static #count = 0;

  static {
    sourceOf = (tensor) => tensor.#source;
    traceOf = (tensor) => openTrace(tensor.#trace);
    pendingDepth = (tensor) => tensor.#depth;
    correctDepth = (tensor, depth) => {
      tensor.#depth = depth;
    };
    wasComputed = (tensor) => tensor.#computed;
    markComputed = (tensor) => {
      tensor.#computed = true;
    };
    setValues = (tensor, values) => {
      tensor.#depth = 0;
      tensor.#source = values;
      tensor.#trace = undefined;
    };
  }

  /** For `core` only: users make tensors with `tensor`, `zeros` or another function of `core/ops`. */
  constructor(shape: Shape, dtype: DType, source: Source, weak = false, trace?: Trace) {
    checkExtents(shape);
    this.#shape = shape;
    this.#dtype = dtype;
    this.#weak = weak;
    this.#serial = Tensor.#count++;
    this.#source = source;
    this.#trace = trace;
    if (source.kind === "op") {
      // Iterators and closures are garbage, and no code runs as often as this.
      for (let i = 0; i < source.inputs.length; i++) {
        const input = source.inputs[i];
        if (!(#depth in input)) refuseForeign(input);
        this.#depth = Math.max(this.#depth, input.#depth + 1);
        if (!trace) this.#trace = deeper(this.#trace, traceOf(input));
      }
    }
  }

  /** Extents of the axes, outermost first; `[]` is a scalar. */
  get shape(): Shape {
    return this.#shape;
  }

  /** The type of the elements. */
  get dtype(): DType {
    return this.#dtype;
  }

  /** A plain number that adapts to the type of the other operand, as a literal does. */
  get weak(): boolean {
    return this.#weak;
  }

  /** Counts up as tensors are made: what was there before a trace began has a smaller one. */
  get serial(): number {
    return this.#serial;
  }

  /** The number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The serial number the next tensor will have. */
  static get nextSerial(): number {
    return Tensor.#count;
  }

  /** Gives the memory back now instead of when the collector finds out (`using x = ...`); the tensor must not be used afterwards. */
  [Symbol.dispose](): void {
    if (this.#source.kind === "data") this.#source.dispose();
  }

  /** Type and shape, and how to read the numbers: `${x}` cannot wait for them. `show(x)` gives them as text. */
  toString(): string {
    return `Tensor(${this.dtype}${showShape(this.shape)}, read by ${readers(this)})`;
  }

  /**
   * Guards against `JSON.stringify(x)`, which would write a record without numbers.
   *
   * @throws {CotangentError} Always: it says how to read them.
   */
  toJSON(key?: string): never {
    throw new CotangentError(
      `Cannot write a Tensor ${this.dtype}${showShape(this.shape)}${
        key ? ` at "${key}"` : ""
      } as JSON, which waits for no numbers: ` +
        `use ${readers(this)} in its place`,
      { shape: this.shape, dtype: this.dtype, key },
    );
  }

  /** Guards against `x + 1` and `x < y`, which JavaScript would answer with nonsense; for templates see `toString`. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new TypeError(
      `Cannot use a Tensor ${this.dtype}${showShape(this.shape)} as a JavaScript number: use add, mul, ... or ${readers(this)}`,
    );
  }
}

nameClasses({ Tensor });

/** What reads the numbers of a tensor. */
function readers({ shape }: Tensor): string {
  return sizeOf(shape) === 1 ? "await item(x)" : "await toArray(x)";
}

/** Where every copy of the library says which one it is: the one thing that several in a program share. */
const copyKey = Symbol.for("cotangent.copy");
const thisCopy = new URL("../mod.ts", import.meta.url).href;
Object.defineProperty(Tensor.prototype, copyKey, { value: thisCopy });

/**
 * Refuses what looks like a tensor and is one of another copy of the library, of which this one knows nothing.
 *
 * @throws {CotangentError} If it is one.
 */
export function refuseForeign(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Tensor || !(copyKey in value)) return;
  throw new CotangentError(
    `Cannot use a tensor of another copy of Cotangent: this one was imported from ${thisCopy}, that of the tensor from ` +
      `${value[copyKey]}; import both from the same address`,
    { copies: [thisCopy, value[copyKey]] },
  );
}

/**
 * A number as an argument of a function that may be jitted: inside `jit` it is a traced one. Operations take it as they take a number, but
 * it cannot be calculated with or compared (`n + 1`, `n > 0`, `n === 5`) without them.
 */
export type Scalar = number | TracedNumber<Tensor>;

/** What operations take: a tensor, or a number or boolean that stands for a scalar of the fitting type. */
export type TensorLike = Tensor | Scalar | boolean;

function openTrace(trace: Trace | undefined): Trace | undefined {
  let found = trace;
  while (found && !found.open) found = found.parent;
  return found;
}

function deeper(a: Trace | undefined, b: Trace | undefined): Trace | undefined {
  return b && (!a || b.depth > a.depth) ? b : a;
}

let current: Trace | undefined;

/** Whether a transform is running its function. */
export function insideTransform(): boolean {
  return current !== undefined;
}

/** The innermost transform that is running its function. */
export function currentTrace(): Trace | undefined {
  return current;
}

/** Runs `body` as the inside of a transform; the trace is open meanwhile. */
export function withTrace<T>(name: string, body: (trace: Trace) => T): T {
  const parent = current;
  const trace: Trace = { name, depth: (parent?.depth ?? 0) + 1, parent, open: true };
  current = trace;
  try {
    return body(trace);
  } finally {
    trace.open = false;
    current = parent;
  }
}

/** An argument without values for a function that is being traced. */
export function placeholder(trace: Trace, shape: Shape, dtype: DType, weak = false): Tensor {
  return new Tensor(shape, dtype, { kind: "placeholder", trace }, weak, trace);
}

/**
 * The error for reading a tensor that has no values yet.
 */
export function unreadable(tensor: Tensor, trace: Trace, what: string): TraceError {
  return new TraceError(
    `Cannot read values of a tensor inside ${trace.name}: "${what}" was called on ${tensor.dtype}${showShape(tensor.shape)} ` +
      `while tracing, return it from the function instead, or look at it with debug.print`,
    { transform: trace.name, shape: tensor.shape, dtype: tensor.dtype, reader: what },
  );
}
