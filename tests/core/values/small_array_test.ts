/** Small host arrays are parts of larger ones, and nobody can tell. */
import assert from "node:assert/strict";
import { data, item, jit, mul, setDevice, type Tensor, tensor } from "../../../mod.ts";
import { smallArray } from "../../../core/values/small_array.ts";

Deno.test("small arrays are zeroed, and no element belongs to two of them", () => {
  const parts = Array.from({ length: 600 }, (_, i) => smallArray("f32", 1 + i % 16));
  for (const [i, part] of parts.entries()) {
    assert.deepEqual(part, new Float32Array(1 + i % 16));
    part.fill(i);
  }
  for (const [i, part] of parts.entries()) assert(Array.from(part).every((value) => value === i));
});

Deno.test("what is done to the array of one result changes no other", async () => {
  await setDevice("wasm");
  const double = jit((x: Tensor) => mul(x, 2));
  const results = [1, 2, 3].map((value) => double(tensor([value])));
  for (const result of results) {
    const values = await data(result);
    assert.equal(values.byteLength, values.buffer.byteLength);
    values.fill(0);
    structuredClone(values, { transfer: [values.buffer as ArrayBuffer] });
  }
  assert.deepEqual(await Promise.all(results.map((result) => item(result))), [2, 4, 6]);
});
