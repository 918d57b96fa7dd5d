/**
 * Charts, pictures, models and parameters in a notebook. A tensor needs none of this: it shows itself (`core/execution/print.ts`).
 *
 * @module
 */
import { isRecord, natural, wholeList } from "../core/kinds.ts";
import { bytesText, card, countText, escapeText, heading, type MimeBundle, table } from "../core/notebook/html.ts";
import { barsOf, numberText, statisticsOf } from "../core/notebook/statistics.ts";
import { hostBytes } from "../core/dtype.ts";
import { OptionError } from "../core/errors.ts";
import { data } from "../core/execution/read.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { quoted } from "../core/quoted.ts";
import { type Shape, showShape } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { dottedName, treeLeaves } from "../core/tree.ts";
import type { AnyLayer } from "../layers/layer.ts";
import { aLayer } from "../layers/option_kinds.ts";
import { stageRows } from "../layers/stage_rows.ts";
import { summary } from "../layers/summary.ts";

/** `Symbol.for("Jupyter.display")`: the name under which Deno's Jupyter kernel looks for what a value shows. */
export const jupyterDisplay: unique symbol = Symbol.for("Jupyter.display");

/** What a notebook shows richly if it is the value of a cell. */
export interface Displayed {
  /** The content by MIME type. */
  readonly [jupyterDisplay]: () => Promise<MimeBundle>;
}

/** How to show a model. */
export interface DisplayOptions {
  /** The shape of a model's input, without the batch axis: a model needs it. */
  readonly inputShape?: Shape;
  /** How many levels of a model's stages. Default all. */
  readonly depth?: number;
}

const displayOptions = optionTable<DisplayOptions>({ inputShape: wholeList, depth: natural });

/**
 * Shows something in a notebook, as the value of a cell: a chart or figure (SVG), a picture (the bytes of a PNG or JPEG file), a model as
 * a table of its stages, or a tree of tensors, parameters for one, as a table with their statistics. Tensors show themselves, without this.
 *
 * ```ts
 * import { layers, ones } from "../mod.ts";
 * import { display, jupyterDisplay, lineChart } from "./mod.ts";
 * const shown = display(lineChart({ series: { loss: [3, 2, 1.5] } })); // in a notebook, this as the last line of a cell shows it
 * console.log(Object.keys(await shown[jupyterDisplay]())); // ["text/plain", "text/html", "image/svg+xml"]
 * display(layers.linear({ features: 3 }), { inputShape: [4] });
 * display({ weight: ones([2, 2]), bias: ones([2]) });
 * ```
 *
 * In light and dark notebooks charts have the colours of the text around them; they are as wide as there is room, or scrolled on phones.
 *
 * @param value SVG text, bytes of a file, a layer, or a tree of tensors.
 * @throws {TypeError} If it is nothing of these.
 * @throws {OptionError} If a model has no `inputShape`, or something else has one.
 * @throws {ShapeError} If the model cannot be applied to inputs of that shape.
 */
export function display(value: string | object, options: DisplayOptions = {}): Displayed {
  checkOptions(options, displayOptions, "display");
  const bundle = bundleOf(value, options);
  return { [jupyterDisplay]: bundle };
}

/** What makes the parts; mistakes are found at once. */
function bundleOf(value: unknown, { inputShape, depth }: DisplayOptions): () => Promise<MimeBundle> {
  if (aLayer.holds(value as AnyLayer)) {
    if (inputShape) return always(modelBundle(value as AnyLayer, inputShape, depth));
    throw new OptionError("Cannot display a model without inputShape: the shape of its input, without the batch axis", {
      option: "inputShape",
    });
  }
  const option = inputShape ? "inputShape" : depth === undefined ? undefined : "depth";
  if (option) throw new OptionError(`Cannot display ${quoted(value)} with ${option}: only models have one`, { option });
  if (value instanceof Tensor) return () => (value as Tensor & Displayed)[jupyterDisplay]();
  if (typeof value === "string" && value.startsWith("<svg")) return always(chartBundle(value));
  if (value instanceof Uint8Array) return always(pictureBundle(value));
  if (isRecord(value) || Array.isArray(value)) {
    const named = treeLeaves(value).flatMap(({ path, value }) =>
      value instanceof Tensor ? [[dottedName(path), value] as const] : []
    );
    if (named.length > 0) return () => treeBundle(named);
  }
  throw new TypeError(
    `Cannot display ${quoted(value)}: it must be SVG text, the bytes of a PNG or JPEG file, a layer, or a tree of tensors`,
  );
}

function always(bundle: MimeBundle): () => Promise<MimeBundle> {
  return () => Promise.resolve(bundle);
}

/** Over what a document says of its colours: in a notebook they are those of its text. */
const chartStyle = `
.ctg-chart{max-width:100%;overflow-x:auto;color:inherit;font:13px/1.4 system-ui,-apple-system,"Segoe UI",sans-serif}
.ctg-chart svg{display:block;max-width:max(100%,480px);height:auto;fill:currentColor;font-family:inherit}
.ctg-chart svg>rect:first-child{fill:none}
.ctg-chart svg [stroke="#e3e5ea"]{stroke:currentColor;stroke-opacity:.14}
.ctg-chart svg [stroke="#555"]{stroke:currentColor;stroke-opacity:.6}
.ctg-chart svg [stroke="#fff"]{stroke:none}
`.replaceAll("\n", "");

function chartBundle(svg: string): MimeBundle {
  const title = /<text[^>]*>([^<]*)<\/text>/.exec(svg)?.[1];
  return {
    "text/plain": `<SVG of ${countText(svg.length)} characters>`,
    "text/html": `<style>${chartStyle}</style><div class="ctg-chart" role="img"${
      title ? ` aria-label="${title}"` : ""
    }>${svg}</div>`,
    "image/svg+xml": svg,
  };
}

function pictureBundle(bytes: Uint8Array): MimeBundle {
  const isPng = [0x89, 0x50, 0x4e, 0x47].every((byte, i) => bytes[i] === byte);
  if (!isPng && !(bytes[0] === 0xff && bytes[1] === 0xd8)) {
    throw new TypeError(`Cannot display ${bytes.length} bytes: they are neither a PNG nor a JPEG file`);
  }
  const type = isPng ? "image/png" : "image/jpeg";
  const base64 = bytes.toBase64();
  const style = "display:block;max-width:100%;height:auto;border-radius:2px";
  return {
    "text/plain": `<${isPng ? "PNG" : "JPEG"} of ${bytesText(bytes.length)}>`,
    "text/html": `<img src="data:${type};base64,${base64}" alt="picture" style="${style}"/>`,
    [type]: base64,
  };
}

function modelBundle(model: AnyLayer, inputShape: Shape, depth: number | undefined): MimeBundle {
  const rows = stageRows(model, inputShape, depth).map(({ name, kind, output, parameters }) =>
    [name, kind, showShape(output), countText(parameters)].map(escapeText)
  );
  const total = rows.pop()!;
  const head = heading(`<b>${escapeText(model.kind ?? "model")}</b>`, `for inputs <code>${showShape(inputShape)}</code>`);
  return {
    "text/plain": summary(model, inputShape, { depth }),
    "text/html": card(head + table(["stage", "layer", "output", "parameters"], rows, { left: 3, foot: total })),
  };
}

/** A table of tensors by name. */
async function treeBundle(named: readonly (readonly [name: string, x: Tensor])[]): Promise<MimeBundle> {
  const rows = await Promise.all(named.map(async ([name, x]) => {
    const statistics = statisticsOf(await data(x));
    const { mean, deviation, least, most } = statistics;
    const texts = [name, x.dtype, showShape(x.shape), ...[mean, deviation, least, most].map(numberText)];
    return { texts, bars: barsOf(statistics, 72, 16) };
  }));
  const count = named.reduce((total, [, { size }]) => total + size, 0);
  const bytes = named.reduce((total, [, { size, dtype }]) => total + size * hostBytes(dtype), 0);
  const facts = `${countText(count)} numbers, ${bytesText(bytes)}`;
  const head = ["name", "dtype", "shape", "mean", "std", "min", "max", ""];
  const cells = rows.map(({ texts, bars }) => [...texts.map(escapeText), bars]);
  return {
    "text/plain": rows.map(({ texts: [name, dtype, shape, mean, deviation] }) =>
      `${name}  ${dtype}${shape}  mean ${mean}, std ${deviation}`
    )
      .join("\n"),
    "text/html": card(
      heading(`<b>${countText(named.length)} ${named.length === 1 ? "tensor" : "tensors"}</b>`, facts) +
        table(head, cells, { left: 3 }),
    ),
  };
}
