/**
 * A tensor in a notebook: type, shape and statistics, pictures if it has some, and the numbers of a corner.
 *
 * @module
 */
import { type DType, hostBytes, isBool, type TypedArray } from "../dtype.ts";
import { type Shape, showShape, sizeOf } from "../shape.ts";
import { bytesText, card, countText, escapeText, heading, type MimeBundle } from "./html.ts";
import { type Pictures, picturesOf } from "./pictures.ts";
import { barsOf, numberText, type Statistics, statisticsOf } from "./statistics.ts";

/** What is known of a tensor without its numbers. */
export interface Kind {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A tensor with its numbers; `text` is what a terminal shows. */
export function tensorBundle(values: TypedArray, { shape, dtype }: Kind, text: string): MimeBundle {
  const statistics = statisticsOf(values);
  const pictures = picturesOf(values, shape, dtype, statistics);
  const numbers = corner(values, shape, dtype, statistics);
  const content = [
    headingOf({ shape, dtype }),
    values.length > 1 ? statisticsRow(statistics, dtype) : "",
    ...pictures ? [picturesRow(pictures), `<details><summary>numbers</summary>${numbers}</details>`] : [numbers],
  ];
  return {
    "text/plain": text,
    "text/html": card(content.join("")),
    ...pictures ? { "image/png": pictures.together.toBase64() } : {},
  };
}

/** A tensor whose numbers cannot be had, and why. */
export function tensorWithoutValues(kind: Kind, text: string, why: string): MimeBundle {
  return { "text/plain": text, "text/html": card(`${headingOf(kind)}<div class="ctg-note">${escapeText(why)}</div>`) };
}

function headingOf({ shape, dtype }: Kind): string {
  const size = sizeOf(shape);
  const facts = `${countText(size)} ${size === 1 ? "number" : "numbers"}, ${bytesText(size * hostBytes(dtype))}`;
  return heading(`<b>${dtype}</b><code>${showShape(shape)}</code>`, facts);
}

function statisticsRow(statistics: Statistics, dtype: DType): string {
  const { least, most, mean, deviation, nans, infinities } = statistics;
  const fact = (name: string, text: string) => `<div><span>${name}</span><code>${text}</code></div>`;
  const wrong = [
    ...nans > 0 ? [`${countText(nans)} nan`] : [],
    ...infinities > 0 ? [`${countText(infinities)} inf`] : [],
  ];
  const facts = isBool(dtype) ? [fact("true", `${numberText(100 * mean)} %`)] : [
    fact("min", numberText(least)),
    fact("mean", numberText(mean)),
    fact("std", numberText(deviation)),
    fact("max", numberText(most)),
  ];
  const warning = wrong.length > 0 ? `<div class="ctg-warn"><span>not finite</span><code>${wrong.join(", ")}</code></div>` : "";
  return `<div class="ctg-stats">${facts.join("")}${warning}${isBool(dtype) ? "" : barsOf(statistics, 96, 30)}</div>`;
}

function picturesRow({ files, count, width, height, scale, meaning }: Pictures): string {
  const pictures = files.map((file, i) => {
    const source = `data:image/png;base64,${file.toBase64()}`;
    return `<img src="${source}" width="${width * scale}" height="${height * scale}" alt="picture ${i}"/>`;
  });
  const shown = files.length < count ? `the first ${files.length} of ${countText(count)}; ` : "";
  return `<div class="ctg-pics">${pictures.join("")}</div><div class="ctg-note">${shown}${meaning}</div>`;
}

/** How many rows and columns of a matrix are shown. */
const [mostRows, mostColumns] = [6, 8];

/** The first numbers of the last two axes, coloured by sign and size. */
function corner(values: TypedArray, shape: Shape, dtype: DType, statistics: Statistics): string {
  if (values.length === 0) return "";
  const [height, width] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  const [rows, columns] = [Math.min(height, mostRows), Math.min(width, mostColumns)];
  const size = Math.max(Math.abs(statistics.least), Math.abs(statistics.most));
  const cell = (value: number) => {
    const text = isBool(dtype) ? (value === 0 ? "false" : "true") : numberText(value);
    const share = size > 0 && Number.isFinite(value) ? Math.round(36 * Math.abs(value) / size) : 0;
    const colour = value < 0 ? "46 111 214" : "239 121 24";
    return `<td${share > 0 ? ` style="background:rgb(${colour}/${share}%)"` : ""}>${text}</td>`;
  };
  const numbered = values.length > 1;
  const more = columns < width ? "<td>…</td>" : "";
  const head = numbered ? `<tr><th></th>${each(columns, (k) => `<th>${k}</th>`)}${more && "<th></th>"}</tr>` : "";
  const body = each(rows, (i) => {
    const name = numbered ? `<th>${shape.length > 1 ? i : ""}</th>` : "";
    return `<tr>${name}${each(columns, (k) => cell(Number(values[i * width + k])))}${more}</tr>`;
  });
  const below = rows < height ? `<tr><th></th>${each(columns, () => "<td>⋮</td>")}</tr>` : "";
  const note = shape.length > 2 ? `<div class="ctg-note">[${"0, ".repeat(shape.length - 2)}:, :]</div>` : "";
  return `${note}<div class="ctg-wide"><table class="ctg-n"><tbody>${head}${body}${below}</tbody></table></div>`;
}

function each(count: number, write: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => write(i)).join("");
}
