/**
 * Kinds of the options that charts and pictures share.
 *
 * @module
 */
import { aRecord, arrayLike, aString, type Kind, kindOf, numberPair, oneOf, real, stringList } from "../core/kinds.ts";
import { needed, type OptionKinds } from "../core/options.ts";
import type { BarChartOptions, ChartOptions, LineChartOptions } from "./curves.ts";
import type { RangeOptions } from "./pixels.ts";

/** Of charts. */
export const chartKinds: OptionKinds<ChartOptions> = {
  title: aString,
  xLabel: aString,
  yLabel: aString,
  width: real,
  height: real,
};

const scales = oneOf("linear", "log");

/** Of charts with lines. */
export const lineKinds: OptionKinds<LineChartOptions> = {
  ...chartKinds,
  series: needed(aRecord()),
  x: arrayLike,
  yScale: scales,
};

/** Of charts with bars. */
export const barKinds: OptionKinds<BarChartOptions> = {
  ...chartKinds,
  names: needed(stringList),
  series: needed(aRecord()),
  scale: scales,
};

/** What is written above pictures. */
export const labelKind: Kind<ArrayLike<string | number>> = kindOf(
  "a list of texts or numbers",
  (value) =>
    ArrayBuffer.isView(value) ||
    Array.isArray(value) && Array.from(value).every((each) => typeof each === "string" || typeof each === "number"),
);

/** Of pictures. */
export const rangeKinds: OptionKinds<RangeOptions> = { range: numberPair };
