/**
 * The taps of a window that lie inside an image, in closed form: no shader goes through those outside.
 *
 * @module
 */
import type { Shader } from "./shader.ts";

/**
 * Defines the taps i, from the first until before the last, with 0 <= start + i step < extent and i < count.
 *
 * @param start Names a u32, which is below 0 if it wraps around to a large number.
 */
export function boundsInside(
  shader: Shader,
  extent: number,
  start: string,
  step: number,
  count: string,
): readonly [from: string, to: string] {
  const y = shader.define(`bitcast<i32>(${start})`, "y");
  const stride = Math.max(1, Math.abs(step));
  const up = (text: string) => `(max(0, ${text}) + ${stride - 1}) / ${stride}`;
  const [from, to] = step >= 0 ? [up(`-${y}`), up(`${extent} - ${y}`)] : [up(`${y} - ${extent - 1}`), up(`${y} + 1`)];
  return [shader.define(`u32(${from})`, "i"), shader.define(`min(u32(${to}), ${count})`, "i")];
}
