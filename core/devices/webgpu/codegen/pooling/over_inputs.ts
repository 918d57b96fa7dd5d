/**
 * Gradients of pooling with one invocation per input, which collects from the windows that cover it: no atomics are needed, and runs
 * repeat.
 *
 * @module
 */
import type { PoolKernel } from "../../../../ir/kernel.ts";
import { windowAxes } from "../../../../ir/windows.ts";
import type { Dispatch, KernelContext } from "../kernel_code.ts";
import { type Coordinate, decompose } from "../shader/coordinates.ts";
import { writeEpilogue } from "../shader/epilogue.ts";
import { independentWorkgroup, invocationIndex } from "../shader/invocations.ts";
import { Shader } from "../shader/shader.ts";

/** Writes what the output at (oy, ox), whose window covers an input, adds to it. */
export type Contribution = (shader: Shader, input: readonly Coordinate[], oy: string, ox: string) => string;

/** The dispatch that adds up the contributions to every input. */
export function dispatchOverInputs(context: KernelContext<PoolKernel>, contribution: Contribution): Dispatch {
  const { kernel } = context;
  const { n, c, h, w } = kernel.geometry;
  const total = n * c * h * w;
  const shader = new Shader(context, kernel.kind, independentWorkgroup(context.target, total), "u32");
  const { id, workgroups } = invocationIndex(shader, total);
  const input = decompose(shader, id, [n, c, h, w]);
  shader.line("var total = 0.0;");
  forCoveringOutputs(shader, kernel, 0, input[2], (oy) => {
    forCoveringOutputs(shader, kernel, 1, input[3], (ox) => {
      const value = contribution(shader, input, oy, ox);
      shader.line(`total += ${value};`);
    });
  });
  writeEpilogue(shader, kernel, input, 1, () => "total");
  return shader.dispatch(workgroups);
}

/** Runs `body` for the outputs along one axis whose windows cover an input, in ascending order of taps. */
function forCoveringOutputs(
  shader: Shader,
  { geometry: g }: PoolKernel,
  axis: 0 | 1,
  input: Coordinate,
  body: (output: string) => void,
): void {
  const { outputs, taps, stride, dilation, before } = windowAxes(g)[axis];
  // From the last window that begins at the input or before, down to the first that reaches it.
  const place = shader.define(`${input} + ${before}u`, "y");
  const last = shader.define(`min(${place} / ${stride}u, ${outputs - 1}u)`, "o");
  const ahead = (taps - 1) * dilation;
  const first = ahead === 0
    ? `(${place} + ${stride - 1}u) / ${stride}u`
    : `(max(${place}, ${ahead}u) - ${ahead}u + ${stride - 1}u) / ${stride}u`;
  const least = shader.define(first, "o");
  const count = shader.define(`max(${last} + 1u, ${least}) - ${least}`, "n");
  shader.loop("0u", count, 1, (i) => {
    const output = shader.define(`${last} - ${i}`, "o");
    const isTap = dilation === 1 ? undefined : `(${place} - ${output} * ${stride}u) % ${dilation}u == 0u`;
    shader.when([isTap], () => body(output));
  });
}
