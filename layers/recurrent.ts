/**
 * Recurrent layers: a cell that is a pure function of its old state and one input, and layers that `scan` a sequence with it.
 *
 * @module
 */
import { ShapeError } from "../core/errors.ts";
import { scan } from "../core/grad/scan.ts";
import { add, mul, sub } from "../core/ops/binary.ts";
import { concat } from "../core/ops/concat.ts";
import { zeros } from "../core/ops/creation.ts";
import { permute } from "../core/ops/movement.ts";
import { split } from "../core/ops/slice.ts";
import { sigmoid, tanh } from "../core/ops/unary.ts";
import type { Key } from "../core/random.ts";
import { fraction, integer } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { drop } from "./drop.ts";
import { keyFor } from "./init.ts";
import { empty, parameter } from "./parameters.ts";
import { uniform } from "./initializers.ts";
import type { Layer, Mode } from "./layer.ts";
import { affine } from "./affine.ts";

/** What a cell learns, by PyTorch's names: the maps of its gates, one below the other. */
export interface CellParams {
  /** [gates * features, in]: from the input. */
  readonly weightIh: Tensor;
  /** [gates * features, features]: from the old state. */
  readonly weightHh: Tensor;
  /** [gates * features], added to the first. */
  readonly biasIh?: Tensor;
  /** [gates * features], added to the second. */
  readonly biasHh?: Tensor;
}

/** The state of an LSTM cell: [batch, features] each. */
export interface LstmState {
  /** The hidden state, which is the output. */
  readonly hidden: Tensor;
  /** The cell state. */
  readonly cell: Tensor;
}

/** The state of a GRU cell. */
export interface GruState {
  /** [batch, features] */
  readonly hidden: Tensor;
}

/** A kind of cell. The input's share of the gates comes ready: a sequence's is one product, outside the loop. */
interface Cell<S extends GruState> {
  readonly kind: string;
  readonly gates: number;
  readonly start: (hidden: Tensor) => S;
  readonly next: (state: S, fromInput: Tensor, fromHidden: Tensor) => S;
}

const lstmKind: Cell<LstmState> = {
  kind: "lstm",
  gates: 4,
  start: (hidden) => ({ hidden, cell: hidden }),
  next: ({ cell }, fromInput, fromHidden) => {
    const [i, f, g, o] = split(add(fromInput, fromHidden), 4, { axis: -1 });
    const next = add(mul(sigmoid(f), cell), mul(sigmoid(i), tanh(g)));
    return { hidden: mul(sigmoid(o), tanh(next)), cell: next };
  },
};

const gruKind: Cell<GruState> = {
  kind: "gru",
  gates: 3,
  start: (hidden) => ({ hidden }),
  next: ({ hidden }, fromInput, fromHidden) => {
    const [[xr, xz, xn], [hr, hz, hn]] = [fromInput, fromHidden].map((x) => split(x, 3, { axis: -1 }));
    const [reset, keep] = [sigmoid(add(xr, hr)), sigmoid(add(xz, hz))];
    // The reset gate multiplies the hidden share after its product and bias, as in PyTorch.
    const fresh = tanh(add(xn, mul(reset, hn)));
    return { hidden: add(fresh, mul(keep, sub(hidden, fresh))) };
  },
};

function shareOfInput(x: Tensor, { weightIh: weight, biasIh: bias }: CellParams): Tensor {
  return affine(x, bias ? { weight, bias } : { weight });
}

function advance<S extends GruState>(cell: Cell<S>, state: S, fromInput: Tensor, params: CellParams): S {
  const { weightHh: weight, biasHh: bias } = params;
  return cell.next(state, fromInput, affine(state.hidden, bias ? { weight, bias } : { weight }));
}

/**
 * One step of an LSTM: the new state from the old one and an input.
 *
 * i, f, o = sigmoid, g = tanh of the four parts of x weightIh^T + biasIh + hidden weightHh^T + biasHh, in the order i, f, g, o;
 * new cell = f cell + i g, new hidden = o tanh(new cell).
 *
 * ```ts
 * import { layers, ones, zeros } from "../mod.ts";
 * const params = { weightIh: ones([8, 3]), weightHh: ones([8, 2]), biasIh: zeros([8]), biasHh: zeros([8]) };
 * const state = { hidden: zeros([1, 2]), cell: zeros([1, 2]) };
 * console.log(layers.lstmCell(params, state, ones([1, 3])).hidden.shape); // [1, 2]
 * ```
 *
 * @param x [batch, in]
 * @throws {ShapeError} If parameters, state and input do not fit each other.
 * @see Hochreiter and Schmidhuber, "Long short-term memory", 1997; PyTorch's `nn.LSTMCell`
 */
export function lstmCell(params: CellParams, state: LstmState, x: Tensor): LstmState {
  return advance(lstmKind, state, shareOfInput(x, params), params);
}

/**
 * One step of a GRU: the new state from the old one and an input.
 *
 * r, z = sigmoid of the first two parts of x weightIh^T + biasIh + hidden weightHh^T + biasHh; n = tanh(the third part of x's share
 * + r * the third part of hidden's share); new hidden = (1 - z) n + z hidden.
 *
 * ```ts
 * import { layers, ones, zeros } from "../mod.ts";
 * const params = { weightIh: ones([6, 3]), weightHh: ones([6, 2]) };
 * console.log(layers.gruCell(params, { hidden: zeros([1, 2]) }, ones([1, 3])).hidden.shape); // [1, 2]
 * ```
 *
 * @param x [batch, in]
 * @throws {ShapeError} If parameters, state and input do not fit each other.
 * @see Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; PyTorch's `nn.GRUCell`
 */
export function gruCell(params: CellParams, state: GruState, x: Tensor): GruState {
  return advance(gruKind, state, shareOfInput(x, params), params);
}

/** Options of `lstm` and `gru`. */
export interface RecurrentOptions {
  /** The length of the hidden state. */
  readonly features: number;
  /** How many layers there are, each over the sequence that the one before makes. Default 1. */
  readonly layers?: number;
  /** Whether each layer has a second cell that runs over the sequence from its end; both results are joined. Default false. */
  readonly bidirectional?: boolean;
  /** Whether all steps are the result, or only the last (of the second cell, the one it makes last). Default true. */
  readonly returnSequences?: boolean;
  /** The probability of a feature between two layers becoming 0 while training. Default 0. */
  readonly dropout?: number;
  /** Whether there are biases. Default true. */
  readonly bias?: boolean;
}

/** Parameters by PyTorch's names: `weightIhL0`, `weightHhL0`, `biasIhL0`, `biasHhL0`, and so on for L1, L0Reverse ... */
export type RecurrentParams = Readonly<Record<string, Tensor>>;

/**
 * LSTM over sequences, by `scan`: one program, however long they are.
 *
 * Input [batch, time, in], output [batch, time, features], or [batch, features] if `returnSequences` is false; twice the features if
 * it is bidirectional. States start as 0. Parameters are named and started as in PyTorch's `nn.LSTM`: `weightIhL0` [4 features, in],
 * `weightHhL0` [4 features, features], `biasIhL0` and `biasHhL0` [4 features] for layer 0, `weightIhL0Reverse` and so on for its
 * second cell. To keep the state, or to start from another, `scan` with `lstmCell`.
 *
 * ```ts
 * import { layers, random, zeros } from "../mod.ts";
 * const model = layers.serial({
 *   lstm: layers.lstm({ features: 32, layers: 2, returnSequences: false }),
 *   head: layers.linear({ features: 5 }),
 * });
 * const { params, state, output } = model.init(random.key(0), [100, 8]);
 * console.log(output, params.lstm.weightIhL1.shape); // [5] [128, 32]
 * console.log(model.apply(params, state, zeros([2, 100, 8]), layers.evalMode)[0].shape); // [2, 5]
 * ```
 *
 * @throws {RangeError} If `features` or `layers` is no integer of at least 1, or `dropout` no probability.
 * @throws {ShapeError} From `init` and `apply`, if the input has other axes.
 * @see Hochreiter and Schmidhuber, "Long short-term memory", 1997
 */
export function lstm(options: RecurrentOptions): Layer<RecurrentParams> {
  return recurrent(lstmKind, options);
}

/**
 * GRU over sequences, by `scan`: as `lstm`, with three gates instead of four (`weightIhL0` is [3 features, in]).
 *
 * ```ts
 * import { layers, random } from "../mod.ts";
 * console.log(layers.gru({ features: 16, bidirectional: true }).init(random.key(0), [20, 8]).output); // [20, 32]
 * ```
 *
 * @throws {RangeError} If `features` or `layers` is no integer of at least 1, or `dropout` no probability.
 * @throws {ShapeError} From `init` and `apply`, if the input has other axes.
 * @see Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014
 */
export function gru(options: RecurrentOptions): Layer<RecurrentParams> {
  return recurrent(gruKind, options);
}

function recurrent<S extends GruState>(cell: Cell<S>, options: RecurrentOptions): Layer<RecurrentParams> {
  const features = integer(options.features, "features");
  const depth = integer(options.layers ?? 1, "layers");
  const p = fraction(options.dropout ?? 0, "dropout");
  const { bidirectional = false, returnSequences = true, bias = true } = options;
  const suffixes = bidirectional ? ["", "Reverse"] : [""];
  const width = features * suffixes.length;
  return {
    kind: cell.kind,
    init: (key, inputShape) => {
      checkSequence([1, ...inputShape], cell.kind);
      const [time, inputs] = inputShape;
      const params = Object.fromEntries(
        range(depth).flatMap((i) =>
          suffixes.flatMap((suffix) =>
            started(key, `L${i}${suffix}`, { inputs: i === 0 ? inputs : width, features, gates: cell.gates, bias })
          )
        ),
      );
      return { params, state: empty, output: returnSequences ? [time, width] : [width] };
    },
    apply: (params, state, x, mode) => {
      checkSequence(x.shape, cell.kind);
      let rows = swapTime(x);
      let last = rows;
      for (const i of range(depth)) {
        if (i > 0) rows = dropBetween(rows, p, mode, i);
        const directions = suffixes.map((suffix) => walk(cell, rows, paramsOf(params, `L${i}${suffix}`), suffix !== ""));
        rows = concat(directions.map(([, all]) => all), { axis: -1 });
        last = concat(directions.map(([end]) => end.hidden), { axis: -1 });
      }
      return [returnSequences ? swapTime(rows) : last, state];
    },
  };
}

/** The last state, and the hidden states of all steps: [time, batch, features]. */
function walk<S extends GruState>(cell: Cell<S>, rows: Tensor, params: CellParams, reverse: boolean): readonly [S, Tensor] {
  const fromInput = shareOfInput(rows, params);
  const first = cell.start(zeros([rows.shape[1], params.weightHh.shape[1]], { dtype: fromInput.dtype }));
  return scan(
    (state: S, row: Tensor) => {
      const next = advance(cell, state, row, params);
      return [next, next.hidden];
    },
    first,
    fromInput,
    { reverse },
  );
}

/** [batch, time, ...] as [time, batch, ...], and back. */
function swapTime(x: Tensor): Tensor {
  return permute(x, [1, 0, 2]);
}

function dropBetween(rows: Tensor, p: number, mode: Mode, layer: number): Tensor {
  return mode.kind === "train" ? drop(keyFor(mode.key, `L${layer}`), rows, rows.shape, p) : rows;
}

function paramsOf(params: RecurrentParams, suffix: string): CellParams {
  const of = (name: string) => params[`${name}${suffix}`];
  return { weightIh: of("weightIh"), weightHh: of("weightHh"), biasIh: of("biasIh"), biasHh: of("biasHh") };
}

/** The parameters of one cell, uniform in +-1 / sqrt(features). */
function started(
  key: Key,
  suffix: string,
  { inputs, features, gates, bias }: { inputs: number; features: number; gates: number; bias: boolean },
): [string, Tensor][] {
  const bound = 1 / Math.sqrt(features);
  const rows = gates * features;
  const shapes: [string, Shape][] = [
    ["weightIh", [rows, inputs]],
    ["weightHh", [rows, features]],
    ...(bias ? [["biasIh", [rows]], ["biasHh", [rows]]] as [string, Shape][] : []),
  ];
  return shapes.map(([name, shape]) => {
    const full = `${name}${suffix}`;
    return [full, parameter(key, full, shape, uniform({ min: -bound, max: bound }))];
  });
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function checkSequence(shape: Shape, kind: string): void {
  if (shape.length === 3) return;
  throw new ShapeError(`Cannot apply ${kind} to input ${showShape(shape)}: it needs axes [batch, time, features]`, { shape });
}
