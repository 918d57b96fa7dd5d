/** Which kernels run together, row by row; that they compute the same is in the kernel cases of all devices. */
import assert from "node:assert/strict";
import { rowBlocksFrom } from "../../../../core/devices/wasm/codegen/row_blocks.ts";
import { rowPrograms } from "../../../support/kernel_cases/row_programs.ts";

Deno.test("kernels run together where rows stay among themselves, and enough is handed on", async (t) => {
  for (const { kernelCase: { name, program }, together, partner } of rowPrograms) {
    await t.step(name, () => {
      for (const threads of [1, 2]) {
        const found = rowBlocksFrom(program, program.kernels, 0, threads);
        assert.equal(found?.kernels.length ?? 0, together);
        if (found) assert.equal(found.rows % found.blockRows, 0);
        assert.equal(found?.partner, partner);
      }
    });
  }
});

Deno.test("what only they read is kept by the threads", () => {
  const keptBy = (part: string) => {
    const { program } = rowPrograms.find(({ kernelCase: { name } }) => name.startsWith(part))!.kernelCase;
    return rowBlocksFrom(program, program.kernels, 0, 2)!.kept.size;
  };
  assert.equal(keptBy("softmax of [512"), 3);
  assert.equal(keptBy("softmax whose powers are read again"), 2);
});
