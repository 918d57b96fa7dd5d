/**
 * Tensors as ONNX files hold them: as raw bytes, as lists of numbers, or in another file.
 *
 * @module
 */
import { fromHostArray } from "../core/dtype.ts";
import type { Tensor } from "../core/tensor.ts";
import { sizeOf } from "../core/shape.ts";
import { tensorFrom } from "../formats/elements.ts";
import { broken, unsupported } from "../formats/failures.ts";
import { copyOf } from "../formats/files.ts";
import { DataLocation, type TensorProto } from "./deps.ts";
import { type ElementName, elementOf, elementType, nameOfCode, storedBytes } from "./elements.ts";
import { Host, mostOnHost } from "./values.ts";

/** How the tensors of a file are read. */
export interface TensorReader {
  readonly file: string;
  /** The bytes that lie in another file, read beforehand. */
  readonly external: ReadonlyMap<TensorProto, ArrayBuffer>;
}

/** A tensor's type, shape and little-endian elements. */
interface Elements {
  readonly type: ElementName;
  readonly shape: readonly number[];
  readonly bytes: ArrayBuffer;
}

/** The type of a tensor's elements. */
export function typeOf({ dataType }: TensorProto, entry: string, file: string): ElementName {
  const type = elementOf(dataType);
  if (type === undefined) {
    throw unsupported(
      file,
      `its tensor ${JSON.stringify(entry)} has elements of ${nameOfCode(dataType)}, which no dtype holds`,
      entry,
    );
  }
  return type;
}

/** The extents of a tensor. */
export function shapeOf({ dims }: TensorProto, entry: string, file: string): number[] {
  const shape = dims.map(Number);
  if (shape.some((extent) => !(extent >= 0 && extent < 2 ** 31)) || !Number.isSafeInteger(sizeOf(shape))) {
    throw broken(file, "ONNX", "shape", `its tensor ${JSON.stringify(entry)} has the shape [${dims.join(", ")}]`, entry);
  }
  return shape;
}

function elementsOf(proto: TensorProto, entry: string, { file, external }: TensorReader): Elements {
  const type = typeOf(proto, entry, file);
  const shape = shapeOf(proto, entry, file);
  const bytes = proto.dataLocation === DataLocation.EXTERNAL ? external.get(proto) : own(proto, type);
  if (bytes === undefined) {
    throw unsupported(
      file,
      `its tensor ${JSON.stringify(entry)} lies in another file, which only initializers of a model read by its path may`,
      entry,
    );
  }
  const expected = storedBytes(type, sizeOf(shape));
  if (bytes.byteLength !== expected) {
    const has = `${bytes.byteLength} bytes of elements, but its shape [${shape.join(", ")}] of ${type} takes ${expected}`;
    throw broken(file, "ONNX", "size", `its tensor ${JSON.stringify(entry)} has ${has}`, entry);
  }
  return { type, shape, bytes: elementType(type).bytes < 1 ? halves(bytes, type, sizeOf(shape)) : bytes };
}

/** Elements that share bytes, the first in the lower half, as bytes of their own. */
function halves(bytes: ArrayBuffer, type: ElementName, count: number): ArrayBuffer {
  const pairs = new Uint8Array(bytes);
  const up = type === "int4" ? 28 : 0;
  return Int8Array.from({ length: count }, (_, i) => (pairs[i >> 1] >> 4 * (i & 1) & 15) << up >> up).buffer;
}

/** The elements inside the message. */
function own(proto: TensorProto, type: ElementName): ArrayBuffer {
  if (proto.rawData.length > 0) return copyOf(proto.rawData);
  switch (type) {
    case "float":
      return Float32Array.from(proto.floatData).buffer;
    case "double":
      return Float64Array.from(proto.doubleData).buffer;
    case "int64":
      return BigInt64Array.from(proto.int64Data).buffer;
    case "uint64":
      return BigUint64Array.from(proto.uint64Data).buffer;
    case "uint32":
      return Uint32Array.from(proto.uint64Data, Number).buffer;
    case "int32":
      return Int32Array.from(proto.int32Data).buffer;
    case "int16":
    case "uint16":
    case "float16":
    case "bfloat16":
      return Uint16Array.from(proto.int32Data).buffer;
    case "int4":
    case "uint4":
    case "int8":
    case "uint8":
    case "bool":
      return Uint8Array.from(proto.int32Data).buffer;
  }
}

/** A tensor of a file. */
export function tensorOf(proto: TensorProto, entry: string, reader: TensorReader): Tensor {
  return made(elementsOf(proto, entry, reader), entry, reader);
}

/** A tensor of a file as numbers if it is small, else as a tensor. */
export function constantOf(proto: TensorProto, entry: string, reader: TensorReader): Host | Tensor {
  const elements = elementsOf(proto, entry, reader);
  const { type, shape, bytes } = elements;
  return sizeOf(shape) > mostOnHost ? made(elements, entry, reader) : new Host(type, shape, numbersOf(type, bytes));
}

function made({ type, shape, bytes }: Elements, entry: string, { file }: TensorReader): Tensor {
  return tensorFrom(bytes, { file, format: "ONNX", entry, type: elementType(type).stored, shape });
}

function numbersOf(type: ElementName, bytes: ArrayBuffer): number[] {
  const views: Readonly<Record<ElementName, () => Iterable<number | bigint>>> = {
    float: () => new Float32Array(bytes),
    uint8: () => new Uint8Array(bytes),
    int8: () => new Int8Array(bytes),
    uint16: () => new Uint16Array(bytes),
    int16: () => new Int16Array(bytes),
    int32: () => new Int32Array(bytes),
    int64: () => new BigInt64Array(bytes),
    bool: () => Uint8Array.from(new Uint8Array(bytes), (each) => Number(each !== 0)),
    float16: () => new Float16Array(bytes),
    double: () => new Float64Array(bytes),
    uint32: () => new Uint32Array(bytes),
    uint64: () => new BigUint64Array(bytes),
    bfloat16: () => fromHostArray("bf16", new Uint16Array(bytes)),
    uint4: () => new Uint8Array(bytes),
    int4: () => new Int8Array(bytes),
  };
  return Array.from(views[type](), Number);
}
