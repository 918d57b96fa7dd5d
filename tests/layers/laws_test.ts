/**
 * Layers with rules of their own making, held to all laws: derivatives of order 2, vmap, jit, devices.
 *
 * @module
 */
import { concat, layers, logicalNot, scaledDotProductAttention, sigmoid, type Tensor } from "../../mod.ts";
import { testSubjects } from "../support/each_subject.ts";
import type { Subject } from "../support/laws.ts";
import type { Input } from "../support/op_cases.ts";

const { crossAttention, embedding, evalMode, gruCell, lstmCell } = layers;

const float = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "float" });
const bool = (...shape: number[]): Input => ({ shape, domain: "any", dtype: "bool" });
const words: Input = { shape: [2, 3], domain: "integer", dtype: "i32", range: [0, 3] };

const subject = (name: string, inputs: readonly Input[], f: Subject["f"]): Subject => ({ name, inputs, f });

/** The layer's result for x and parameters in the order of their names. */
function applied(layer: layers.AnyLayer, names: readonly string[]): Subject["f"] {
  return (x, ...params) => layer.apply(Object.fromEntries(names.map((name, i) => [name, params[i]])), {}, x, evalMode)[0];
}

const cellNames = ["weightIh", "weightHh", "biasIh", "biasHh"];

function cellOf(tensors: readonly Tensor[]): layers.CellParams {
  const [weightIh, weightHh, biasIh, biasHh] = tensors;
  return { weightIh, weightHh, biasIh, biasHh };
}

testSubjects([
  subject("embedding", [words, float(4, 2)], applied(embedding({ numEmbeddings: 4, features: 2 }), ["weight"])),
  subject("scaledDotProductAttention", [float(3, 2), float(4, 2), float(4, 3)], (q, k, v) => scaledDotProductAttention(q, k, v)),
  subject(
    "scaledDotProductAttention, causal",
    [float(2, 3, 2), float(2, 3, 2), float(2, 3, 2)],
    (q, k, v) => scaledDotProductAttention(q, k, v, { causal: true, scale: 0.5 }),
  ),
  subject(
    "scaledDotProductAttention with a mask of bools",
    [float(3, 2), float(4, 2), float(4, 3), bool(3, 4)],
    (q, k, v, mask) => scaledDotProductAttention(q, k, v, { mask }),
  ),
  subject(
    "scaledDotProductAttention with rows that may take from nothing",
    [float(2, 2), float(3, 2), float(3, 2), bool(2, 1)],
    (q, k, v, mask) => concat([mask, logicalNot(mask)].map((each) => scaledDotProductAttention(q, k, v, { mask: each }))),
  ),
  subject(
    "scaledDotProductAttention with a mask of floats",
    [float(3, 2), float(4, 2), float(4, 3), float(3, 4)],
    (q, k, v, mask) => scaledDotProductAttention(q, k, v, { mask }),
  ),
  subject(
    "crossAttention",
    [float(1, 2, 4), float(1, 3, 4), float(12, 4), float(12), float(4, 4), float(4)],
    (x, memory, inProjWeight, inProjBias, weight, bias) =>
      crossAttention({ inProjWeight, inProjBias, outProj: { weight, bias } }, x, memory, { heads: 2 }),
  ),
  subject(
    "lstmCell",
    [float(2, 3), float(2, 2), float(2, 2), float(8, 3), float(8, 2), float(8), float(8)],
    (x, hidden, cell, ...params) => {
      const next = lstmCell(cellOf(params), { hidden, cell }, x);
      return concat([next.hidden, next.cell]);
    },
  ),
  subject(
    "gruCell",
    [float(2, 3), float(2, 2), float(6, 3), float(6, 2), float(6), float(6)],
    (x, hidden, ...params) => gruCell(cellOf(params), { hidden }, x).hidden,
  ),
  subject(
    "lstm",
    [float(1, 3, 2), float(8, 2), float(8, 2), float(8), float(8)],
    applied(layers.lstm({ features: 2 }), cellNames.map((name) => `${name}L0`)),
  ),
  subject(
    "gru from both ends",
    [float(1, 2, 2), float(3, 2), float(3, 1), float(3, 2), float(3, 1)],
    applied(
      layers.gru({ features: 1, bidirectional: true, bias: false, returnSequences: false }),
      ["weightIhL0", "weightHhL0", "weightIhL0Reverse", "weightHhL0Reverse"],
    ),
  ),
  subject(
    "residual",
    [float(2, 3), float(3, 3), float(3)],
    (x, weight, bias) =>
      layers.residual({ fc: layers.linear({ features: 3 }), sigmoid }).apply({ fc: { weight, bias } }, {}, x, evalMode)[0],
  ),
]);
