/**
 * The slice of an operand that a workgroup multiplies: loaded into registers first, moved to workgroup memory once the slice before it
 * is done with.
 *
 * @module
 */
import type { Coordinate } from "../shader/coordinates.ts";
import type { Shader } from "../shader/shader.ts";
import type { Location, ProductOperand, Step } from "./product.ts";

/** Which part of an operand. */
export interface SliceSpec {
  readonly batch: Coordinate;
  /** The first line of the tile, and how many it has. */
  readonly first: Coordinate;
  readonly width: number;
  /** Steps along the summed axis, and where it ends, if slices may overhang. */
  readonly depth: number;
  readonly end: string | undefined;
  /** Invocations of the workgroup. */
  readonly invocations: number;
}

/** What one invocation fetches of a slice: an element, or four as a vector. */
interface Share {
  readonly register: string;
  /** Coordinates within the slice. */
  readonly line: string;
  readonly step: string;
  /** The condition that the line exists, if it may not. */
  readonly exists: string | undefined;
  locate(step: Step): Location;
}

/** Elements by which rows are longer where neighbours are written below each other: so they go to different banks of the memory. */
const rowPadding = 4;

/** One slice of an operand in workgroup memory: `depth` rows of `width` lines, as vectors of four lines. */
export class Slice {
  readonly #shader: Shader;
  readonly #operand: ProductOperand;
  readonly #spec: SliceSpec;
  readonly #memory: string;
  readonly #isVectorized: boolean;
  /** Elements from one row to the next. */
  readonly #pitch: number;
  readonly #shares: readonly Share[];

  /** Declares the memory and writes what all slices of a tile have in common. */
  constructor(shader: Shader, operand: ProductOperand, spec: SliceSpec) {
    this.#shader = shader;
    this.#operand = operand;
    this.#spec = spec;
    const { width, depth, invocations } = spec;
    this.#memory = shader.fresh("tile");
    this.#isVectorized = operand.vectors && width * depth % (4 * invocations) === 0 && shader.canViewAsVectors(operand.buffer);
    if (this.#isVectorized) shader.viewAsVectors(operand.buffer);
    this.#pitch = pitchOf(operand, width);
    shader.global(`var<workgroup> ${this.#memory}: array<vec4<f32>, ${this.#pitch * depth / 4}>;`);
    const count = width * depth / invocations / (this.#isVectorized ? 4 : 1);
    this.#shares = Array.from({ length: count }, (_, index) => this.#share(index));
  }

  /** Loads this invocation's share of the slice at p into registers; 0 past the ends. */
  fetch(p: string): void {
    const shader = this.#shader;
    const { buffer } = this.#operand;
    const { end, depth } = this.#spec;
    for (const { register, step, exists, locate } of this.#shares) {
      const q = shader.define(`${p} + ${step}`, "q");
      const { address, inside } = locate({ number: q, start: p, offset: step, depth });
      const conditions = [exists, end && `${q} < ${end}`, inside].filter((text) => text);
      const all = conditions.length > 0 ? shader.define(conditions.join(" && "), "in") : undefined;
      const clamped = shader.define(all ? `select(0u, ${address}, ${all})` : address, "a");
      const loaded = this.#isVectorized ? shader.loadVector(buffer, clamped) : shader.load(buffer, clamped);
      shader.line(`${register} = ${all ? `select(${this.#zero}, ${loaded}, ${all})` : loaded};`);
    }
  }

  /** Moves the registers to workgroup memory. */
  deposit(): void {
    const shader = this.#shader;
    const pitch = this.#pitch;
    for (const { register, line, step } of this.#shares) {
      const at = shader.define(`${step} * ${pitch}u + ${line}`, "m");
      if (!this.#isVectorized) shader.line(`${this.#memory}[${at} >> 2u][${at} & 3u] = ${register};`);
      else if (this.#operand.neighbours === "lines") shader.line(`${this.#memory}[${at} >> 2u] = ${register};`);
      else {
        for (let i = 0; i < 4; i++) {
          const below = shader.define(`${at} + ${i * pitch}u`, "m");
          shader.line(`${this.#memory}[${below} >> 2u][${below} & 3u] = ${register}.${"xyzw"[i]};`);
        }
      }
    }
  }

  /** Names `count` vectors of four lines of step p: number `first`, and so on at a distance of `apart`. */
  vectors(p: number, first: string, { count, apart }: { readonly count: number; readonly apart: number }): string[] {
    const row = p * this.#pitch / 4;
    return Array.from({ length: count }, (_, v) => this.#shader.define(`${this.#memory}[${row + v * apart}u + ${first}]`, "x"));
  }

  get #zero(): string {
    return this.#isVectorized ? "vec4<f32>()" : "0.0";
  }

  /** Neighbours in memory go to neighbouring invocations. */
  #share(index: number): Share {
    const shader = this.#shader;
    const operand = this.#operand;
    const { width, depth, invocations, first, batch } = this.#spec;
    const isAlongLines = operand.neighbours === "lines";
    const number = index === 0 ? "lane" : `(lane + ${index * invocations}u)`;
    // The inner axis of the slice, in units of what one invocation fetches.
    const inner = (isAlongLines ? width : depth) / (this.#isVectorized ? 4 : 1);
    const innerIndex = `${invocations % inner === 0 ? "lane" : number} % ${inner}u`;
    const near = shader.define(this.#isVectorized ? `(${innerIndex}) * 4u` : innerIndex);
    const far = shader.define(`${number} / ${inner}u`);
    const [line, step] = isAlongLines ? [near, far] : [far, near];
    const at = shader.define(`${first} + ${line}`, "i");
    const exists = operand.lines % width === 0 ? undefined : shader.define(`${at} < ${operand.lines}u`, "in");
    const register = shader.fresh("r");
    shader.line(`var ${register} = ${this.#zero};`);
    return { register, line, step, exists, locate: operand.line(shader, batch, at) };
  }
}

/** How long the rows of a slice are in workgroup memory. */
export function pitchOf({ neighbours }: Pick<ProductOperand, "neighbours">, width: number): number {
  return neighbours === "steps" ? width + rowPadding : width;
}
