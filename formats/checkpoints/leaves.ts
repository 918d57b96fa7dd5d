/**
 * The leaves of a tree as a file holds them: tensors by their paths, and all else as JSON that loses nothing.
 *
 * @module
 */
import { quoted } from "../../core/quoted.ts";
import { showShape } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import { mapLeaves, treeLeaves } from "../../core/tree.ts";
import { Failure } from "../failures.ts";

/** Values that are no tensors, as text that JSON keeps apart: what JSON itself would lose has a name. */
export type Written = string | boolean | null | readonly [type: "number" | "bigint" | "undefined", text?: string];

/** A tree taken apart. */
export interface Parts {
  readonly tensors: Record<string, Tensor>;
  readonly values: Record<string, Written>;
}

/**
 * The leaves of a tree by their paths.
 *
 * @throws {TypeError} If a leaf cannot be saved: a function, a typed array.
 */
export function takenApart(tree: unknown, what: string): Parts {
  const leaves = treeLeaves(tree);
  const isTensor = ({ value }: { value: unknown }) => value instanceof Tensor;
  return {
    tensors: Object.fromEntries(leaves.filter(isTensor).map(({ path, value }) => [path, value as Tensor])),
    values: Object.fromEntries(
      leaves.filter((leaf) => !isTensor(leaf)).map(({ path, value }) => [path, written(value, path, what)]),
    ),
  };
}

function written(value: unknown, path: string, what: string): Written {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return ["number", Object.is(value, -0) ? "-0" : String(value)];
    case "bigint":
      return ["bigint", String(value)];
    case "undefined":
      return ["undefined"];
  }
  if (value === null) return null;
  const remedy = ArrayBuffer.isView(value) ? "make a tensor of it" : "tensors, numbers, texts, booleans and null are saved";
  throw new TypeError(`Cannot call ${what} with ${quoted(value)} at ${JSON.stringify(path)}: ${remedy}`);
}

function readBack(text: Written): unknown {
  if (!Array.isArray(text)) return text;
  const [type, digits] = text;
  return type === "number" ? Number(digits) : type === "bigint" ? BigInt(digits) : undefined;
}

/**
 * A tree of the form of `like` with the leaves of a file.
 *
 * @throws {Failure} If the file is of another tree: the error names all that differs.
 */
export function putTogether<T>(like: T, { tensors, values }: Parts, file: string): T {
  const missing: string[] = [];
  const mismatched: string[] = [];
  const used = new Set<string>();
  const tree = mapLeaves(like, (old, path) => {
    used.add(path);
    const name = path === "" ? "the tree itself" : path;
    const isTensor = old instanceof Tensor;
    if (!Object.hasOwn(isTensor ? tensors : values, path)) {
      if (Object.hasOwn(isTensor ? values : tensors, path)) {
        mismatched.push(`${name} is ${isTensor ? "no tensor" : "a tensor"} there`);
      } else missing.push(name);
      return old;
    }
    const found = isTensor ? tensors[path] : readBack(values[path]);
    const reason = isTensor ? difference(found as Tensor, old) : otherType(found, old);
    if (reason !== undefined) mismatched.push(`${name} ${reason}`);
    return found;
  });
  const unexpected = [...Object.keys(tensors), ...Object.keys(values)].filter((path) => !used.has(path));
  if (missing.length + unexpected.length + mismatched.length > 0) {
    const lists = [["missing", missing], ["unexpected", unexpected], ["other", mismatched]] as const;
    const parts = lists.filter(([, names]) => names.length > 0).map(([what, names]) => `${what}: ${names.join(", ")}`);
    const message = `Cannot restore ${file}: it is of another tree; ${parts.join("; ")}`;
    throw new Failure({ kind: "Mismatch", message, file, missing, unexpected, mismatched });
  }
  return tree as T;
}

function difference(found: Tensor, { shape, dtype }: Tensor): string | undefined {
  if (showShape(found.shape) === showShape(shape) && found.dtype === dtype) return undefined;
  return `is ${found.dtype} ${showShape(found.shape)}, not ${dtype} ${showShape(shape)}`;
}

/** A value may be another one, but of the type that is expected; null and undefined stand for any. */
function otherType(found: unknown, old: unknown): string | undefined {
  if (old === null || old === undefined || found === null || found === undefined || typeof found === typeof old) return undefined;
  return `is a ${typeof found}, not a ${typeof old}`;
}
