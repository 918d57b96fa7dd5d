/**
 * The element types of files, by their names in the safetensors format, and the dtypes that they become.
 *
 * @module
 */
import { type DType, type HostArray, isBool, toHostArray, viewAsHost } from "../core/dtype.ts";
import { fromHost } from "../core/ops/from_values.ts";
import { type Shape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { broken, unsupported } from "./failures.ts";
import type { ElementName } from "./safetensors/types.ts";

/** What is known of a type. */
interface ElementType {
  readonly bits: number;
  /** The dtype with the same elements. */
  readonly dtype?: DType;
  /** The narrowest dtype that holds its numbers, and how they are seen; of 64 bits each number is checked. */
  readonly widened?: { readonly dtype: DType; readonly view: (buffer: ArrayBuffer) => ArrayLike<number | bigint> };
}

/** In the order in which the format's reference implementation sorts them; a file has the last ones first. */
const types: Readonly<Record<ElementName, ElementType>> = {
  BOOL: { bits: 8, dtype: "bool" },
  F4: { bits: 4 },
  F6_E2M3: { bits: 6 },
  F6_E3M2: { bits: 6 },
  U8: { bits: 8, dtype: "u8" },
  I8: { bits: 8, widened: { dtype: "i32", view: (buffer) => new Int8Array(buffer) } },
  F8_E5M2: { bits: 8 },
  F8_E4M3: { bits: 8 },
  F8_E8M0: { bits: 8 },
  F8_E4M3FNUZ: { bits: 8 },
  F8_E5M2FNUZ: { bits: 8 },
  I16: { bits: 16, widened: { dtype: "i32", view: (buffer) => new Int16Array(buffer) } },
  U16: { bits: 16, widened: { dtype: "u32", view: (buffer) => new Uint16Array(buffer) } },
  F16: { bits: 16, dtype: "f16" },
  BF16: { bits: 16, dtype: "bf16" },
  I32: { bits: 32, dtype: "i32" },
  U32: { bits: 32, dtype: "u32" },
  F32: { bits: 32, dtype: "f32" },
  C64: { bits: 64 },
  F64: { bits: 64, dtype: "f64" },
  I64: { bits: 64, widened: { dtype: "i32", view: (buffer) => new BigInt64Array(buffer) } },
  U64: { bits: 64, widened: { dtype: "u32", view: (buffer) => new BigUint64Array(buffer) } },
};

const names = Object.keys(types) as ElementName[];

/** Whether there is a type of that name. */
export function isElementName(name: string): name is ElementName {
  return Object.hasOwn(types, name);
}

/** The bits of an element. */
export function bitsOf(name: ElementName): number {
  return types[name].bits;
}

/** The place of a type in the order of a file, the last ones first. */
export function rankOf(name: ElementName): number {
  return names.indexOf(name);
}

/** The type as which elements of a dtype are written. */
export function nameOf(dtype: DType): ElementName {
  return names.find((name) => types[name].dtype === dtype)!;
}

/** Elements as numbers of a dtype. */
interface Elements {
  readonly dtype: DType;
  readonly values: HostArray;
}

/** The first number that does not fit into the dtype that a type becomes. */
interface OutOfRange {
  readonly dtype: DType;
  readonly index: number;
  readonly value: bigint;
}

/** Elements from their bytes, which are kept; undefined if no dtype holds them. */
function elementsFrom(name: ElementName, bytes: ArrayBuffer): Elements | OutOfRange | undefined {
  const { dtype, widened } = types[name];
  if (dtype !== undefined) {
    const values = viewAsHost(dtype, bytes);
    return { dtype, values: isBool(dtype) ? toHostArray(dtype, values) : values };
  }
  if (widened === undefined) return undefined;
  const view = widened.view(bytes);
  const values = viewAsHost(widened.dtype, new ArrayBuffer(4 * view.length));
  for (let index = 0; index < view.length; index++) {
    const value = view[index];
    values[index] = Number(value);
    if (typeof value === "bigint" && BigInt(values[index]) !== value) return { dtype: widened.dtype, index, value };
  }
  return { dtype: widened.dtype, values };
}

/** Those of NumPy and PyTorch: more of them are a way to take time. */
const mostAxes = 64;

/** A tensor of a file: what it is called there, and of which type and shape it is. */
export interface Described {
  readonly file: string;
  /** For errors: the name of the format. */
  readonly format: string;
  readonly entry: string;
  readonly type: ElementName;
  readonly shape: readonly number[];
}

/**
 * A tensor from the bytes of its elements, which are kept.
 *
 * @throws {Failure} If no dtype holds the elements, an integer of 64 bits is too large, or there are too many axes.
 */
export function tensorFrom(bytes: ArrayBuffer, { file, format, entry, type, shape }: Described): Tensor {
  if (shape.length > mostAxes) {
    throw unsupported(file, `its tensor ${JSON.stringify(entry)} has ${shape.length} axes; ${mostAxes} are the most`, entry);
  }
  const elements = elementsFrom(type, bytes);
  if (elements === undefined) {
    throw unsupported(file, `its tensor ${JSON.stringify(entry)} has elements of ${type}, which no dtype holds`, entry);
  }
  if ("index" in elements) {
    const { value, index, dtype } = elements;
    const reason = `its tensor ${JSON.stringify(entry)} has ${value} at index ${index}, which ${dtype} cannot hold`;
    throw broken(file, format, "range", reason, entry);
  }
  return fromHost(elements.values, shape as Shape, elements.dtype);
}
