/**
 * What every operation's record is checked with: shapes, attributes, and where its arguments are sampled.
 *
 * Elementwise records define how many arguments they have and their domain; the rest is in the table below. A record
 * without a case fails the laws, so a new operation cannot be forgotten.
 *
 * @module
 */
import { conv2d, type Conv2dOptions } from "../../core/ops/conv.ts";
import { convTranspose2d, type ConvTranspose2dOptions } from "../../core/ops/conv_transpose.ts";
import type { Domain, ElementwiseOp } from "../../core/ops/define.ts";
import { type Op, sourceOf, type Tensor } from "../../core/tensor.ts";
import { avgPool2d, type AvgPool2dOptions, maxPool2d, type MaxPool2dOptions } from "../../core/ops/pool.ts";
import { type DType, type Shape, tensor, zeros } from "../../mod.ts";
import { hash } from "./noise.ts";
import { storageFloats } from "./storage_floats.ts";

/** One argument: its shape, where its elements lie, and its type ("float": the type the law is checked in). */
export interface Input {
  readonly shape: Shape;
  readonly domain: Domain;
  readonly dtype: DType | "float";
  /** Integers lie in [low, high]. Default [-8, 8]. */
  readonly range?: readonly [low: number, high: number];
}

/** One way to call an operation. */
export interface OpCase {
  readonly note: string;
  readonly inputs: readonly Input[];
  readonly attrs: unknown;
}

/** Multiples of 2^-11 with an odd numerator: exact in f32, and never on an integer or a half, where some functions jump. */
function fraction(seed: number, i: number): number {
  return (2 * (hash(seed, i) % 4096) + 1 - 4096) / 2048;
}

/** Element `i` of stream `seed` in a domain. */
function sample(domain: Domain, seed: number, i: number, range: readonly [low: number, high: number] = [-8, 8]): number {
  const x = fraction(seed, i); // in (-2, 2)
  switch (domain) {
    case "any":
      return x;
    case "positive":
      return Math.abs(x) + 0.25;
    case "unit":
      return x * 0.4375;
    case "aboveMinusOne":
      return Math.abs(x) - 0.75;
    case "aboveOne":
      return Math.abs(x) + 1.25;
    case "nonzero":
      return x + Math.sign(x) * 0.25;
    case "integer":
      return range[0] + hash(seed, i) % (range[1] - range[0] + 1);
    case "bool":
      return hash(seed, i) & 1;
    case "none":
      return x;
  }
}

/** The values of one argument, in the type `float` where the case leaves it open; `lead` puts axes in front. */
export function sampleInput(input: Input, seed: number, float: DType, lead: Shape = []): Tensor {
  const dtype = input.dtype === "float" ? float : input.dtype;
  const shape = [...lead, ...input.shape];
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = Float64Array.from({ length: size }, (_, i) => sample(input.domain, seed, i, input.range));
  return tensor(values, { shape, dtype });
}

const float = (shape: Shape, domain: Domain = "any"): Input => ({ shape, domain, dtype: "float" });
const integer = (shape: Shape, dtype: DType, range?: readonly [number, number]): Input => ({
  shape,
  domain: "integer",
  dtype,
  range: range ?? (dtype === "i32" ? [-8, 8] : [0, 200]),
});
const ofEachStorage = (cases: (dtype: DType, stored: (shape: Shape, domain?: Domain) => Input) => OpCase[]): OpCase[] =>
  storageFloats.flatMap((dtype) => cases(dtype, (shape, domain = "any") => ({ shape, domain, dtype })));
const bool = (shape: Shape): Input => ({ shape, domain: "bool", dtype: "bool" });

const one = (note: string, input: Input, attrs?: unknown): OpCase => ({ note, inputs: [input], attrs });
const two = (note: string, x: Input, y: Input, attrs?: unknown): OpCase => ({ note, inputs: [x, y], attrs });

/** Shapes that elementwise operations see. */
const shapes: readonly Shape[] = [[2, 3], [], [0, 3], [2, 1, 3], [37]];

function elementwiseCases(op: ElementwiseOp): OpCase[] {
  const of = (shape: Shape): Input => {
    if (op.domain === "integer") return integer(shape, "i32");
    return op.domain === "bool" ? bool(shape) : float(shape, op.domain);
  };
  return shapes.map((shape) => ({
    note: `[${shape}]`,
    inputs: Array.from({ length: op.arity }, () => of(shape)),
    attrs: undefined,
  }));
}

/** Operations of numbers, which take integers too. */
const numeric = new Set([
  "add",
  "sub",
  "gap",
  "mul",
  "rem",
  "floorDivide",
  "maximum",
  "minimum",
  "neg",
  "abs",
  "sign",
  "relu",
  "lt",
  "le",
  "eq",
  "ne",
]);
/** Operations of bits, which take unsigned integers too. */
const bitwise = new Set(["and", "or", "xor", "shl", "shr"]);

function integerCases(op: ElementwiseOp): OpCase[] {
  const types: readonly DType[] = numeric.has(op.name) ? ["i32", "u32"] : bitwise.has(op.name) ? ["u32"] : [];
  const cases = types.map((dtype) => ({
    note: dtype,
    // Not 0 on the right: a remainder by it means nothing.
    inputs: Array.from({ length: op.arity }, (_, i) => integer([2, 9], dtype, i === 1 ? [1, 7] : undefined)),
    attrs: undefined,
  }));
  const logical = op.name === "and" || op.name === "or" || op.name === "xor" || op.name === "eq" || op.name === "ne";
  return logical ? [...cases, two("bool", bool([9]), bool([9]))] : cases;
}

function attrsOf(tensor: Tensor): unknown {
  const source = sourceOf(tensor);
  if (source.kind !== "op") throw new Error("A tensor that was just made has an operation");
  return source.attrs;
}

interface ConvShape {
  readonly note: string;
  readonly x: Shape;
  readonly weight: Shape;
  readonly options: Conv2dOptions;
}

const convolutions: readonly ConvShape[] = [
  { note: "plain", x: [2, 3, 6, 5], weight: [4, 3, 3, 2], options: {} },
  { note: "stride and padding", x: [1, 2, 7, 6], weight: [3, 2, 3, 3], options: { stride: [2, 3], padding: [1, 2] } },
  { note: "dilation", x: [2, 1, 7, 8], weight: [2, 1, 2, 3], options: { dilation: [2, 3] } },
  { note: "groups", x: [2, 4, 5, 5], weight: [6, 2, 3, 3], options: { groups: 2, padding: 1 } },
  { note: "pointwise", x: [2, 5, 3, 3], weight: [4, 5, 1, 1], options: {} },
  { note: "unused edge", x: [1, 2, 6, 6], weight: [2, 2, 2, 2], options: { stride: 3 } },
  { note: "sides of their own", x: [1, 2, 5, 4], weight: [2, 2, 2, 3], options: { padding: [[0, 1], [3, 0]], stride: [1, 2] } },
];

/** The input of a transposed convolution has the shape of the output of a convolution. */
const transposed: readonly {
  readonly note: string;
  readonly y: Shape;
  readonly weight: Shape;
  options: ConvTranspose2dOptions;
}[] = [
  { note: "transposed", y: [2, 3, 3, 2], weight: [3, 2, 3, 3], options: { stride: 2, padding: 1, outputPadding: [1, 0] } },
  { note: "transposed, untouched edges", y: [1, 2, 2, 3], weight: [2, 1, 2, 2], options: { stride: 4, outputPadding: 3 } },
  {
    note: "transposed, more edge than a step",
    y: [1, 2, 3, 2],
    weight: [2, 2, 2, 2],
    options: { stride: 2, dilation: 3, outputPadding: 2, padding: 1 },
  },
  { note: "transposed, less than there was", y: [1, 2, 5, 4], weight: [2, 2, 2, 1], options: { padding: [2, 1], groups: 2 } },
];

function convCases(operands: (x: Shape, weight: Shape, y: Shape) => readonly [Shape, Shape]): OpCase[] {
  const forward = convolutions.map(({ note, x, weight, options }) => {
    const y = conv2d(zeros(x), zeros(weight), options);
    const [left, right] = operands(x, weight, y.shape);
    return two(note, float(left), float(right), attrsOf(y));
  });
  const backward = transposed.map(({ note, y, weight, options }) => {
    const x = convTranspose2d(zeros(y), zeros(weight), options);
    const [left, right] = operands(x.shape, weight, y);
    return two(note, float(left), float(right), attrsOf(x));
  });
  return [...forward, ...backward];
}

const pools: readonly PoolCase<MaxPool2dOptions & AvgPool2dOptions>[] = [
  { note: "halving", x: [2, 3, 4, 6], options: { kernel: 2 } },
  { note: "overlapping", x: [1, 2, 6, 5], options: { kernel: 3, stride: [2, 1], padding: 1 } },
  { note: "ceil mode", x: [2, 1, 5, 7], options: { kernel: [2, 3], ceilMode: true } },
  { note: "ceil mode with padding", x: [1, 2, 5, 5], options: { kernel: 3, padding: 1, ceilMode: true } },
];
const maxPools: readonly PoolCase<MaxPool2dOptions>[] = [
  ...pools,
  { note: "dilation", x: [1, 2, 7, 8], options: { kernel: [3, 2], dilation: 2, stride: 2, padding: 1 } },
];
const avgPools: readonly PoolCase<AvgPool2dOptions>[] = [
  ...pools,
  {
    note: "without padding in the divisor",
    x: [1, 2, 5, 5],
    options: { kernel: 3, padding: 1, countIncludePad: false, ceilMode: true },
  },
];

interface PoolCase<O> {
  readonly note: string;
  readonly x: Shape;
  readonly options: O;
}

function poolCases<O>(
  pool: (x: Tensor, options: O) => Tensor,
  cases: readonly PoolCase<O>[],
  operands: (x: Shape, y: Shape) => readonly Shape[],
): OpCase[] {
  return cases.map(({ note, x, options }) => {
    const y = pool(zeros(x), options);
    return { note, inputs: operands(x, y.shape).map((shape) => float(shape)), attrs: attrsOf(y) };
  });
}

const reductions: OpCase[] = [
  one("one axis", float([3, 4]), { axes: [1] }),
  one("the first axis", float([3, 4]), { axes: [0] }),
  one("outer axes", float([2, 3, 4]), { axes: [0, 2] }),
  one("an axis of one", float([3, 1]), { axes: [1] }),
  one("the middle axis", float([2, 5, 3]), { axes: [1] }),
  one("all axes", float([2, 3]), { axes: [0, 1] }),
  one("many elements", float([3, 130]), { axes: [1] }),
  one("no rows", float([0, 3]), { axes: [1] }),
  one("i32", integer([3, 5], "i32"), { axes: [1] }),
  one("u32", integer([3, 5], "u32"), { axes: [0] }),
];

const words: OpCase[] = [[5], []].map((shape) => ({
  note: `[${shape}]`,
  inputs: Array.from({ length: 4 }, () => integer(shape, "u32", [0, 2 ** 32 - 1])),
  attrs: undefined,
}));

/** The cases of records that are not elementwise, or whose arguments differ from each other. */
const table: Readonly<Record<string, readonly OpCase[]>> = {
  where: shapes.map((shape) => ({ note: `[${shape}]`, inputs: [bool(shape), float(shape), float(shape)], attrs: undefined })),
  threefry0: words,
  threefry1: words,
  bitcast: [
    one("f32 to u32", { ...float([6]), dtype: "f32" }, { dtype: "u32" }),
    one("i32 to f32", integer([6], "i32", [1 << 24, 1 << 29]), { dtype: "f32" }),
    one("u32 to i32", integer([6], "u32", [0, 2 ** 32 - 1]), { dtype: "i32" }),
  ],
  cast: [
    one("float to f32", float([2, 3]), { dtype: "f32" }),
    one("float to i32", float([2, 3]), { dtype: "i32" }),
    one("float to u32", float([2, 3], "positive"), { dtype: "u32" }),
    one("float to u8", float([2, 3], "positive"), { dtype: "u8" }),
    one("float to bool", float([2, 3]), { dtype: "bool" }),
    one("i32 to f32", integer([2, 3], "i32"), { dtype: "f32" }),
    one("i32 to u32", integer([2, 3], "i32"), { dtype: "u32" }),
    one("u32 to f32", integer([6], "u32", [0, 2 ** 32 - 1]), { dtype: "f32" }),
    one("u32 to i32", integer([6], "u32", [0, 2 ** 32 - 1]), { dtype: "i32" }),
    one("u8 to f32", integer([7], "u8", [0, 255]), { dtype: "f32" }),
    one("u8 to i32", integer([7], "u8", [0, 255]), { dtype: "i32" }),
    one("i32 to u8", integer([7], "i32", [-300, 300]), { dtype: "u8" }),
    ...ofEachStorage((dtype, stored) => [
      one(`float to ${dtype}`, float([7]), { dtype }),
      one(`i32 to ${dtype}`, integer([7], "i32", [-70_000, 70_000]), { dtype }),
      one(`bool to ${dtype}`, bool([5]), { dtype }),
      one(`${dtype} to f32`, stored([2, 3]), { dtype: "f32" }),
      one(`${dtype} to i32`, stored([7]), { dtype: "i32" }),
      one(`${dtype} to u8`, stored([7], "positive"), { dtype: "u8" }),
      one(`${dtype} to bool`, stored([7]), { dtype: "bool" }),
    ]),
    one("bool to f32", bool([5]), { dtype: "f32" }),
    one("i32 to bool", integer([9], "i32", [-1, 1]), { dtype: "bool" }),
  ],
  stopGradient: [one("", float([2, 3])), one("i32", integer([4], "i32"))],
  withValues: [{ note: "", inputs: [float([2, 3]), float([2, 3])], attrs: undefined }],
  full: [
    { note: "f32", inputs: [], attrs: { value: 0.75, shape: [2, 3], dtype: "f32" } },
    { note: "scalar", inputs: [], attrs: { value: -3, shape: [], dtype: "i32" } },
    { note: "bool", inputs: [], attrs: { value: 1, shape: [3], dtype: "bool" } },
    ...ofEachStorage((dtype) => [{ note: dtype, inputs: [], attrs: { value: 0.75, shape: [3], dtype } }]),
    { note: "infinite", inputs: [], attrs: { value: -Infinity, shape: [3], dtype: "f32" } },
  ],
  index: [
    { note: "rows", inputs: [], attrs: { shape: [3, 4], offset: 0, strides: [1, 0] } },
    { note: "downwards", inputs: [], attrs: { shape: [2, 3], offset: 7, strides: [-3, 2] } },
    { note: "empty", inputs: [], attrs: { shape: [0], offset: 0, strides: [1] } },
  ],
  reshape: [
    one("merge", float([2, 3, 4]), { shape: [6, 4] }),
    one("split", float([12]), { shape: [3, 2, 2] }),
    one("to a scalar", float([1, 1]), { shape: [] }),
    one("empty", float([0, 3]), { shape: [2, 0] }),
    one("u8", integer([2, 3], "u8"), { shape: [3, 2] }),
    ...ofEachStorage((dtype, stored) => [one(dtype, stored([5, 3]), { shape: [3, 5] })]),
  ],
  permute: [
    one("matrix", float([2, 3]), { order: [1, 0] }),
    one("cycle", float([2, 3, 4]), { order: [2, 0, 1] }),
    one("bool", bool([3, 2]), { order: [1, 0] }),
    ...ofEachStorage((dtype, stored) => [one(dtype, stored([3, 5]), { order: [1, 0] })]),
  ],
  broadcastInDim: [
    one("scalar", float([]), { shape: [2, 3], axes: [] }),
    one("new axes", float([3]), { shape: [2, 3, 4], axes: [1] }),
    one("broadcast", float([2, 1, 4]), { shape: [2, 3, 4], axes: [0, 1, 2] }),
    one("both", float([1, 3]), { shape: [2, 5, 3], axes: [1, 2] }),
    one("to nothing", float([1, 3]), { shape: [0, 3], axes: [0, 1] }),
  ],
  slice: [
    one("part", float([5, 4]), { start: [1, 0], count: [3, 4], step: [1, 1] }),
    one("steps", float([7, 5]), { start: [1, 0], count: [3, 2], step: [2, 3] }),
    one("nothing", float([4]), { start: [2], count: [0], step: [1] }),
    ...ofEachStorage((dtype, stored) => [one(`${dtype} from an odd offset`, stored([9]), { start: [3], count: [5], step: [1] })]),
    one("unused end", float([6]), { start: [0], count: [2], step: [3] }),
  ],
  flip: [
    one("one axis", float([3, 4]), { axes: [0] }),
    one("all", float([2, 3]), { axes: [0, 1] }),
    one("", float([0]), { axes: [0] }),
  ],
  pad: [
    one("around", float([2, 3]), { low: [1, 0], high: [0, 2], interior: [0, 0], value: 0 }),
    one("between", float([3, 2]), { low: [0, 1], high: [1, 0], interior: [1, 2], value: 0 }),
    one("with a value", float([2]), { low: [2], high: [1], interior: [0], value: 0.75 }),
    one("nothing", float([0]), { low: [1], high: [2], interior: [3], value: 1 }),
    one("i32", integer([3], "i32"), { low: [1], high: [1], interior: [0], value: 7 }),
    ...ofEachStorage((dtype, stored) => [one(dtype, stored([4]), { low: [1], high: [2], interior: [1], value: 0.1 })]),
  ],
  concat: [
    two("rows", float([2, 3]), float([1, 3]), { axis: 0 }),
    { note: "three, columns", inputs: [float([2, 1]), float([2, 3]), float([2, 2])], attrs: { axis: 1 } },
    two("one empty", float([0, 2]), float([3, 2]), { axis: 0 }),
    one("one", float([2, 2]), { axis: 1 }),
    two("u8", integer([3], "u8"), integer([2], "u8"), { axis: 0 }),
    ...ofEachStorage((dtype, stored) => [two(dtype, stored([3]), stored([4]), { axis: 0 })]),
  ],
  sum: [...reductions, one("an empty axis", float([3, 0]), { axes: [1] })],
  max: reductions,
  min: reductions,
  argmax: reductions,
  argmin: reductions,
  prod: [
    ...reductions.filter(({ note }) => note !== "many elements"),
    one("an empty axis", float([3, 0]), { axes: [1] }),
    one("an odd number", float([2, 7]), { axes: [1] }),
  ],
  matmul: [
    two("matrices", float([3, 4]), float([4, 5])),
    two("batch", float([2, 3, 4]), float([2, 4, 2])),
    two("two batch axes", float([2, 2, 3, 2]), float([2, 2, 2, 3])),
    two("a row by a column", float([1, 7]), float([7, 1])),
    two("an empty sum", float([2, 0]), float([0, 3])),
    two("i32", integer([2, 3], "i32"), integer([3, 2], "i32")),
  ],
  conv2d: convCases((x, weight) => [x, weight]),
  conv2dInputGrad: convCases((_, weight, y) => [y, weight]),
  conv2dFilterGrad: convCases((x, _, y) => [x, y]),
  maxPool2d: poolCases(maxPool2d, maxPools, (x) => [x]),
  maxPool2dScatter: poolCases(maxPool2d, maxPools, (x, y) => [x, y]),
  maxPool2dGather: poolCases(maxPool2d, maxPools, (x) => [x, x]),
  avgPool2d: poolCases(avgPool2d, avgPools, (x) => [x]),
  avgPool2dGrad: poolCases(avgPool2d, avgPools, (_, y) => [y]),
  take: [
    two("rows", float([2, 5, 3]), integer([4], "i32", [0, 4]), { size: 5 }),
    two("out of range", float([1, 3, 2]), integer([6], "i32", [-9, 9]), { size: 3 }),
    two("none", float([2, 3, 2]), integer([0], "i32"), { size: 3 }),
  ],
  argsort: [
    one("rows", float([3, 7]), { descending: false }),
    one("a vector, descending", float([40]), { descending: true }),
    one("two axes of rows", float([2, 3, 5]), { descending: true }),
    one("ties", integer([2, 70], "i32", [-3, 3]), { descending: true }),
    one("u32", integer([2, 9], "u32"), { descending: false }),
    one("the first two", float([3, 40]), { count: 2, descending: true }),
    one("none of them", float([3, 4]), { count: 0, descending: false }),
    one("nothing", float([2, 0]), { descending: false }),
    one("no rows", float([0, 3]), { descending: false }),
  ],
  cumsum: [
    one("rows", float([3, 7]), { axis: 1, reverse: false }),
    one("backwards", float([9]), { axis: 0, reverse: true }),
    one("columns", float([5, 6]), { axis: 0, reverse: false }),
    one("in the middle, backwards", float([2, 4, 3]), { axis: 1, reverse: true }),
    one("of i32", integer([2, 5, 4], "i32"), { axis: 1, reverse: false }),
    one("of u32", integer([6], "u32"), { axis: 0, reverse: false }),
    one("of nothing", float([2, 0]), { axis: 1, reverse: false }),
  ],
  barrier: [one("", float([2, 3]), { id: 0 }), two("after another", float([3]), integer([2, 2], "i32"), { id: 1 })],
  write: [
    {
      note: "rows",
      inputs: [float([2, 5, 3]), float([2, 3, 3]), integer([3], "i32", [0, 4])],
      attrs: { size: 5 },
    },
    { note: "one row", inputs: [float([1, 4, 2]), float([1, 1, 2]), integer([1], "i32", [0, 3])], attrs: { size: 4 } },
    {
      note: "over each other, out of range",
      inputs: [float([2, 3, 2]), float([2, 6, 2]), integer([6], "i32", [-9, 9])],
      attrs: { size: 3 },
    },
    { note: "none", inputs: [float([2, 3, 2]), float([2, 0, 2]), integer([0], "i32")], attrs: { size: 3 } },
    { note: "u8", inputs: [integer([1, 3, 5], "u8"), integer([1, 2, 5], "u8"), integer([2], "i32", [0, 2])], attrs: { size: 3 } },
    ...ofEachStorage((dtype, stored) => [
      { note: dtype, inputs: [stored([1, 3, 5]), stored([1, 2, 5]), integer([2], "i32", [0, 2])], attrs: { size: 3 } },
    ]),
  ],
  takeSpans: [
    two("of lines", float([2, 9]), integer([1], "i32", [0, 5]), { length: 4 }),
    two("several", integer([2, 9], "i32"), integer([3], "i32", [-1, 6]), { length: 4 }),
    two("out of range", float([1, 7]), integer([1], "i32", [-9, 9]), { length: 3 }),
    two("none", float([2, 5]), integer([0], "i32"), { length: 2 }),
    ...ofEachStorage((dtype, stored) => [two(dtype, stored([2, 9]), integer([1], "i32", [0, 5]), { length: 4 })]),
  ],
  writeSpans: [
    { note: "in lines", inputs: [float([2, 9]), float([2, 1, 4]), integer([1], "i32", [0, 5])], attrs: { length: 4 } },
    { note: "out of range", inputs: [float([1, 7]), float([1, 1, 3]), integer([1], "i32", [-9, 9])], attrs: { length: 3 } },
    { note: "none", inputs: [float([2, 5]), float([2, 0, 2]), integer([0], "i32")], attrs: { length: 2 } },
    { note: "u8", inputs: [integer([1, 7], "u8"), integer([1, 1, 5], "u8"), integer([1], "i32", [0, 2])], attrs: { length: 5 } },
  ],
  polygamma: [
    one("trigamma", float([2, 3], "positive"), { order: 1 }),
    one("even order", float([37], "positive"), { order: 2 }),
    one("higher order, a scalar", float([], "positive"), { order: 5 }),
  ],
  takeGrad: [
    two("rows", float([2, 4, 3]), integer([4], "i32", [0, 4]), { size: 5 }),
    two("out of range", float([1, 6, 2]), integer([6], "i32", [-9, 9]), { size: 3 }),
    two("none", float([2, 0, 2]), integer([0], "i32"), { size: 3 }),
  ],
};

function isElementwise(op: Op): op is ElementwiseOp {
  return "domain" in op;
}

/** The cases of a record; none if it was forgotten. */
export function casesOf(op: Op): readonly OpCase[] {
  if (Object.hasOwn(table, op.name)) return table[op.name];
  return isElementwise(op) ? [...elementwiseCases(op), ...integerCases(op)] : [];
}

/** Names in the table, to find those that no record has. */
export const tableNames: readonly string[] = Object.keys(table);
