/**
 * The lines of a matrix that an invocation has for itself, loaded as vectors where four neighbours are aligned.
 *
 * @module
 */
import { address, type Coordinate } from "../shader/coordinates.ts";
import { type Shader, u32 } from "../shader/shader.ts";
import type { Side } from "./register_plan.ts";

/** Lines of a side, from line `first` of matrix `b` on. */
export class SpreadLines {
  readonly #shader: Shader;
  readonly #side: Side;
  readonly #count: number;
  readonly #bases: readonly string[];
  /** Along which axis four neighbours are loaded as one vector. */
  readonly #vectors: "lines" | "steps" | undefined;

  /** Writes the addresses of the lines; those past the last are the last again. */
  constructor(shader: Shader, side: Side, count: number, b: Coordinate, first: Coordinate) {
    this.#shader = shader;
    this.#side = side;
    this.#count = count;
    this.#vectors = vectorAxis(shader, side, count);
    const { access, lines, batchStride, lineStride } = side;
    if (this.#vectors) shader.viewAsVectors(access.buffer);
    this.#bases = Array.from({ length: this.#vectors === "lines" ? 1 : count }, (_, i) => {
      const line = lines % count === 0 ? `(${first} + ${i}u)` : `min(${first} + ${i}u, ${lines - 1}u)`;
      return shader.define(address(access.offset, [batchStride, lineStride], [b, line]), "a");
    });
  }

  /** Loads `count` steps from p on: by step, then by line. */
  load(p: string, count: number): string[][] {
    return this.#vectors === "lines" ? this.#loadAcrossLines(p, count) : this.#loadAlongLines(p, count);
  }

  #addressOf(base: string, p: string, q: number): string {
    return this.#shader.define(`${base} + (${p} + ${q}u) * ${u32(this.#side.stepStride)}`, "a");
  }

  #loadAcrossLines(p: string, count: number): string[][] {
    const { buffer } = this.#side.access;
    return Array.from({ length: count }, (_, q) => {
      const vector = this.#shader.define(this.#shader.loadVector(buffer, this.#addressOf(this.#bases[0], p, q)));
      return Array.from({ length: this.#count }, (_, i) => this.#shader.component(buffer, vector, i));
    });
  }

  #loadAlongLines(p: string, count: number): string[][] {
    const shader = this.#shader;
    const { buffer } = this.#side.access;
    const steps = Array.from({ length: count }, (): string[] => []);
    for (const base of this.#bases) {
      let vector = "";
      for (let q = 0; q < count; q++) {
        const isInVector = this.#vectors === "steps" && q - q % 4 + 4 <= count;
        if (isInVector && q % 4 === 0) vector = shader.define(shader.loadVector(buffer, this.#addressOf(base, p, q)));
        steps[q].push(
          isInVector ? shader.component(buffer, vector, q % 4) : shader.define(shader.load(buffer, this.#addressOf(base, p, q))),
        );
      }
    }
    return steps;
  }
}

function vectorAxis(shader: Shader, side: Side, count: number): "lines" | "steps" | undefined {
  const { access, lines, batchStride, lineStride, stepStride } = side;
  if (access.offset % 4 !== 0 || batchStride % 4 !== 0 || !shader.canViewAsVectors(access.buffer)) return undefined;
  if (lineStride === 1 && stepStride % 4 === 0 && count === 4 && lines % 4 === 0) return "lines";
  return stepStride === 1 && lineStride % 4 === 0 ? "steps" : undefined;
}
