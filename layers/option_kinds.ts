/**
 * Kinds of the options that layers share.
 *
 * @module
 */
import type { AnyLayer } from "./layer.ts";
import { aFunction, checkedInside, flag, type Kind, kindOf, natural, real } from "../core/kinds.ts";
import { needed, type OptionKinds, optionTable } from "../core/options.ts";
import type { ChannelOptions } from "./channels.ts";
import type { InitOptions } from "./init.ts";

/** Of layers with a weight. */
export const initKinds: OptionKinds<InitOptions> = { weightInit: aFunction(), biasInit: aFunction() };

/** Of convolutions. */
export const channelKinds: OptionKinds<ChannelOptions<boolean>> = {
  ...initKinds,
  features: needed(real),
  groups: checkedInside(),
  bias: flag,
};

/** Of functions that list the parts of a network. */
export const walkOptions = optionTable<{ readonly depth?: number }>({ depth: real });

/** Of layers that stand on one another: each costs time to make, so none has more. */
export const depthKind: Kind<number> = kindOf(
  "an integer from 1 to 10,000",
  (value) => natural.holds(value) && value >= 1 && value <= 10_000,
  "number",
);

/** What has the functions of a layer. */
export const aLayer: Kind<AnyLayer> = kindOf("a layer", isLayer);

function isLayer(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "init" in value && typeof value.init === "function" && "apply" in value && typeof value.apply === "function";
}
