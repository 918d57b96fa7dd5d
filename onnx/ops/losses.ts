/**
 * Losses of classifiers, for models that contain their own.
 *
 * @module
 */
import { CotangentError } from "../../core/errors.ts";
import {
  cast,
  div,
  eq,
  expandDims,
  logicalNot,
  logSoftmax,
  mul,
  neg,
  onesLike,
  squeeze,
  sum,
  take,
  takeAlongAxis,
  type Tensor,
  where,
} from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";

/** -w[label] log p[label], reduced; labels that are to be ignored weigh nothing. */
function negativeLogLikelihood(call: Call, logs: Tensor): Tensor {
  const labels = call.computed(1);
  const ignored = call.attributes.has("ignore_index") ? eq(labels, call.attributes.number("ignore_index")) : undefined;
  const safe = ignored ? where(ignored, 0, labels) : labels;
  const picked = neg(squeeze(takeAlongAxis(logs, expandDims(safe, { axis: 1 }), { axis: 1 }), { axis: 1 }));
  const given = call.has(2) ? take(call.computed(2), safe) : onesLike(picked);
  const weights = ignored ? mul(given, cast(logicalNot(ignored), given.dtype)) : given;
  const losses = mul(picked, weights);
  switch (call.attributes.text("reduction", "mean")) {
    case "none":
      return losses;
    case "sum":
      return sum(losses);
    case "mean":
      return div(sum(losses), sum(weights));
    default:
      throw new CotangentError(`there is no reduction ${call.attributes.text("reduction")}`, {});
  }
}

function softmaxCrossEntropy(call: Call): Results {
  const logs = logSoftmax(call.computed(0), { axis: 1 });
  return [call.like(0, negativeLogLikelihood(call, logs)), call.like(0, logs)];
}

/** What these ops do. */
export const losses: OpTable = {
  NegativeLogLikelihoodLoss: (call) => call.like(0, negativeLogLikelihood(call, call.computed(0))),
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
