/**
 * What an operation is: one record with all its rules; and the nodes of the compiler's graph that operations make, as rules
 * of algebra see them.
 *
 * `T` stands for the tensors that rules of derivatives and batching work on, of which nothing here needs to know.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import type { Lowering } from "./lowering.ts";

/** An operation. Methods take inputs that fit: the public functions see to it. */
export interface Operation<T, A = unknown> {
  /** For people: printed forms and errors. Operations are identified by their records. */
  readonly name: string;
  /** The output's shape; throws ShapeError if the inputs do not fit. */
  shape(inputs: readonly Shape[], attrs: A): Shape;
  /** The output's type; throws DTypeError if it cannot be. */
  dtype(inputs: readonly DType[], attrs: A): DType;
  /** Cotangents of the inputs from the output's; undefined where there is none. */
  vjp(g: T, inputs: readonly T[], output: T, attrs: A): readonly (T | undefined)[];
  /** The output's tangent from those of the inputs (undefined: zero), as terms to be added; undefined terms are zero. */
  jvp(tangents: readonly (T | undefined)[], inputs: readonly T[], output: T, attrs: A): readonly (T | undefined)[];
  /**
   * The operation on inputs of which some (`batched`) have one more axis in front, of extent `size`; so has the output. Left out where
   * the operation itself takes inputs that all have that axis: elementwise ones do.
   */
  vmap?(inputs: readonly T[], batched: readonly boolean[], attrs: A, size: number): T;
  /** How it becomes kernels. */
  readonly lower: Lowering<A, T>;
  /** A simpler node that always has the same value, NaN and infinity included, if there is one. */
  simplify?(node: Candidate<T, A>): Node<T> | undefined;
  /** What a permutation of the axes of its output comes to, if to something that moves nothing. */
  permuted?(order: readonly number[], output: Node<T>, candidate: Candidate<T, unknown>): Node<T> | undefined;
}

/** A node: an input of the program, or an operation on other nodes. Nodes are unique: equal ones are the same object. */
export interface Node<T> {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly made:
    | { readonly kind: "input"; readonly index: number }
    | { readonly kind: "op"; readonly op: Operation<T>; readonly inputs: readonly Node<T>[]; readonly attrs: unknown };
}

/** A node that is about to be made, as the rule sees it that may find a simpler one. */
export interface Candidate<T, A> {
  readonly inputs: readonly Node<T>[];
  readonly attrs: A;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Makes a node instead, which is simplified too. */
  make<B>(op: Operation<T, B>, inputs: readonly Node<T>[], attrs: B): Node<T>;
}

/** The value of a node that is the same everywhere. */
export function constantValue<T>({ made }: Node<T>): number | undefined {
  return made.kind === "op" && made.op.lower.kind === "constant" ? made.op.lower.value(made.attrs) : undefined;
}

/** The inputs and attributes of a node, if this operation made it. */
export function madeBy<T, A>(
  { made }: Node<T>,
  op: Operation<T, A>,
): { readonly inputs: readonly Node<T>[]; readonly attrs: A } | undefined {
  return made.kind === "op" && made.op === op as Operation<T> ? { inputs: made.inputs, attrs: made.attrs as A } : undefined;
}
