/**
 * COTANGENT_DEBUG=nan: every operation is checked for making a NaN or an infinity of finite numbers, and the first one that does stops
 * the program.
 *
 * The check is an effect, so that it comes along through every transform, and the values of an operation inside `jit` or `scan` are seen
 * too. Outside of these an operation is computed when it is applied, and the stack of the error leads to it.
 *
 * @module
 */
import { computeType, indexType, tangentType } from "../dtype.ts";
import { debug } from "../env.ts";
import { NonFiniteError } from "../errors.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { maximum } from "../ops/binary.ts";
import { cast } from "../ops/cast.ts";
import { gt } from "../ops/compare.ts";
import { max } from "../ops/reduce.ts";
import { isFinite, isNaN } from "../ops/unary.ts";
import { logicalNot } from "../ops/logic.ts";
import { type Made, type Purpose, type Watcher, watchOperations } from "../ops/watch.ts";
import { showShape } from "../shape.ts";
import { sourceOf, type Tensor } from "../tensor.ts";
import { computeNow } from "../values/eager.ts";
import { emit, recordsEffects } from "../values/effects.ts";
import { storageOf } from "../values/storage.ts";
import { topological } from "../walk.ts";

/** Where an operation was applied. */
interface Origin {
  /** Its name. */
  readonly op: string;
  /** Holds the stack, which is made into text only if it is asked for. */
  readonly at: Error;
  readonly layer: string | undefined;
  /** The derivative that it belongs to, if any. */
  readonly derivative?: Derivative;
}

/** The derivative of an operation. */
interface Derivative {
  readonly kind: "gradient" | "tangent";
  readonly of: Origin;
}

/** With what its rule has made so far. */
interface DerivativeInProgress extends Derivative {
  readonly made: Tensor[];
}

/** How bad a number is: finite ones 0, infinities 1, NaN 2. */
const words = ["A finite number", "An infinity", "A NaN"] as const;

/** Frames of the stack that are kept: layers and transforms take some. */
const frames = 100;

class NanChecks implements Watcher {
  readonly #origins = new WeakMap<Tensor, Origin>();
  /** How bad the worst number of a tensor is, as a tensor. */
  readonly #worst = new WeakMap<Tensor, Tensor>();
  /** The derivative that operations now belong to, or the operation that is done again now. */
  #now: DerivativeInProgress | { readonly kind: "again"; readonly of: Origin | undefined } | undefined;
  #layer: string | undefined;
  /** Whether the operations of a check itself are being applied. */
  #checking = false;

  applied(made: Tensor): void {
    if (this.#checking) return;
    const origin = this.#originOf(made);
    if (origin) this.#origins.set(made, origin);
    if (!origin || this.#now?.kind === "again" || !computesFloats(made)) return;
    if (this.#now) this.#now.made.push(made);
    else this.#check(made, origin);
  }

  onBehalf<R extends Made>(kind: Purpose, step: Tensor, run: () => R): R {
    const outer = this.#now;
    const of = this.#origins.get(step);
    const made: Tensor[] = [];
    if (kind === "again") this.#now = { kind, of };
    else if (of) this.#now = { kind, of, made };
    try {
      const result = run();
      // A rule makes derivatives by all inputs; those that nobody asked for may be anything.
      const needed = neededFor([result].flat().filter((each) => each !== undefined), made);
      for (const each of needed) this.#check(each, this.#origins.get(each)!);
      return result;
    } finally {
      this.#now = outer;
    }
  }

  inLayer<R>(name: string, run: () => R): R {
    const outer = this.#layer;
    this.#layer = outer === undefined ? name : `${outer}.${name}`;
    try {
      return run();
    } finally {
      this.#layer = outer;
    }
  }

  #originOf(made: Tensor): Origin | undefined {
    const op = nameOf(made);
    const now = this.#now;
    if (!now) return { op, at: here(), layer: this.#layer };
    if (now.kind === "again") return now.of && { ...now.of, op };
    return { op, at: now.of.at, layer: now.of.layer, derivative: { kind: now.kind, of: now.of } };
  }

  #check(made: Tensor, origin: Origin): void {
    const outer = this.#checking;
    this.#checking = true;
    try {
      this.#emitCheck(made, origin);
    } finally {
      this.#checking = outer;
    }
  }

  #emitCheck(made: Tensor, origin: Origin): void {
    const source = sourceOf(made);
    if (source.kind !== "op") return;
    const before = source.inputs.filter(hasFloats).map((input) => this.#worstOf(input));
    const after = this.#worstOf(made);
    const worse = before.length === 0 ? after : mul(after, cast(gt(after, before.reduce((a, b) => maximum(a, b))), indexType));
    if (!recordsEffects()) computeNow([made, after, worse]);
    // Of the tensor only this: a program that is kept must not keep the graph it was traced from.
    const { shape, dtype } = made;
    const run = ([found]: readonly Tensor[]) => {
      const [level] = storageOf(found)!.hostNow();
      if (level !== 0) throw failure({ shape, dtype }, origin, words[level]);
    };
    emit([{ tensors: [worse], run }]);
  }

  #worstOf(x: Tensor): Tensor {
    const known = this.#worst.get(x);
    if (known) return known;
    const numbers = cast(x, computeType(x.dtype));
    const found = max(add(cast(isNaN(numbers), indexType), cast(logicalNot(isFinite(numbers)), indexType)));
    this.#worst.set(x, found);
    return found;
  }
}

/** Of what a rule has made, oldest first, what its results need. */
function neededFor(results: readonly Tensor[], made: readonly Tensor[]): Tensor[] {
  if (made.length === 0) return [];
  const [{ serial: oldest }] = made;
  const needed = new Set(topological(results, ({ serial }) => serial < oldest));
  return made.filter((each) => needed.has(each));
}

function nameOf(made: Tensor): string {
  const source = sourceOf(made);
  return source.kind === "op" ? source.op.name : "an operation";
}

function hasFloats({ dtype, size }: Tensor): boolean {
  return tangentType(dtype) !== undefined && size > 0;
}

/** Whether an operation computes floats: others only move numbers, or stand for several tensors. */
function computesFloats(made: Tensor): boolean {
  const source = sourceOf(made);
  if (source.kind !== "op" || !hasFloats(made)) return false;
  const { kind } = source.op.lower;
  return kind === "elementwise" || kind === "reduce" || kind === "kernel";
}

/** The stack of here, as long as it may be. */
function here(): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = frames;
  const error = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}

const root = new URL("../../", import.meta.url).href;
/** What belongs to the library: the folders of the package. In a bundle it is this file. */
export const parts: readonly string[] = [
  "core/",
  "layers/",
  "linalg/",
  "optimizers/",
  "datasets/",
  "formats/",
  "distributed/",
  "onnx/",
  "visual/",
  "mod.ts",
];
const own = [import.meta.url, ...parts.map((part) => root + part)];

/** The innermost place of a stack that is no part of the library: `file:///home/me/train.ts:12:20`. */
function userLine({ stack = "" }: Error): string | undefined {
  const places = stack.split("\n").flatMap((line) => /((?:file|https?|data|blob):[^\s()]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? []);
  return places.find((place) => !own.some((part) => place.startsWith(part)));
}

function failure({ shape, dtype }: Pick<Tensor, "shape" | "dtype">, origin: Origin, what: string): NonFiniteError {
  const { op, at, layer, derivative } = origin;
  let role = "";
  for (let each = derivative; each; each = each.of.derivative) role += `, in the ${each.kind} of ${each.of.op}`;
  const location = userLine(at);
  const where = [layer === undefined ? [] : `layer "${layer}"`, location ?? []].flat().join(", ");
  const message = `${what} came out of ${op} (${dtype}${showShape(shape)}${role}), whose inputs had none${where && `: ${where}`}`;
  return new NonFiniteError(message, { op, shape, dtype, layer, location, derivative: derivative?.of.op });
}

/** Checks all operations from now on, or none. */
export function checkNumbers(on: boolean): void {
  watchOperations(on ? new NanChecks() : undefined);
}

if (debug.has("nan")) checkNumbers(true);
