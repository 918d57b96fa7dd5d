/**
 * What benchmarks measure against: how many multiply-adds per second a core does when nothing is loaded or stored.
 *
 * @module
 */
import type { WasmModule } from "../assembler/module.ts";

/** Independent sums, as many as the largest micro-kernels have: enough to hide the latency of a multiply-add. */
const sumCount = 12;
const unrolledRounds = 4;

/** Floating-point operations per round of the function that `peakLoop` writes. */
export const peakFlopsPerRound = sumCount * unrolledRounds * 4 * 2;

/** Writes a function (rounds) -> f32 that does nothing but vector multiply-adds in registers; its value has no meaning. */
export function peakLoop(module: WasmModule, exportName: string): number {
  return module.func({ params: ["i32"], results: ["f32"], export: exportName }, (c) => {
    const sums = c.locals("v128", sumCount);
    const [x, y, round] = [c.local("v128"), c.local("v128"), c.local("i32")];
    c.f32x4(0.999).set(x).f32x4(0.001).set(y);
    sums.forEach((sum, i) => c.f32x4(i).set(sum));
    // sum = sum * x + y stays bounded, and no sum depends on another.
    c.for(round, 0, () => c.get(0), 1, () => {
      for (let i = 0; i < unrolledRounds; i++) for (const sum of sums) c.get(sum).get(x).get(y).op("f32x4.relaxed_madd").set(sum);
    });
    sums.forEach((sum, i) => i === 0 ? c.get(sum) : c.get(sum).op("f32x4.add"));
    c.lane("f32x4.extract_lane", 0);
  });
}
