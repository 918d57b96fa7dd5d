/**
 * The sum of what pieces of a phase have summed by themselves.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import { plus, plusScaled, slotAddress } from "./addresses.ts";
import { floatBytes, vectorLanes } from "./vectors.ts";

/** Sums of parts at the address in a slot, those of one part behind those of the one before. */
interface PartSums {
  readonly slot: number;
  readonly parts: number;
  /** Of each part. */
  readonly floats: number;
}

/**
 * Writes the code that adds the sums of all parts in some rows, from one local to another, and stores them in the memory at the address in slot
 * `target`: first by vectors, then one by one.
 */
export function addSumsOfParts(
  c: FunctionWriter,
  { slot, parts, floats }: PartSums,
  target: number,
  rowFloats: number,
  [from, to]: readonly [number, number],
): void {
  const [source, end, sum] = c.locals("i32", 3);
  const setAddress = (slot: number, row: number, local: number) =>
    plusScaled(slotAddress(c, slot), row, rowFloats * floatBytes).set(local);
  setAddress(slot, from, source);
  setAddress(slot, to, end);
  setAddress(target, from, sum);
  const addThem = (load: "v128.load" | "f32.load", add: "f32x4.add" | "f32.add", store: "v128.store" | "f32.store") => {
    c.get(sum).get(source).mem(load);
    for (let part = 1; part < parts; part++) c.get(source).mem(load, part * floats * floatBytes).op(add);
    c.mem(store);
  };
  const whileRoomFor = (bytes: number, body: () => void) =>
    c.block(() => {
      const pushEnds = () => plus(c.get(source), bytes).get(end);
      pushEnds().op("i32.gt_u").brIf(0);
      c.loop(() => {
        body();
        c.increment(source, bytes).increment(sum, bytes);
        pushEnds().op("i32.le_u").brIf(0);
      });
    });
  whileRoomFor(vectorLanes * floatBytes, () => addThem("v128.load", "f32x4.add", "v128.store"));
  whileRoomFor(floatBytes, () => addThem("f32.load", "f32.add", "f32.store"));
  c.release("i32", source, end, sum);
}
