/**
 * Products through workgroup memory, for real GPUs: matrix products, and convolutions seen as such.
 *
 * A workgroup computes a tile of the result. It moves through the summed axis in slices: both slices are in workgroup memory, each
 * invocation multiplies its part of them in registers as vectors of four, and while it does the next slices are on their way.
 * Operands say where their elements are, so that the patches of a convolution are never written out.
 *
 * @module
 */
import type { Kernel } from "../../../../ir/kernel.ts";
import { type Coordinate, decompose, uniformNumber } from "../shader/coordinates.ts";
import { partsBytes, scratchStore, withParts } from "../shader/partial_sums.ts";
import { type Finish, finishFunction, type Lanes } from "../shader/epilogue.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, type Target, u32 } from "../shader/shader.ts";

/** Where an element is, and the condition that it exists (it counts as 0 otherwise). */
export interface Place {
  readonly at: string;
  readonly inside?: string;
}

/** One side of a product: lines (rows of the left, columns of the right) of elements along the summed axis. */
export interface Operand {
  readonly buffer: number;
  /** How many lines there are. */
  readonly lines: number;
  /** The axis along which neighbours are neighbours in memory, and whether four of them are one vector. */
  readonly neighbours: "lines" | "steps";
  readonly vectors: boolean;
  /** Writes what depends on the line only; returns what places an element of it. */
  line(shader: Shader, batch: string, line: string): (step: string) => Place;
}

/** result[b, i, j] = sum over p < k of left[b, i, p] right[b, p, j], stored at the domain point that `point` tells. */
export interface Product {
  readonly label: string;
  readonly batch: number;
  readonly k: number;
  readonly left: Operand;
  readonly right: Operand;
  /** How many neighbours along j are stored together: they must be neighbours along the last axis of the domain. */
  lanes(shader: Shader): Lanes;
  point(shader: Shader, b: string, i: string, j: string): readonly Coordinate[];
}

/** A way to cut the product. */
interface Tiling {
  /** Of the workgroup's tile. */
  readonly rows: number;
  readonly columns: number;
  /** Of the slices. */
  readonly depth: number;
  /** Of an invocation's part: multiples of 4. */
  readonly ownRows: number;
  readonly ownColumns: number;
}

const tilings: readonly Tiling[] = [
  { rows: 128, columns: 128, depth: 8, ownRows: 8, ownColumns: 8 },
  { rows: 64, columns: 128, depth: 8, ownRows: 8, ownColumns: 4 },
  { rows: 64, columns: 64, depth: 16, ownRows: 4, ownColumns: 4 },
  { rows: 32, columns: 128, depth: 16, ownRows: 4, ownColumns: 4 },
  { rows: 32, columns: 32, depth: 16, ownRows: 4, ownColumns: 4 },
  { rows: 16, columns: 64, depth: 16, ownRows: 4, ownColumns: 4 },
];

function invocations({ rows, columns, ownRows, ownColumns }: Tiling): number {
  return rows / ownRows * (columns / ownColumns);
}

/** Enough workgroups to keep a GPU busy. */
const busy = 128;

/** The tiling with the least work, counting what overhangs, what loads cost beside the products, and idle parts of the GPU. */
function chooseTiling({ batch, left, right, k }: Product, target: Target): Tiling {
  const fits = tilings.filter((tiling) => {
    const bytes = 4 * tiling.depth * (tiling.rows + tiling.columns);
    return invocations(tiling) <= target.maxInvocationsPerWorkgroup && bytes <= target.maxWorkgroupBytes;
  });
  const cost = ({ rows, columns, ownRows, ownColumns }: Tiling): number => {
    const tiles = batch * Math.ceil(left.lines / rows) * Math.ceil(right.lines / columns);
    const workgroups = tiles * Math.max(1, Math.floor(k / 256));
    const loads = 1 + 2 * (1 / ownRows + 1 / ownColumns) + 4 * (1 / rows + 1 / columns);
    return tiles * rows * columns * loads * Math.max(1, busy / workgroups);
  };
  return fits.reduce((best, tiling) => cost(tiling) < cost(best) ? tiling : best);
}

/** The shaders of a product. */
export function generateTiles(context: KernelContext, product: Product): KernelCode {
  const tiling = chooseTiling(product, context.target);
  const { rows, columns, depth } = tiling;
  const tiles = product.batch * Math.ceil(product.left.lines / rows) * Math.ceil(product.right.lines / columns);
  const slices = Math.ceil(product.k / depth);
  const wanted = Math.min(Math.ceil(busy / tiles), Math.floor(slices / 8), 64);
  const most = Math.floor(2 ** 28 / partsBytes(context.kernel, 1));
  const slicesPerPart = Math.ceil(slices / Math.max(1, Math.min(wanted, most)));
  const parts = Math.ceil(slices / slicesPerPart);
  return withParts(context, writeTiles(context, product, tiling, parts, slicesPerPart), parts);
}

function writeTiles(context: KernelContext, product: Product, tiling: Tiling, parts: number, slicesPerPart: number): Dispatch {
  const { rows, columns, depth, ownRows, ownColumns } = tiling;
  const shader = new Shader(context, `${product.label} tiled`, [invocations(tiling), 1, 1]);
  const lanes = parts === 1 ? product.lanes(shader) : 1;
  const finish = finisher(shader, context.kernel, parts, lanes);
  const tilesDown = Math.ceil(product.left.lines / rows);
  const uniform = uniformNumber(shader, product.batch * parts * tilesDown);
  const [b, part, tileRow] = decompose(shader, uniform.id, [product.batch, parts, tilesDown]);
  const top = shader.define(`${tileRow} * ${rows}u`, "i");
  const edge = shader.define(`wid.x * ${columns}u`, "j");
  const [laneRow, laneColumn] = decompose(shader, "lane", [rows / ownRows, columns / ownColumns]);
  const start = shader.define(`${part} * ${slicesPerPart * depth}u`, "p");
  const end = parts === 1 ? u32(product.k) : shader.define(`min(${start} + ${slicesPerPart * depth}u, ${product.k}u)`, "p");

  const whole = parts === 1 && product.k % depth === 0;
  const common = { depth, size: invocations(tiling), batch: b, end: whole ? undefined : end };
  const left = new Slice(shader, product.left, { ...common, first: top, width: rows });
  const right = new Slice(shader, product.right, { ...common, first: edge, width: columns });
  const sums = Array.from({ length: ownRows }, (_, r) => Array.from({ length: ownColumns / 4 }, (_, c) => `s${r}_${c}`));
  for (const name of sums.flat()) shader.line(`var ${name} = vec4<f32>();`);

  left.fetch(start);
  right.fetch(start);
  shader.loop("0u", u32(slicesPerPart), 1, (slice) => {
    left.deposit();
    right.deposit();
    shader.line("workgroupBarrier();");
    // The slice after the last is fetched too, and never used.
    const next = shader.define(`${start} + (${slice} + 1u) * ${depth}u`, "p");
    left.fetch(next);
    right.fetch(next);
    for (let p = 0; p < depth; p++) {
      const x = left.vectors(p, `${laneRow} * ${ownRows / 4}u`, ownRows / 4);
      const y = right.vectors(p, `${laneColumn} * ${ownColumns / 4}u`, ownColumns / 4);
      for (let r = 0; r < ownRows; r++) {
        for (let v = 0; v < ownColumns / 4; v++) {
          shader.line(`${sums[r][v]} += ${x[Math.floor(r / 4)]}.${"xyzw"[r % 4]} * ${y[v]};`);
        }
      }
    }
    shader.line("workgroupBarrier();");
  });
  const i = shader.define(`${top} + ${laneRow} * ${ownRows}u`, "i");
  const j = shader.define(`${edge} + ${laneColumn} * ${ownColumns}u`, "j");
  shader.when([uniform.inside], () => {
    storeTile(shader, product, tiling, sums, lanes, { i, j }, (values, row, column) => {
      finish(values, [...product.point(shader, b, row, column), ...(parts === 1 ? [] : [part])]);
    });
  });
  return shader.finish([Math.ceil(product.right.lines / columns), ...uniform.workgroups]);
}

function finisher(shader: Shader, kernel: Kernel, parts: number, lanes: Lanes): Finish {
  return parts === 1 ? finishFunction(shader, kernel, kernel.shape.length, "f32", lanes) : scratchStore(shader, kernel.shape);
}

/** Stores an invocation's part of the tile, whose corner is (i, j), as far as it is inside. */
function storeTile(
  shader: Shader,
  { left, right }: Product,
  { rows, columns, ownRows, ownColumns }: Tiling,
  sums: readonly (readonly string[])[],
  lanes: Lanes,
  { i, j }: { readonly i: string; readonly j: string },
  store: (values: readonly string[], row: string, column: string) => void,
): void {
  for (let r = 0; r < ownRows; r++) {
    const row = shader.define(`${i} + ${r}u`, "i");
    shader.when([left.lines % rows === 0 ? undefined : `${row} < ${left.lines}u`], () => {
      for (let c = 0; c < ownColumns; c += lanes) {
        const column = shader.define(`${j} + ${c}u`, "j");
        const values = Array.from({ length: lanes }, (_, lane) => `${sums[r][Math.floor(c / 4)]}.${"xyzw"[(c + lane) % 4]}`);
        shader.when([right.lines % columns === 0 ? undefined : `${column} < ${right.lines}u`], () => store(values, row, column));
      }
    });
  }
}

/** The part of an operand that a workgroup works on. */
interface SliceSpec {
  readonly batch: string;
  /** The first line of the tile, and how many it has. */
  readonly first: string;
  readonly width: number;
  /** Steps along the summed axis, and where it ends, if slices may overhang. */
  readonly depth: number;
  readonly end: string | undefined;
  /** Invocations of the workgroup. */
  readonly size: number;
}

/** What one invocation fetches of a slice: an element, or four as a vector. */
interface Share {
  readonly register: string;
  /** Within the slice. */
  readonly line: string;
  readonly step: string;
  readonly exists: string | undefined;
  readonly place: (step: string) => Place;
}

/** One slice of an operand in workgroup memory: `depth` rows of `width` lines, as vectors of four lines. */
class Slice {
  private readonly memory: string;
  private readonly vectorized: boolean;
  private readonly shares: readonly Share[];

  constructor(private readonly shader: Shader, private readonly operand: Operand, private readonly spec: SliceSpec) {
    const { width, depth, size } = spec;
    this.memory = shader.fresh("tile");
    this.vectorized = operand.vectors && width * depth % (4 * size) === 0 && shader.canViewAsVectors(operand.buffer);
    if (this.vectorized) shader.viewAsVectors(operand.buffer);
    shader.global(`var<workgroup> ${this.memory}: array<vec4<f32>, ${width * depth / 4}>;`);
    const count = width * depth / size / (this.vectorized ? 4 : 1);
    this.shares = Array.from({ length: count }, (_, index) => this.share(index));
  }

  /** Loads this invocation's share of the slice at p into registers; 0 past the ends. */
  fetch(p: string): void {
    const { shader, operand, spec } = this;
    for (const { register, step, exists, place } of this.shares) {
      const q = shader.define(`${p} + ${step}`, "q");
      const { at, inside } = place(q);
      const conditions = [exists, spec.end && `${q} < ${spec.end}`, inside].filter((text) => text);
      const all = conditions.length > 0 ? shader.define(conditions.join(" && "), "in") : undefined;
      const clamped = shader.define(all ? `select(0u, ${at}, ${all})` : at, "a");
      const loaded = this.vectorized ? shader.loadVector(operand.buffer, clamped) : shader.load(operand.buffer, clamped);
      shader.line(`${register} = ${all ? `select(${this.zero()}, ${loaded}, ${all})` : loaded};`);
    }
  }

  /** Moves the registers to workgroup memory. */
  deposit(): void {
    const { shader, memory, spec: { width } } = this;
    for (const { register, line, step } of this.shares) {
      const at = shader.define(`${step} * ${width}u + ${line}`, "m");
      if (!this.vectorized) shader.line(`${memory}[${at} >> 2u][${at} & 3u] = ${register};`);
      else if (this.operand.neighbours === "lines") shader.line(`${memory}[${at} >> 2u] = ${register};`);
      else {
        for (let i = 0; i < 4; i++) {
          const below = shader.define(`${at} + ${i * width}u`, "m");
          shader.line(`${memory}[${below} >> 2u][${below} & 3u] = ${register}.${"xyzw"[i]};`);
        }
      }
    }
  }

  /** Vectors of four lines of step p, from number `first` on. */
  vectors(p: number, first: string, count: number): string[] {
    const { width } = this.spec;
    return Array.from({ length: count }, (_, v) => this.shader.define(`${this.memory}[${p * width / 4 + v}u + ${first}]`, "x"));
  }

  private zero(): string {
    return this.vectorized ? "vec4<f32>()" : "0.0";
  }

  /** Neighbours in memory go to neighbouring invocations. */
  private share(index: number): Share {
    const { shader, operand, vectorized, spec: { width, depth, size, first, batch } } = this;
    const alongLines = operand.neighbours === "lines";
    const number = index === 0 ? "lane" : `(lane + ${index * size}u)`;
    // The inner axis of the share, in units of what one invocation fetches.
    const inner = (alongLines ? width : depth) / (vectorized ? 4 : 1);
    const innerAt = `${size % inner === 0 ? "lane" : number} % ${inner}u`;
    const [near, far] = [shader.define(vectorized ? `(${innerAt}) * 4u` : innerAt), shader.define(`${number} / ${inner}u`)];
    const [line, step] = alongLines ? [near, far] : [far, near];
    const at = shader.define(`${first} + ${line}`, "i");
    const exists = operand.lines % width === 0 ? undefined : shader.define(`${at} < ${operand.lines}u`, "in");
    const register = shader.fresh("r");
    shader.line(`var ${register} = ${this.zero()};`);
    return { register, line, step, exists, place: operand.line(shader, batch, at) };
  }
}
