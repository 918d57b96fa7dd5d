/**
 * Kinds of the options that layers share.
 *
 * @module
 */
import { aFunction, checkedInside, flag, real } from "../core/kinds.ts";
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
