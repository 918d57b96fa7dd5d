/**
 * Numbers in short: the least, the most, mean and deviation, and how they are spread, as small bars.
 *
 * @module
 */

/** What is known of some numbers. All but the counts is of the finite ones, and NaN if there is none. */
export interface Statistics {
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  /** The standard deviation, of the numbers themselves: divided by their count. */
  readonly deviation: number;
  readonly count: number;
  readonly nans: number;
  readonly infinities: number;
  /** How many numbers lie in each of as many equal parts from the least to the most. */
  readonly bins: readonly number[];
}

const binCount = 24;

/** Looks at numbers. */
export function statisticsOf(values: ArrayLike<number>): Statistics {
  let [least, most, finite, nans] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isFinite(value)) {
      finite++;
      if (value < least) least = value;
      if (value > most) most = value;
    } else if (Number.isNaN(value)) nans++;
  }
  const counts = { count: values.length, nans, infinities: values.length - finite - nans };
  if (finite === 0) return { least: NaN, most: NaN, mean: NaN, deviation: NaN, bins: [], ...counts };
  // In parts of the largest size nothing is too large or too small to be added up or squared.
  const size = Math.max(Math.abs(least), Math.abs(most)) || 1;
  let sum = 0;
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) sum += values[i] / size;
  const mean = sum / finite;
  const bins: number[] = most > least ? Array(binCount).fill(0) : [];
  const [start, width] = [least / size, most / size - least / size];
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    const part = values[i] / size;
    squares += (part - mean) ** 2;
    if (most > least) bins[Math.min(binCount - 1, Math.floor(binCount * (part - start) / width))]++;
  }
  // Rounding may carry the mean of equal numbers past them.
  return {
    least,
    most,
    mean: Math.min(most, Math.max(least, size * mean)),
    deviation: size * Math.sqrt(squares / finite),
    bins,
    ...counts,
  };
}

/** A number for a reader: four digits, integers in full. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "−inf";
  const size = Math.abs(value);
  const text = Number.isInteger(value) && size < 1e7
    ? size.toLocaleString("en-US")
    : size !== 0 && (size < 1e-3 || size >= 1e7)
    ? size.toExponential(2).replace("e+", "e").replace("e-", "e−")
    : `${Number(size.toPrecision(4))}`;
  return value < 0 ? `−${text}` : text;
}

/** The spread as small bars, in SVG; empty where there is none. */
export function barsOf({ bins }: Statistics, width: number, height: number): string {
  const highest = Math.max(0, ...bins);
  if (highest === 0) return "";
  const step = width / bins.length;
  const bars = bins.map((count, i) => {
    // What is there at all can be seen.
    const tall = count === 0 ? 0 : Math.max(1, height * count / highest);
    return count === 0
      ? ""
      : `M${+(i * step).toFixed(2)} ${height}v${-tall.toFixed(2)}h${+(step - 0.6).toFixed(2)}v${+tall.toFixed(2)}z`;
  }).join("");
  return `<svg class="ctg-bars" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="histogram"><path d="${bars}"/></svg>`;
}
