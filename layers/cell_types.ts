/**
 * Parameters and states of recurrent cells.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";

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
