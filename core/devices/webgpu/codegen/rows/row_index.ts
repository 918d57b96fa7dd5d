/**
 * Indices of rows.
 *
 * @module
 */
import type { Access } from "../../../../ir/kernel.ts";
import { address, type Coordinate } from "../shader/coordinates.ts";
import type { Shader } from "../shader/shader.ts";

/** Names the row that index number `k` of a list names, clamped to the `size` rows there are. */
export function rowAt(shader: Shader, indices: Access, k: Coordinate, size: number): Coordinate {
  const index = shader.load(indices.buffer, shader.define(address(indices.offset, [1], [k]), "a"));
  return shader.define(`u32(clamp(${index}, 0, ${size - 1}))`, "row");
}
