/**
 * Recurrent cells: pure functions from the old state and one input to the new state.
 *
 * @module
 */
import { aRecord, argument, tensors } from "../core/kinds.ts";
import type { Tensor } from "../core/tensor.ts";
import type { CellParams, GruState, LstmState } from "./cell_types.ts";
import { advance, gruKind, lstmKind, shareOfInput } from "./gates.ts";

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
  checkCell(params, state, x, "lstmCell");
  argument(state.cell, tensors, "the cell of the state", "lstmCell");
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
  checkCell(params, state, x, "gruCell");
  return advance(gruKind, state, shareOfInput(x, params), params);
}

function checkCell(params: CellParams, state: GruState, x: Tensor, what: string): void {
  argument(params, aRecord<CellParams>(), "params", what);
  argument(state, aRecord<GruState>(), "state", what);
  argument(state.hidden, tensors, "the hidden part of the state", what);
  argument(x, tensors, "x", what);
}
