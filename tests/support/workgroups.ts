/**
 * Kernels with more workgroups along an axis than a dispatch may have there.
 *
 * @module
 */
import assert from "node:assert/strict";
import { arange, cast, data, reshape, type Tensor } from "../../mod.ts";
import { useDevice } from "../../core/execution/current_device.ts";
import { webgpu } from "./devices.ts";

/** More elements than workgroups of 64 that have one each may be along an axis. */
export const many = 65536 * 64 + 17;

/** Whole numbers from 0 on, of this shape. */
export function numbers(shape: readonly number[]): Tensor {
  return cast(reshape(arange(shape.reduce((size, extent) => size * extent, 1)), [...shape]), "f32");
}

/** What is computed, and element i of it. */
export type Case = readonly [compute: () => Tensor, expected: (i: number) => number];

/** Registers a test for each `webgpu` device: all elements are as expected. */
export function testWorkgroups(cases: Readonly<Record<string, Case>>): void {
  for (const { name, device } of webgpu instanceof Error ? [] : webgpu) {
    Deno.test({ name: `many workgroups on ${name}`, sanitizeOps: false, sanitizeResources: false }, async (t) => {
      useDevice(device);
      for (const [what, [compute, expected]] of Object.entries(cases)) {
        await t.step({
          name: what,
          sanitizeOps: false,
          sanitizeResources: false,
          fn: async () => {
            const values = await data(compute());
            const wrong = values.findIndex((value, i) => value !== expected(i));
            assert.equal(wrong, -1, `element ${wrong} is ${values[wrong]}, not ${expected(wrong)}`);
          },
        });
      }
    });
  }
}
