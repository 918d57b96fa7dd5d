/**
 * What an op sees of its node: inputs as it needs them, attributes, the version of the op set.
 *
 * @module
 */
import { CotangentError, ShapeError } from "../core/errors.ts";
import { fromHostArray, isStorage } from "../core/dtype.ts";
import { cast, upcast } from "../core/ops/cast.ts";
import { knownValues } from "../core/ops/known.ts";
import { showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Attributes, Subgraph } from "./attributes.ts";
import { type ElementName, elementOfDType } from "./elements.ts";
import { Host, Sequence, type Value } from "./values.ts";

/** The results of an op by place; undefined where nobody asks for one. */
export type Results = Value | readonly (Value | undefined)[];

/** What an op of ONNX means. */
export type OnnxOp = (call: Call) => Results;

/** Ops by name. */
export type OpTable = Readonly<Record<string, OnnxOp>>;

/** An input, and what is known of it before anything is computed. */
export interface Input {
  readonly name: string;
  readonly value: Value;
  /** Its numbers in the file, if it is a small parameter. */
  readonly hint?: Host;
  /** Its element type, if the graph says so. */
  readonly type?: ElementName;
}

/**
 * A number that says how much is made on the host.
 *
 * @throws {CotangentError} If it is larger than any model needs: what is not read from a file is not trusted with memory.
 */
export function limited(value: number, most: number, what: string): number {
  if (value <= most) return value;
  throw new CotangentError(`${what} is ${value}; ${most} is the most that is supported`, { value, most });
}

/** One use of an op. */
export class Call {
  constructor(
    readonly op: string,
    readonly opset: number,
    readonly attributes: Attributes,
    readonly inputs: readonly (Input | undefined)[],
    /** How many outputs the node names, and whether somebody may use each. */
    readonly wanted: readonly boolean[],
    /** Runs a graph among the attributes, in which outer names can be seen. */
    readonly run: (graph: Subgraph, inputs: readonly Value[]) => readonly Value[],
  ) {}

  /** The number of inputs. */
  get count(): number {
    return this.inputs.length;
  }

  has(i: number): boolean {
    return this.inputs[i] !== undefined;
  }

  value(i: number): Value {
    const input = this.inputs[i];
    if (input === undefined) throw new CotangentError(`input ${i} is missing`, { input: i });
    return input.value;
  }

  /** An input as a tensor. */
  tensor(i: number): Tensor {
    const value = this.value(i);
    if (value instanceof Host) return value.tensor();
    if (value instanceof Sequence) throw new CotangentError(`input ${i} is a sequence, not a tensor`, { input: i });
    return value;
  }

  /** The same in a type that is computed with. */
  computed(i: number): Tensor {
    return upcast(this.tensor(i));
  }

  optional(i: number): Tensor | undefined {
    return this.has(i) ? this.tensor(i) : undefined;
  }

  /** All inputs as tensors. */
  tensors(): Tensor[] {
    return this.inputs.map((_, i) => this.tensor(i));
  }

  sequence(i: number): Sequence {
    const value = this.value(i);
    if (value instanceof Sequence) return value;
    throw new CotangentError(`input ${i} must be a sequence`, { input: i });
  }

  /**
   * An input whose numbers must be known, because a shape depends on them.
   *
   * @throws {CotangentError} If they are not: they are computed, or belong to a tensor that is being traced.
   */
  host(i: number): Host {
    const known = this.known(i);
    if (known !== undefined) return known;
    const name = JSON.stringify(this.inputs[i]!.name);
    throw new CotangentError(
      `input ${i} (${name}) decides a shape, so its numbers must be known before anything is computed, but they are computed, ` +
        "or an argument of a traced function: give it to apply as a tensor made from numbers, outside of what jit traces",
      { input: i },
    );
  }

  /** The same; undefined if its numbers are not known. */
  known(i: number): Host | undefined {
    const value = this.value(i);
    if (value instanceof Host) return value;
    if (value instanceof Sequence) return undefined;
    if (this.inputs[i]!.hint) return this.inputs[i]!.hint;
    const values = knownValues(value);
    return values && new Host(this.type(i), value.shape, [...fromHostArray(value.dtype, values)]);
  }

  /** A list of integers whose numbers must be known. */
  ints(i: number): readonly number[] {
    return this.host(i).values;
  }

  /** A number that must be known; the default if the input is missing. */
  scalar(i: number, otherwise?: number): number {
    if (!this.has(i) && otherwise !== undefined) return otherwise;
    const { values } = this.host(i);
    if (values.length !== 1) throw new CotangentError(`input ${i} must be one number, but has ${values.length}`, { input: i });
    return values[0];
  }

  /** Integers that moved from an attribute to an input: undefined if neither is there. */
  intsOf(attribute: string, i: number): readonly number[] | undefined {
    return this.has(i) ? this.ints(i) : this.attributes.optional(attribute);
  }

  /**
   * The shape of an input that must have so many axes.
   *
   * @throws {ShapeError} If it has others.
   */
  ranked(i: number, rank: number): readonly number[] {
    const shape = this.shape(i);
    if (shape.length === rank) return shape;
    throw new ShapeError(`input ${i} must have ${rank} axes, but is ${showShape(shape)}`, { input: i, shape });
  }

  shape(i: number): readonly number[] {
    const value = this.value(i);
    if (value instanceof Sequence) throw new CotangentError(`input ${i} is a sequence, which has no shape`, { input: i });
    return value.shape;
  }

  /** The element type of an input. */
  type(i: number): ElementName {
    const value = this.value(i);
    if (value instanceof Host) return value.type;
    return this.inputs[i]!.type ?? elementOfDType(this.tensor(i).dtype);
  }

  /** A result in the type of an input: types for storage are left for computing only. */
  like(i: number, y: Tensor): Tensor {
    return cast(y, this.tensor(i).dtype);
  }

  /** Computes with types for storage as f32 or i32, and gives the result in the type of the first input. Inputs left out are undefined. */
  lifted(f: (...xs: Tensor[]) => Tensor): Tensor {
    const { dtype } = this.tensor(0);
    const y = f(...this.inputs.map((input, i) => input && this.computed(i)) as Tensor[]);
    return isStorage(dtype) ? cast(y, dtype) : y;
  }
}
