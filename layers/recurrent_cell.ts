/**
 * Recurrent cells: pure functions from the old state and one input to the new state.
 *
 * @module
 */
import { add, mul, sub } from "../core/ops/binary.ts";
import { split } from "../core/ops/split.ts";
import { sigmoid, tanh } from "../core/ops/unary.ts";
import type { Tensor } from "../core/tensor.ts";
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
export interface Cell<S extends GruState> {
  readonly kind: string;
  readonly gates: number;
  readonly start: (hidden: Tensor) => S;
  readonly next: (state: S, fromInput: Tensor, fromHidden: Tensor) => S;
}

/** The LSTM's gates. */
export const lstmKind: Cell<LstmState> = {
  kind: "lstm",
  gates: 4,
  start: (hidden) => ({ hidden, cell: hidden }),
  next: ({ cell }, fromInput, fromHidden) => {
    const [i, f, g, o] = split(add(fromInput, fromHidden), 4, { axis: -1 });
    const next = add(mul(sigmoid(f), cell), mul(sigmoid(i), tanh(g)));
    return { hidden: mul(sigmoid(o), tanh(next)), cell: next };
  },
};

/** The GRU's gates. */
export const gruKind: Cell<GruState> = {
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

/** The input's share of the gates. */
export function shareOfInput(x: Tensor, { weightIh: weight, biasIh: bias }: CellParams): Tensor {
  return affine(x, bias ? { weight, bias } : { weight });
}

/** The next state, from the input's share of the gates. */
export function advance<S extends GruState>(cell: Cell<S>, state: S, fromInput: Tensor, params: CellParams): S {
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
