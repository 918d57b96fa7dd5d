/**
 * How operations become kernels. There is one road, for eager reading and for `jit`.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import type { Expr } from "./expr.ts";
import type { Access, Kernel, ReduceOp } from "./kernel.ts";

/** A strided window on memory: which element lies at each index of `shape`. */
export interface View {
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Which element of a tensor's memory belongs to an index: offset + the sum of stride * index. */
export type Layout = Pick<View, "offset" | "strides">;

/** How an operation with attributes `A` becomes kernels; loops hold graphs of tensors `T`. */
export type Lowering<A, T> =
  /** One scalar expression of the inputs' elements: fused into the kernels that use it. */
  | { readonly kind: "elementwise"; expr(args: readonly Expr[], attrs: A): Expr }
  /** The same value everywhere. */
  | { readonly kind: "constant"; value(attrs: A): number }
  /** An integer that depends on the index only: offset + the sum of stride * index. */
  | { readonly kind: "index"; affine(attrs: A): Layout }
  /** The input's memory seen differently: moves nothing. Undefined if these strides cannot be seen so. */
  | { readonly kind: "view"; view(input: View, attrs: A): View | undefined }
  /** Each input is written into its part of the output; `fill` first, where the inputs leave gaps. */
  | {
    readonly kind: "assemble";
    layouts(inputs: readonly Shape[], attrs: A): readonly Layout[];
    fill?(attrs: A): number | undefined;
  }
  /** A reduction over axes. */
  | { readonly kind: "reduce"; readonly op: ReduceOp; axes(attrs: A): readonly number[] }
  /** Several results, each one of the inputs: none of its own. */
  | { readonly kind: "tuple"; element(index: number, attrs: A): number }
  /** Several results, of a loop. */
  | { readonly kind: "loop"; loop(attrs: A): Loop<T> }
  /** One of several results. */
  | { readonly kind: "tupleElement"; index(attrs: A): number }
  /** A kernel of its own. */
  | {
    readonly kind: "kernel";
    /** Whether the output begins as a copy of the first input, over which the kernel writes. */
    readonly updatesFirst?: true;
    /** The shapes as which the kernel sees its operands, with any strides; undefined: contiguous. */
    operands?(inputs: readonly Shape[], attrs: A): readonly Shape[];
    /** The kernel up to its result, and the domain it computes; the compiler adds loads and stores. */
    build(operands: readonly Access[], inputs: readonly Shape[], attrs: A, dtype: DType): KernelCore;
  };

type WithoutStores<K> = K extends Kernel ? Omit<K, "loads" | "stores" | "target"> : never;
/** A kernel before the compiler gives it loads and stores, or the target it writes to. */
export type KernelCore = WithoutStores<Kernel>;

/** A loop of the graph, at least one round. The operation has the constants, the first state and the sequences as inputs, in this order. */
export interface Loop<T> {
  readonly length: number;
  /** Whether the sequences are walked from the last row to the first. */
  readonly reverse: boolean;
  /** What the body reads: values that stay, the state, a row of each sequence. */
  readonly constants: readonly T[];
  readonly state: readonly T[];
  readonly rows: readonly T[];
  /** What it computes: the next state, and a row of each result that is collected. */
  readonly next: readonly T[];
  readonly collected: readonly T[];
}
