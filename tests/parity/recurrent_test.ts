/**
 * Recurrent cells and layers against PyTorch, values and gradients, on every device.
 *
 * @module
 */
import { concat, flatten, layers } from "../../mod.ts";
import stored from "../fixtures/recurrent.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { type Call, type Tensors, testParity } from "./run.ts";

const fixtures = stored.recurrent as unknown as readonly OperationFixture[];

function cellParams({ weightIh, weightHh, biasIh, biasHh }: Tensors): layers.CellParams {
  return { weightIh, weightHh, biasIh, biasHh };
}

const lstmCell: Call = (inputs) => {
  const { hidden, cell } = layers.lstmCell(cellParams(inputs), { hidden: inputs.hidden, cell: inputs.cell }, inputs.x);
  return concat([flatten(hidden), flatten(cell)]);
};

const gruCell: Call = (inputs) => layers.gruCell(cellParams(inputs), { hidden: inputs.hidden }, inputs.x).hidden;

/** The layer that `make` makes of the options, run on x with the other inputs for parameters. */
function applied(make: (options: layers.RecurrentOptions) => layers.Layer<layers.RecurrentParams>): Call {
  return ({ x, ...params }, options) =>
    make(options as unknown as layers.RecurrentOptions).apply(params, {}, x, layers.evalMode)[0];
}

testParity("recurrent cells and layers agree with PyTorch", fixtures, {
  calls: { lstmCell, gruCell, lstm: applied(layers.lstm), gru: applied(layers.gru) },
});
