/**
 * Every record in another runtime: as it is, and over a batch whose size was not known.
 *
 * @module
 */
import { apply } from "../../../core/ops/define.ts";
import { allOps } from "../../../core/ops/mod.ts";
import { setDevice, type Tensor, vmap } from "../../../mod.ts";
import { encode } from "../../../onnx/mod.ts";
import { handedOn, inexpressible } from "../../../onnx/export/table.ts";
import { casesOf, type OpCase, sampleInput } from "../../support/op_cases.ts";
import { assertSame, type Exported } from "./run.ts";

await setDevice("wasm");

const left = new Set([...handedOn, ...inexpressible.map(([op]) => op)]);
/** Types that the runtime takes as inputs and computes with in all that these cases need. */
const types: ReadonlySet<string> = new Set(["float", "f32", "i32", "bool", "u8"]);
const bound = 2e-6;

/**
 * Not bf16, which the runtime does not give out; nor the sorting of no rows, in which it divides by their number; nor indices out of range,
 * which it refuses.
 */
function isTaken({ inputs, note }: OpCase): boolean {
  return inputs.every(({ dtype }) => types.has(dtype)) && !/bf16|^no rows$|out of range/.test(note);
}

for (const op of allOps) {
  if (left.has(op)) continue;
  Deno.test(op.name, async (t) => {
    for (const { note, inputs, attrs } of casesOf(op).filter(isTaken)) {
      await t.step(note, async () => {
        const xs = inputs.map((input, i) => sampleInput(input, i + 1, "f32"));
        const plain: Exported = (...args) => apply(op, args, attrs);
        await assertSame(plain, await encode(plain, xs, { batchAxis: null }), xs, bound);
        if (xs.length === 0) return;
        // With a filter for each example there would be as many groups as examples, which a file cannot leave open.
        const own = op.name.startsWith("conv2d") ? 1 : xs.length;
        const shared = xs.slice(own);
        const batched: Exported = vmap((...args: Tensor[]) => apply(op, [...args, ...shared], attrs));
        const batch = (size: number) => inputs.slice(0, own).map((input, i) => sampleInput(input, i + 3, "f32", [size]));
        const bytes = await encode(batched, batch(2));
        for (const size of [1, 3]) await assertSame(batched, bytes, batch(size), bound);
      });
    }
  });
}
