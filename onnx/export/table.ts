/**
 * What becomes of each record, in one table: the rows that write them, what several together are, and what ONNX has nothing for.
 *
 * @module
 */
import { checkpointOp } from "../../core/grad/checkpoint.ts";
import { customOp } from "../../core/grad/custom.ts";
import { tupleOp } from "../../core/grad/tuple.ts";
import { barrierOp } from "../../core/ops/barrier.ts";
import { bitcastOp, threefry0Op, threefry1Op } from "../../core/ops/bits.ts";
import { stopGradientOp, variableOp, withValuesOp } from "../../core/ops/cast.ts";
import { conv2dFilterGradOp } from "../../core/ops/conv.ts";
import { digammaOp, lgammaOp, polygammaOp } from "../../core/ops/gamma.ts";
import { avgPool2dGradOp, maxPool2dGatherOp, maxPool2dScatterOp } from "../../core/ops/pool.ts";
import { erfinvOp } from "../../core/ops/special.ts";
import type { Op } from "../../core/tensor.ts";
import { activationFusions } from "./activations.ts";
import { elementwiseRows } from "./elementwise.ts";
import { type Fusion, Inexpressible, type Row, row, type Rows } from "./emitter.ts";
import { loopRows } from "./loop.ts";
import { movementRows } from "./movement.ts";
import { normalizationFusions } from "./normalizations.ts";
import { productFusions, productRows } from "./products.ts";
import { reductionFusions, reductionRows } from "./reductions.ts";
import { rowFusions, rowRows } from "./rows.ts";
import { windowFusions, windowRows } from "./windows.ts";

/** What a record is written as where ONNX has nothing for it. */
function never(why: string): Row {
  return () => {
    throw new Inexpressible(why);
  };
}

const ofDerivatives = "it only occurs in derivatives";
const ofRandomness = "it is a step of the random generator: give random numbers, or what is made of them, as inputs";
const noFunction = "ONNX has no such function";

/** Records that cannot be written. */
export const inexpressible: readonly (readonly [Op, Row])[] = [
  row(conv2dFilterGradOp, never(ofDerivatives)),
  row(maxPool2dScatterOp, never(ofDerivatives)),
  row(maxPool2dGatherOp, never(ofDerivatives)),
  row(avgPool2dGradOp, never(ofDerivatives)),
  row(threefry0Op, never(ofRandomness)),
  row(threefry1Op, never(ofRandomness)),
  row(bitcastOp, never("ONNX cannot read the bits of one type as another")),
  row(lgammaOp, never(noFunction)),
  row(digammaOp, never(noFunction)),
  row(polygammaOp, never(noFunction)),
  row(erfinvOp, never(noFunction)),
];

/** Records that only hand on what others made: none is left in a graph. */
export const handedOn: readonly Op[] = [
  barrierOp,
  stopGradientOp,
  variableOp,
  withValuesOp,
  tupleOp,
  checkpointOp,
  customOp,
] as Op[];

/** All rows. */
export const rows: Rows["rows"] = new Map([
  ...elementwiseRows,
  ...movementRows,
  ...windowRows,
  ...productRows,
  ...reductionRows,
  ...rowRows,
  ...loopRows,
  ...inexpressible,
]);

/** What is tried first, by the last record of each. */
export const fusions: Rows["fusions"] = grouped([
  ...windowFusions,
  ...productFusions,
  ...normalizationFusions,
  ...activationFusions,
  ...reductionFusions,
  ...rowFusions,
]);

function grouped(list: readonly (readonly [Op, Fusion])[]): ReadonlyMap<Op, readonly Fusion[]> {
  const groups = new Map<Op, Fusion[]>();
  for (const [op, fusion] of list) groups.set(op, [...groups.get(op) ?? [], fusion]);
  return groups;
}
