/**
 * Kinds of the options that optimizers share.
 *
 * @module
 */
import type { Optimizer } from "./optimizer.ts";
import { checkedInside, type Kind, kindOf, real } from "../core/kinds.ts";
import type { OptionKinds } from "../core/options.ts";
import type { DecayOptions } from "./decay.ts";

/** Of optimizers that can make parameters smaller. */
export const decayKinds: OptionKinds<DecayOptions> = { weightDecay: real, decayMask: checkedInside() };

/** What has the functions of an optimizer. */
export const anOptimizer: Kind<Optimizer> = kindOf(
  "an optimizer",
  (value) =>
    typeof value === "object" && value !== null && "init" in value && typeof value.init === "function" && "update" in value &&
    typeof value.update === "function",
);
