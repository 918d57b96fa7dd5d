/**
 * Sequences and optionals: lists that exist while a graph is walked, and never on a device.
 *
 * @module
 */
import { CotangentError } from "../../core/errors.ts";
import { normalizeAxis } from "../../core/shape.ts";
import { concat, split, squeeze, stack, type Tensor } from "../../mod.ts";
import { type Call, limited, type OpTable } from "../call.ts";
import { Host, Sequence, type Value } from "../values.ts";

/** A position in a list, from its end if it is negative; `end` is that behind the last item. */
function position(call: Call, i: number, count: number, end: number): number {
  const given = call.scalar(i, end);
  const at = given < 0 ? given + count : given;
  if (at >= 0 && at <= end) return at;
  throw new CotangentError(`position ${given} is outside of a sequence of ${count}`, { position: given, count });
}

function tensorsOf({ items }: Sequence): Tensor[] {
  return items.map((item) => {
    if (item instanceof Sequence) throw new CotangentError("its sequence holds sequences, not tensors", {});
    return item instanceof Host ? item.tensor() : item;
  });
}

function insert(call: Call): Value {
  const { items } = call.sequence(0);
  const at = position(call, 2, items.length, items.length);
  return new Sequence([...items.slice(0, at), call.value(1), ...items.slice(at)]);
}

function erase(call: Call): Value {
  const { items } = call.sequence(0);
  const at = position(call, 1, items.length, items.length - 1);
  return new Sequence(items.filter((_, i) => i !== at));
}

function concatenated(call: Call): Tensor {
  const tensors = tensorsOf(call.sequence(0));
  const axis = call.attributes.number("axis");
  return call.attributes.flag("new_axis", false) ? stack(tensors, { axis }) : concat(tensors, { axis });
}

/** How many tensors a sequence is cut into. */
const mostItems = 2 ** 16;

function splitToSequence(call: Call): Value {
  const x = call.tensor(0);
  const axis = normalizeAxis(call.attributes.number("axis", 0), x.rank, call.op);
  const extent = x.shape[axis];
  const given = call.has(1) ? call.host(1) : undefined;
  const each = given === undefined ? 1 : given.values[0];
  if (!(each >= 1) && given?.shape.length === 0) throw new CotangentError(`its parts would have ${each} elements`, { each });
  const sizes = given && given.shape.length > 0
    ? given.values
    : Array.from({ length: limited(Math.ceil(extent / each), mostItems, "the number of its parts") }, (_, i) =>
      Math.min(each, extent - i * each));
  const parts = split(x, sizes, { axis });
  const drops = given === undefined && !call.attributes.flag("keepdims", true);
  return new Sequence(drops ? parts.map((part) => squeeze(part, { axis })) : parts);
}

/** An optional is a sequence of none or one. A value that is none of those is there, of course. */
function element(call: Call): Value {
  const value = call.value(0);
  if (!(value instanceof Sequence)) return value;
  if (value.items.length !== 1) throw new CotangentError("its optional is empty", {});
  return value.items[0];
}

/** What these ops do. */
export const sequences: OpTable = {
  SequenceConstruct: (call) => new Sequence(call.inputs.map((_, i) => call.value(i))),
  SequenceEmpty: () => new Sequence([]),
  SequenceInsert: insert,
  SequenceErase: erase,
  SequenceAt: (call) => {
    const { items } = call.sequence(0);
    return items[position(call, 1, items.length, items.length - 1)];
  },
  SequenceLength: (call) => new Host("int64", [], [call.sequence(0).items.length]),
  ConcatFromSequence: concatenated,
  SplitToSequence: splitToSequence,
  SequenceMap: (call) => {
    const graph = call.attributes.graph("body");
    const rows = call.sequence(0).items.map((item, i) => {
      const others = call.inputs.slice(1).map((input) => input!.value instanceof Sequence ? input!.value.items[i] : input!.value);
      return call.run(graph, [item, ...others]);
    });
    return graph.outputs.map((_, k) => new Sequence(rows.map((row) => row[k])));
  },
  Optional: (call) => new Sequence(call.has(0) ? [call.value(0)] : []),
  OptionalHasElement: (call) => {
    const value = call.has(0) ? call.value(0) : new Sequence([]);
    return new Host("bool", [], [Number(!(value instanceof Sequence) || value.items.length > 0)]);
  },
  OptionalGetElement: element,
};
