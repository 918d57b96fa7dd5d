/**
 * The slices of an operand that a workgroup multiplies: loaded into registers while the one before is multiplied, then moved to the
 * other half of their workgroup memory.
 *
 * @module
 */
import { type Coordinate, decompose } from "../shader/coordinates.ts";
import type { Shader } from "../shader/shader.ts";
import type { Location, ProductOperand, Step } from "./product.ts";

/** Which part of an operand. */
export interface SliceSpec {
  readonly batch: Coordinate;
  /** The first line of the tile, and how many it has. */
  readonly first: Coordinate;
  readonly width: number;
  /** Invocations along the lines: each reads vectors of four lines that are as many vectors apart. */
  readonly lanes: number;
  /** Steps along the summed axis, and where it ends, if slices may overhang. */
  readonly depth: number;
  readonly end: string | undefined;
  /** Invocations of the workgroup. */
  readonly invocations: number;
}

/** What one invocation fetches of a slice: an element, or four as a vector. */
interface Share {
  readonly register: string;
  /** The step within the slice. */
  readonly step: string;
  /** The condition that the line exists, if it may not. */
  readonly exists: string | undefined;
  locate(step: Step): Location;
  /** Where it goes: the index of a vector of four lines, of the i-th step if it has several. */
  vector(i: number): string;
  /** Its line within that vector. */
  readonly component: string;
}

/**
 * Slices of an operand in workgroup memory, two in turn: each `depth` rows of `width` lines, as vectors of four lines.
 *
 * The memory is an array of arrays, cut so that all reads of an invocation have the same indices but for literals, and all its writes,
 * too: WebGPU's compilers keep every other index within its array, which is then done once for all of them.
 */
export class Slices {
  readonly #shader: Shader;
  readonly #operand: ProductOperand;
  readonly #spec: SliceSpec;
  readonly #memory: string;
  readonly #isVectorized: boolean;
  /** Along the axis on which neighbours in memory are neighbours, in units of what is fetched; and along the other, of one share. */
  readonly #near: number;
  readonly #far: number;
  /** Steps, and the vectors along the invocations, are cut into blocks of so many. */
  readonly #stepBlock: number;
  readonly #vectorBlock: number;
  readonly #shares: readonly Share[];

  /** Declares the memory and writes what all slices of a tile have in common. */
  constructor(shader: Shader, operand: ProductOperand, spec: SliceSpec) {
    this.#shader = shader;
    this.#operand = operand;
    this.#spec = spec;
    const { width, lanes, depth, invocations } = spec;
    this.#memory = shader.fresh("tile");
    this.#isVectorized = operand.vectors && width * depth % (4 * invocations) === 0 && shader.canViewAsVectors(operand.buffer);
    if (this.#isVectorized) shader.viewAsVectors(operand.buffer);
    const fetched = this.#isVectorized ? 4 : 1;
    this.#near = (this.#isAlongLines ? width : depth) / fetched;
    this.#far = invocations / this.#near;
    if (this.#isAlongLines) this.#stepBlock = this.#far;
    else this.#stepBlock = this.#isVectorized ? 4 : depth;
    this.#vectorBlock = this.#isAlongLines ? lanes : Math.min(lanes, this.#far / 4);
    const row = shader.fresh("Row");
    const padding = rowPadding(operand) > 0 ? ", padding: vec4<f32>" : "";
    const vectors = nested("vec4<f32>", [width / 4 / lanes, lanes / this.#vectorBlock, this.#vectorBlock]);
    shader.global(`struct ${row} { vectors: ${vectors}${padding} }`);
    const rows = nested(row, [2, depth / this.#stepBlock, this.#stepBlock]);
    shader.global(`var<workgroup> ${this.#memory}: ${rows};`);
    this.#shares = Array.from({ length: width * depth / invocations / fetched }, (_, index) => this.#share(index));
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

  /** Moves the registers to a half of the workgroup memory. */
  deposit(half: string): void {
    const shader = this.#shader;
    for (const { register, vector, component } of this.#shares) {
      const at = (i: number) => `${this.#memory}[${half}]${vector(i)}`;
      if (!this.#isVectorized) shader.line(`${at(0)}[${component}] = ${register};`);
      else if (this.#isAlongLines) shader.line(`${at(0)} = ${register};`);
      else for (let i = 0; i < 4; i++) shader.line(`${at(i)}[${component}] = ${register}.${"xyzw"[i]};`);
    }
  }

  /** What names the vectors of four lines of a step p that an invocation along the lines multiplies. */
  reader(lane: string): (half: string, p: number) => string[] {
    const shader = this.#shader;
    const { width, lanes } = this.#spec;
    const [block, within] = decompose(shader, lane, [lanes / this.#vectorBlock, this.#vectorBlock]);
    return (half, p) => {
      const row = `${this.#memory}[${half}][${Math.floor(p / this.#stepBlock)}][${p % this.#stepBlock}]`;
      return Array.from({ length: width / 4 / lanes }, (_, v) => shader.define(`${row}.vectors[${v}][${block}][${within}]`, "x"));
    };
  }

  get #zero(): string {
    return this.#isVectorized ? "vec4<f32>()" : "0.0";
  }

  get #isAlongLines(): boolean {
    return this.#operand.neighbours === "lines";
  }

  /** Neighbours in memory go to neighbouring invocations. */
  #share(index: number): Share {
    const shader = this.#shader;
    const operand = this.#operand;
    const { width, first, batch } = this.#spec;
    const fetched = this.#isVectorized ? 4 : 1;
    const near = shader.define(`lane % ${this.#near}u${fetched > 1 ? ` * ${fetched}u` : ""}`);
    const far = shader.define(`lane / ${this.#near}u`);
    const beyond = index * this.#far;
    const number = beyond === 0 ? far : shader.define(`${far} + ${beyond}u`);
    const [line, step] = this.#isAlongLines ? [near, number] : [number, near];
    const at = shader.define(`${first} + ${line}`, "i");
    const exists = operand.lines % width === 0 ? undefined : shader.define(`${at} < ${operand.lines}u`, "in");
    const register = shader.fresh("r");
    shader.line(`var ${register} = ${this.#zero};`);
    const [vector, component] = this.#isAlongLines ? this.#place(near, 0, width) : this.#place(far, beyond, this.#far);
    const steps = (i: number) => {
      if (this.#isAlongLines) return `[${index}][${far}]`;
      return this.#isVectorized ? `[lane % ${this.#near}u][${i}]` : `[0][${near}]`;
    };
    return {
      register,
      step,
      exists,
      locate: operand.line(shader, batch, at),
      vector: (i) => `${steps(i)}.vectors${vector}`,
      component,
    };
  }

  /** The indices of the vector that has line `beyond + line` of a row, `line` being below `count`; and the line within it. */
  #place(line: string, beyond: number, count: number): readonly [vector: string, component: string] {
    const own = 4 * this.#spec.lanes;
    const component = `${line} & 3u`;
    if (count < own) return [`[${Math.floor(beyond / own)}][${beyond % own / count}][${line} / 4u]`, component];
    const part = count === own ? `${beyond / own}` : `${beyond / own}u + ${line} / ${own}u`;
    return [`[${part}][0][${line} / 4u % ${this.#spec.lanes}u]`, component];
  }
}

/** The type of arrays in arrays. */
function nested(element: string, counts: readonly number[]): string {
  return counts.reduceRight((inner, count) => `array<${inner}, ${count}>`, element);
}

/** How much workgroup memory the slices of an operand take. */
export function sliceBytes(
  operand: Pick<ProductOperand, "neighbours">,
  { width, depth }: Pick<SliceSpec, "width" | "depth">,
): number {
  return 2 * 4 * depth * (width + rowPadding(operand));
}

/** Elements by which rows are longer where neighbours are written below each other: so they go to different banks of the memory. */
function rowPadding({ neighbours }: Pick<ProductOperand, "neighbours">): 0 | 4 {
  return neighbours === "steps" ? 4 : 0;
}
