/**
 * Algebra on graphs: rules that make an operation disappear. A rule never changes a value, NaN and infinity included (so 0 * x stays).
 *
 * @module
 */
import { type DType, isFloat, roundTo, tangentType } from "../dtype.ts";
import { mulOp } from "../ops/binary.ts";
import { fullOp } from "../ops/creation.ts";
import type { Op } from "../ops/define.ts";
import { sameShape, type Shape, sizeOf } from "../shape.ts";
import type { GraphBuilder, Node } from "./graph.ts";

interface Made {
  readonly builder: GraphBuilder;
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly attrs: unknown;
  readonly shape: Shape;
  readonly dtype: DType;
}

type Rule = (made: Made) => Node | undefined;

/** The value of a constant node. */
export function constantValue(node: Node): number | undefined {
  if (node.made.kind !== "op" || node.made.op.lower.kind !== "constant") return undefined;
  return node.made.op.lower.value(node.made.attrs);
}

function is(node: Node, value: number): boolean {
  return Object.is(constantValue(node), value);
}

function operationOf(node: Node, name: string): Extract<Node["made"], { kind: "op" }> | undefined {
  return node.made.kind === "op" && node.made.op.name === name ? node.made : undefined;
}

function constant({ builder, shape, dtype }: Made, value: number): Node {
  return builder.op(fullOp as Op, [], { value: roundTo(dtype, value), shape, dtype }, shape, dtype);
}

/** Floating arithmetic on constants, rounded as the device would. */
function fold(compute: (x: number, y: number) => number): Rule {
  return (made) => {
    const [x, y] = made.inputs.map(constantValue);
    if (x === undefined || y === undefined || !isFloat(made.dtype)) return undefined;
    return constant(made, compute(x, y));
  };
}

const through: Rule = ({ inputs }) => inputs[0];

/** A view of a constant is a constant; a view that changes nothing is its input. */
const view: Rule = (made) => {
  const [x] = made.inputs;
  const value = constantValue(x);
  return value === undefined ? undefined : constant(made, value);
};

/** (x y)^T = y^T x^T: the product comes out transposed, and nothing is moved. */
const transposedProduct: Rule = ({ builder, op, inputs: [z], attrs, shape, dtype }) => {
  const product = operationOf(z, "matmul");
  const { order } = attrs as { order: readonly number[] };
  const last = order.length - 1;
  if (!product || order.some((axis, i) => axis !== (i === last ? last - 1 : i === last - 1 ? last : i))) return undefined;
  const transposed = (x: Node) => {
    const swapped = [...x.shape.slice(0, -2), x.shape[last], x.shape[last - 1]];
    return builder.op(op, [x], attrs, swapped, dtype);
  };
  const [x, y] = product.inputs;
  return builder.op(product.op, [transposed(y), transposed(x)], undefined, shape, dtype);
};

function first(...rules: Rule[]): Rule {
  return (made) => {
    for (const rule of rules) {
      const node = rule(made);
      if (node) return node;
    }
    return undefined;
  };
}

/** Division by a number whose reciprocal is exact. Shader compilers may do anything when they see a division by 0. */
const multiplyInstead: Rule = (made) => {
  const [x, y] = made.inputs;
  const divisor = constantValue(y);
  if (divisor === undefined) return undefined;
  const size = Math.abs(divisor);
  const exact = size === 0 || (size >= 2 ** -64 && size <= 2 ** 64 && Number.isInteger(Math.log2(size)));
  if (!exact) return undefined;
  return made.builder.op(mulOp as Op, [x, constant(made, 1 / divisor)], undefined, made.shape, made.dtype);
};

/** A result of what only hands its inputs on. */
const part: Rule = ({ op, inputs: [all], attrs }) => {
  if (all.made.kind !== "op" || op.lower.kind !== "result") return undefined;
  const { op: maker, inputs, attrs: own } = all.made;
  return maker.lower.kind === "parts" ? inputs[maker.lower.part(op.lower.index(attrs), own)] : undefined;
};

const rules: Readonly<Record<string, Rule>> = {
  result: part,
  // Nodes are numbered as they are made: what the barrier waits for has been made before.
  barrier: ({ builder, op, inputs, attrs, shape, dtype }) =>
    inputs.length > 1 ? builder.op(op, inputs.slice(0, 1), attrs, shape, dtype) : undefined,
  variable: through,
  stopGradient: through,
  add: first(
    fold((x, y) => x + y),
    // Strictly -0 + 0 is 0: the sign of a zero is the one thing that may differ.
    ({ inputs: [x, y] }) => is(y, 0) ? x : is(x, 0) ? y : undefined,
  ),
  sub: first(fold((x, y) => x - y), ({ inputs: [x, y] }) => is(y, 0) ? x : undefined),
  mul: first(fold((x, y) => x * y), ({ inputs: [x, y] }) => is(y, 1) ? x : is(x, 1) ? y : undefined),
  div: first(fold((x, y) => x / y), ({ inputs: [x, y] }) => is(y, 1) ? x : undefined, multiplyInstead),
  pow: ({ inputs: [x, y] }) => is(y, 1) ? x : undefined,
  neg: first(
    (made) => {
      const value = constantValue(made.inputs[0]);
      return value === undefined || !isFloat(made.dtype) ? undefined : constant(made, -value);
    },
    ({ inputs: [x] }) => operationOf(x, "neg")?.inputs[0],
  ),
  cast: (made) => {
    const [x] = made.inputs;
    if (x.dtype === made.dtype) return x;
    const value = constantValue(x);
    // Only conversions that every device agrees on.
    if (value === undefined || !(tangentType(made.dtype) || Number.isInteger(value) && Math.abs(value) < 2 ** 31 && value >= 0)) {
      return undefined;
    }
    return constant(made, value);
  },
  sum: (made) => {
    const [x] = made.inputs;
    const value = constantValue(x);
    if (value === undefined || !isFloat(made.dtype)) return undefined;
    const count = sizeOf(x.shape) / Math.max(1, sizeOf(made.shape));
    return constant(made, count === 0 ? 0 : value * count);
  },
  slice: view,
  flip: view,
  permute: first(view, transposedProduct, ({ builder, op, inputs: [x], attrs, shape, dtype }) => {
    const inner = operationOf(x, "permute");
    if (!inner) return undefined;
    const { order } = attrs as { order: readonly number[] };
    const before = (inner.attrs as { order: readonly number[] }).order;
    const both = order.map((axis) => before[axis]);
    const [source] = inner.inputs;
    return both.every((axis, i) => axis === i) ? source : builder.op(op, [source], { order: both }, shape, dtype);
  }),
  broadcastInDim: first(view, ({ inputs: [x], shape }) => sameShape(x.shape, shape) ? x : undefined),
  reshape: first(view, ({ builder, op, inputs: [x], attrs, shape, dtype }) => {
    if (sameShape(x.shape, shape)) return x;
    const inner = operationOf(x, "reshape");
    return inner && builder.op(op, inner.inputs, attrs, shape, dtype);
  }),
};

/** What an operation comes to if a rule applies. */
export function simplify(
  builder: GraphBuilder,
  op: Op,
  inputs: readonly Node[],
  attrs: unknown,
  shape: Shape,
  dtype: DType,
): Node | undefined {
  return Object.hasOwn(rules, op.name) ? rules[op.name]({ builder, op, inputs, attrs, shape, dtype }) : undefined;
}
