/**
 * Values as one wants to see them: small tensors as text; larger ones, records of them, charts and pictures as a notebook shows them.
 *
 * @module
 */
import { data, show, Tensor, treeLeaves } from "../../mod.ts";
import { display, type Displayed, jupyterDisplay } from "../../visual/mod.ts";

/** A part of what is shown. */
export type Shown =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "markup"; readonly html: string };

/** What to show of a value; nothing of undefined. */
export async function shownOf(value: unknown): Promise<Shown[]> {
  if (value === undefined) return [];
  const bundle = await richly(value)?.[jupyterDisplay]();
  if (bundle) return [{ kind: "markup", html: bundle["text/html"] }];
  return [{ kind: "text", text: typeof value === "string" ? value : await described(value, "") }];
}

/** What shows more than text can say. */
function richly(value: unknown): Displayed | undefined {
  if (value instanceof Tensor) return value.size > few ? display(value) : undefined;
  if (typeof value === "string") return value.startsWith("<svg") ? display(value) : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  if (jupyterDisplay in value) return value as Displayed;
  if (value instanceof Uint8Array) return isPng(value) ? display(value) : undefined;
  return isTreeOfTensors(value) ? display(value) : undefined;
}

/** Whether it is a record or list of tensors, such as parameters, of which one is too large to be written out. */
function isTreeOfTensors(value: object): boolean {
  const leaves = treeLeaves(value).map((leaf) => leaf.value);
  return leaves.every((leaf) => leaf instanceof Tensor) && leaves.some(({ size }) => size > few);
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
