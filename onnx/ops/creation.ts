/**
 * Ops that make arrays: constants, shapes, ranges.
 *
 * @module
 */
import { CotangentError } from "../../core/errors.ts";
import { sizeOf } from "../../core/shape.ts";
import { add, arange, cast, eye, full, mul, ones, type Tensor } from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";
import { elementOf, elementOfDType, elementType } from "../elements.ts";
import { Host, hostInts, mostOnHost, type Value } from "../values.ts";

function constant({ attributes }: Call): Value {
  if (attributes.has("value")) return attributes.tensor("value");
  if (attributes.has("value_int")) return new Host("int64", [], [attributes.number("value_int")]);
  if (attributes.has("value_ints")) return hostInts(attributes.numbers("value_ints"));
  if (attributes.has("value_float")) return new Host("float", [], [attributes.number("value_float")]);
  const floats = attributes.numbers("value_floats");
  return new Host("float", [floats.length], floats);
}

function shapeOf(call: Call): Value {
  const shape = call.shape(0);
  const at = (place: number) => Math.min(Math.max(place < 0 ? place + shape.length : place, 0), shape.length);
  return hostInts(shape.slice(at(call.attributes.number("start", 0)), at(call.attributes.number("end", shape.length))));
}

function constantOfShape(call: Call): Value {
  const shape = call.ints(0);
  const given = call.attributes.has("value") ? call.attributes.tensor("value") : new Host("float", [1], [0]);
  if (!(given instanceof Host) || given.values.length !== 1) throw new CotangentError("attribute value must be one number", {});
  const size = sizeOf(shape);
  const [value] = given.values;
  if (size <= mostOnHost && shape.every((extent) => extent >= 0)) return new Host(given.type, shape, Array(size).fill(value));
  return full(shape, value, { dtype: elementType(given.type).dtype });
}

function range(call: Call): Value {
  const [start, limit, step] = [call.scalar(0), call.scalar(1), call.scalar(2)];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (!Number.isFinite(count)) {
    throw new CotangentError(`its range from ${start} to ${limit} by ${step} has no end`, { start, limit, step });
  }
  const { type } = call.host(0);
  if (count <= mostOnHost) return new Host(type, [count], Array.from({ length: count }, (_, i) => start + i * step));
  const { dtype } = elementType(type);
  return add(mul(cast(arange(count), dtype), cast(step, dtype)), cast(start, dtype));
}

function eyeLike(call: Call): Tensor {
  const [rows, columns] = call.ranked(0, 2);
  const { attributes } = call;
  const type = attributes.has("dtype") ? elementOf(attributes.number("dtype")) : elementOfDType(call.tensor(0).dtype);
  if (type === undefined) throw new CotangentError("its type is one that no dtype holds", {});
  return cast(eye(rows, { columns, offset: attributes.number("k", 0) }), elementType(type).dtype);
}

/** Inference: nothing is dropped, unless a node asks for training with a rate above 0. */
function dropout(call: Call): Results {
  const training = call.has(2) && call.scalar(2) !== 0;
  const rate = call.has(1) ? call.scalar(1) : call.opset < 12 ? 0 : call.attributes.number("ratio", 0.5);
  if (training && rate !== 0) throw new CotangentError("dropout in training mode is random, and not supported", { rate });
  const x = call.value(0);
  return call.wanted[1] ? [x, ones(call.shape(0), { dtype: "bool" })] : x;
}

/** What these ops do. */
export const creation: OpTable = {
  Constant: constant,
  Shape: shapeOf,
  Size: (call) => new Host("int64", [], [sizeOf(call.shape(0))]),
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  Dropout: dropout,
};
