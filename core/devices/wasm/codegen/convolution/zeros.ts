/**
 * Kernels whose sums have no terms.
 *
 * @module
 */
import { deviceBytes } from "../../../../dtype.ts";
import type { SimpleKernel } from "../../../../ir/kernel.ts";
import { sizeOf } from "../../../../shape.ts";
import { type GeneratorContext, type Phase, phaseLocals, phaseParams } from "../context.ts";
import { plusScaled, slotAddress } from "../emit/addresses.ts";

/** Results that are 0 everywhere, as one phase. */
export function zeros(context: GeneratorContext, kernel: SimpleKernel): readonly Phase[] {
  const type = context.program.buffers[kernel.operands[0].buffer].dtype === "f64" ? "f64" : "f32";
  const { slot, func: epilogue } = context.epilogue(kernel);
  const columns = kernel.shape.at(-1)!;
  const func = context.module.func({ params: phaseParams }, (c) => {
    const index = c.local("i32");
    c.for(index, 0, sizeOf(kernel.shape), 1, () => {
      plusScaled(slotAddress(c, slot), index, deviceBytes(type));
      (type === "f64" ? c.f64(0) : c.f32(0)).mem(`${type}.store`);
    });
    if (epilogue === undefined) return;
    slotAddress(c.get(phaseLocals.table), slot).i32(0).i32(sizeOf(kernel.shape) / columns).i32(0).i32(columns).call(epilogue);
  });
  return [{ func, pieces: 1 }];
}
