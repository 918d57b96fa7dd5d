/**
 * Kinds of the options that optimizers share.
 *
 * @module
 */
import { checkedInside, real } from "../core/kinds.ts";
import type { OptionKinds } from "../core/options.ts";
import type { DecayOptions } from "./decay.ts";

/** Of optimizers that can make parameters smaller. */
export const decayKinds: OptionKinds<DecayOptions> = { weightDecay: real, decayMask: checkedInside() };
