/**
 * Values as one wants to see them: tensors as text and, if they are images, as pictures; charts; records of tensors by their shapes.
 *
 * @module
 */
import { data, show, Tensor, type TypedArray } from "../../mod.ts";
import { imageGrid } from "../../visual/mod.ts";

/** A part of what is shown. */
export type Shown =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "chart"; readonly svg: string }
  | { readonly kind: "picture"; readonly png: Uint8Array<ArrayBuffer> };

/** What to show of a value; nothing of undefined. */
export async function display(value: unknown): Promise<Shown[]> {
  if (value === undefined) return [];
  if (value instanceof Tensor) return await displayTensor(value);
  if (typeof value === "string") {
    return [value.startsWith("<svg") ? { kind: "chart", svg: value } : { kind: "text", text: value }];
  }
  if (value instanceof Uint8Array && isPng(value)) return [{ kind: "picture", png: Uint8Array.from(value) }];
  return [{ kind: "text", text: await described(value, "") }];
}

async function displayTensor(x: Tensor): Promise<Shown[]> {
  const values = await data(x);
  const text: Shown = { kind: "text", text: show(x) };
  const png = await pictureOf(x, values);
  return png ? [text, { kind: "picture", png }] : [text];
}

/** Matrices and batches of images that are neither too small nor too large to look at, from their least number to their largest. */
async function pictureOf({ shape, size }: Tensor, values: TypedArray): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const [height, width] = shape.slice(-2);
  const isImage = shape.length === 2 && Math.min(height, width) >= 8 ||
    shape.length === 4 && (shape[1] === 1 || shape[1] === 3) && Math.min(height, width) >= 5 && shape[0] > 0;
  if (!isImage || size > 2 ** 20) return undefined;
  const range = Array.from(values).reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)] as const,
    [Infinity, -Infinity] as readonly [number, number],
  );
  if (!(Number.isFinite(range[1] - range[0]) && range[0] < range[1])) return undefined;
  const scale = Math.max(1, Math.floor((shape.length === 2 ? 320 : 56) / width));
  return await imageGrid({ images: values, shape }, { range, scale });
}

function isPng(bytes: Uint8Array): boolean {
  return [137, 80, 78, 71].every((byte, i) => bytes[i] === byte);
}

/** Above this many elements a tensor within something else is named by its type and shape only. */
const few = 10;

/** What an object holds, a line for each part if they are many. */
async function described(value: unknown, indent: string): Promise<string> {
  if (value instanceof Tensor) {
    if (value.size > few) return `${value.dtype}[${value.shape.join(", ")}]`;
    await data(value);
    return show(value);
  }
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === "function") return `[function ${value.name || "without a name"}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (ArrayBuffer.isView(value) && "length" in value) {
    const numbers = value as unknown as ArrayLike<number>;
    const [first, rest] = [Array.from(numbers).slice(0, 20).join(", "), numbers.length > 20 ? ", ..." : ""];
    return `${value.constructor.name}(${numbers.length}) [${first}${rest}]`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = await Promise.all(
    Object.entries(value).slice(0, 100).map(async ([name, part]) =>
      Array.isArray(value) ? await described(part, inner) : `${name}: ${await described(part, inner)}`
    ),
  );
  const line = parts.join(", ");
  if (line.length < 72 && !line.includes("\n")) return parts.length === 0 ? `${open}${close}` : `${open} ${line} ${close}`;
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}${close}`;
}
