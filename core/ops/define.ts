/**
 * What an operation is: one record with all its rules.
 *
 * The constructors keep records short. `elementwise` needs partial derivatives, `linear` its transpose, `bilinear` two transposes; the
 * rules for vjp, jvp and vmap follow. Primitives take tensors whose shapes and types already fit: broadcasting and promotion
 * happen in the public functions, through operations of their own, so that their derivatives are undone once, at one point.
 *
 * @module
 */
import type { Expr } from "../ir/expr.ts";
import type { Lowering } from "../ir/lowering.ts";
import { computeType, type DType, isFloat } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { sameShape, type Shape, showShape } from "../shape.ts";
import { shortenHistory } from "../values/eager.ts";
import { insideTransform, type Op, Pending, pendingDepth, Tensor } from "../tensor.ts";
import { noteApplied } from "./watch.ts";

/** Operations one after the other that may be pending; more are no longer the work of one program. */
const longest = 2000;

const shapeOf = ({ shape }: Tensor): Shape => shape;
const dtypeOf = ({ dtype }: Tensor): DType => dtype;
const isWeak = ({ weak }: Tensor): boolean => weak;

/**
 * Applies an operation: checks shapes and types now, computes nothing (unless the history has become very long, and no transform needs
 * it).
 */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  const shape = op.shape(inputs.map(shapeOf), attrs);
  const dtype = op.dtype(inputs.map(dtypeOf), attrs);
  const made = new Tensor(
    Object.isFrozen(shape) ? shape : Object.freeze(shape.slice()),
    dtype,
    new Pending(op as Op, inputs, attrs),
    isFloat(dtype) && inputs.length > 0 && inputs.every(isWeak),
  );
  if (pendingDepth(made) > longest && !insideTransform()) shortenHistory(made, longest);
  noteApplied(made);
  return made;
}

/** A dtype rule: the inputs have one type, and so has the output. */
export function sameDType(inputs: readonly DType[]): DType {
  for (let i = 1; i < inputs.length; i++) {
    if (inputs[i] !== inputs[0]) {
      throw new DTypeError(`Cannot mix types ${inputs.join(" and ")} in one operation`, { dtypes: inputs });
    }
  }
  return inputs[0];
}

/** A dtype rule: one floating type in, the same out. */
export function floatDType(name: string): (inputs: readonly DType[]) => DType {
  return (inputs) => {
    const dtype = sameDType(inputs);
    if (!isFloat(dtype)) {
      throw new DTypeError(`Cannot ${name} a tensor of type ${dtype}: it needs a floating type, use cast(x, "f32")`, {
        name,
        dtype,
      });
    }
    return dtype;
  };
}

/** A dtype rule: the inputs have one type, of numbers that are computed with (not bool or storage), and so has the output. */
export function numberDType(name: string): (inputs: readonly DType[]) => DType {
  return (inputs) => {
    const dtype = sameDType(inputs);
    if (dtype !== computeType(dtype)) {
      throw new DTypeError(`Cannot ${name} tensors of type ${dtype}: use cast(x, "f32") or cast(x, "i32") first`, {
        name,
        dtype,
      });
    }
    return dtype;
  };
}

/** Where the tests sample an elementwise operation's arguments. */
export type Domain = "any" | "positive" | "unit" | "aboveMinusOne" | "aboveOne" | "nonzero" | "integer" | "bool" | "none";

/** What `elementwise` makes a record from. */
export interface ElementwiseSpec<A> {
  readonly name: string;
  /** Where the laws sample the arguments: "any" real number, "positive", "unit" (-1, 1), ... */
  readonly domain: Domain;
  dtype(inputs: readonly DType[], attrs: A): DType;
  /**
   * For each argument g times the partial derivative, from g, the inputs, then the output. The Jacobian is diagonal, so the same
   * functions pull cotangents back and push tangents forward. Undefined: no derivative.
   */
  readonly partials: readonly (((g: Tensor, ...inputsThenOutput: Tensor[]) => Tensor) | undefined)[];
  lower(...args: Expr[]): Expr;
  readonly simplify?: Op<A>["simplify"];
}

/** An elementwise record: all inputs have the output's shape. */
export interface ElementwiseOp extends Op<undefined> {
  readonly domain: Domain;
  readonly arity: number;
}

function equalShapes(name: string, inputs: readonly Shape[]): Shape {
  for (let i = 1; i < inputs.length; i++) {
    if (!sameShape(inputs[i], inputs[0])) {
      throw new Error(`${name} got shapes ${inputs.map(showShape).join(" and ")}, which the caller should have broadcast`);
    }
  }
  return inputs[0];
}

/** An operation on elements: give its scalar expression and its partial derivatives. */
export function elementwise(spec: ElementwiseSpec<undefined>): ElementwiseOp {
  const op: ElementwiseOp = {
    name: spec.name,
    domain: spec.domain,
    arity: spec.partials.length,
    shape: (inputs) => equalShapes(spec.name, inputs),
    dtype: spec.dtype,
    vjp: (g, inputs, output) => spec.partials.map((partial) => partial?.(g, ...inputs, output)),
    jvp: (tangents, inputs, output) =>
      spec.partials.map((partial, i) => tangents[i] && partial?.(tangents[i], ...inputs, output)),
    lower: { kind: "elementwise", expr: (args) => spec.lower(...args) },
    simplify: spec.simplify,
  };
  return op;
}

/** What `linear` makes a record from. */
export interface LinearSpec<A> {
  readonly name: string;
  shape(inputs: readonly Shape[], attrs: A): Shape;
  dtype?(inputs: readonly DType[], attrs: A): DType;
  /** The adjoint: the input's cotangent from the output's. `input` is the input's shape. */
  transpose(g: Tensor, input: Shape, attrs: A): Tensor;
  /** The operation on an input with one more axis in front. */
  vmap(input: Tensor, attrs: A, size: number): Tensor;
  readonly lower: Lowering<A, Tensor>;
  readonly simplify?: Op<A>["simplify"];
}

/** A linear operation of one tensor: give its transpose. */
export function linear<A>(spec: LinearSpec<A>): Op<A> {
  const op: Op<A> = {
    name: spec.name,
    shape: spec.shape,
    dtype: spec.dtype ?? sameDType,
    vjp: (g, [x], _, attrs) => [spec.transpose(g, x.shape, attrs)],
    jvp: ([t], _inputs, _output, attrs) => [t && apply(op, [t], attrs)],
    vmap: ([x], _, attrs, size) => spec.vmap(x, attrs, size),
    lower: spec.lower,
    simplify: spec.simplify,
  };
  return op;
}

/** What `bilinear` makes a record from. */
export interface BilinearSpec<A> {
  readonly name: string;
  shape(inputs: readonly Shape[], attrs: A): Shape;
  dtype(inputs: readonly DType[], attrs: A): DType;
  /** The adjoint in the left argument, given the right one. */
  transposeLeft(g: Tensor, y: Tensor, x: Tensor, attrs: A): Tensor;
  /** The adjoint in the right argument, given the left one. */
  transposeRight(g: Tensor, x: Tensor, y: Tensor, attrs: A): Tensor;
  vmap(inputs: readonly Tensor[], batched: readonly boolean[], attrs: A, size: number): Tensor;
  readonly lower: Lowering<A, Tensor>;
  readonly permuted?: Op<A>["permuted"];
  readonly simplify?: Op<A>["simplify"];
}

/** An operation linear in each of two tensors: give both transposes. */
export function bilinear<A>(spec: BilinearSpec<A>): Op<A> {
  const op: Op<A> = {
    name: spec.name,
    shape: spec.shape,
    dtype: spec.dtype,
    vjp: (g, [x, y], _, attrs) => [spec.transposeLeft(g, y, x, attrs), spec.transposeRight(g, x, y, attrs)],
    jvp: ([tx, ty], [x, y], _, attrs) => [tx && apply(op, [tx, y], attrs), ty && apply(op, [x, ty], attrs)],
    vmap: spec.vmap,
    lower: spec.lower,
    permuted: spec.permuted,
    simplify: spec.simplify,
  };
  return op;
}

/** The vjp of an operation that has no derivative: a comparison, indices, random bits. */
export function noVjp(_g: Tensor, inputs: readonly Tensor[]): undefined[] {
  return inputs.map(() => undefined);
}

/** The jvp of an operation that has no derivative. */
export function noJvp(): undefined[] {
  return [];
}
