/**
 * Recurrent layers: they `scan` a sequence with a cell.
 *
 * @module
 */
import { checkedLayer } from "./checked_layer.ts";
import { depthKind } from "./option_kinds.ts";
import { flag, real } from "../core/kinds.ts";
import { checkOptions, needed, optionTable } from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { scan } from "../core/grad/scan.ts";
import { concat } from "../core/ops/concat.ts";
import { zeros } from "../core/ops/creation.ts";
import { permute } from "../core/ops/movement.ts";
import type { Key } from "../core/random.ts";
import { fraction, integer } from "../core/ranges.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { drop } from "./drop.ts";
import { keyFor } from "./init.ts";
import { empty, parameter } from "./parameters.ts";
import { uniform } from "./initializers/mod.ts";
import type { Layer, Mode } from "./layer.ts";
import type { CellParams, GruState } from "./cell_types.ts";
import { advance, type Cell, gruKind, lstmKind, shareOfInput } from "./gates.ts";

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

const recurrentOptions = optionTable<RecurrentOptions>({
  features: needed(real),
  layers: depthKind,
  bidirectional: flag,
  returnSequences: flag,
  dropout: real,
  bias: flag,
});

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
  checkOptions(options, recurrentOptions, "lstm");
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
  checkOptions(options, recurrentOptions, "gru");
  return recurrent(gruKind, options);
}

function recurrent<S extends GruState>(cell: Cell<S>, options: RecurrentOptions): Layer<RecurrentParams> {
  const features = integer(options.features, "features");
  const depth = integer(options.layers ?? 1, "layers");
  const p = fraction(options.dropout ?? 0, "dropout");
  const { bidirectional = false, returnSequences = true, bias = true } = options;
  const suffixes = bidirectional ? ["", "Reverse"] : [""];
  const width = features * suffixes.length;
  return checkedLayer({
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
  });
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
