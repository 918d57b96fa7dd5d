/**
 * Matrix products through workgroup memory, for real GPUs.
 *
 * A workgroup computes a tile of the result. It moves through the summed axis in slices: both slices are in workgroup memory, each
 * invocation multiplies its part of them in registers as vectors of four, and while it does the next slices are on their way.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../kernel.ts";
import { address, decompose, uniformNumber } from "./domain.ts";
import { partsBytes, scratchStore, withParts } from "./parts.ts";
import { type Finish, finishFunction, lanesFor } from "./points.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, type Target, u32 } from "./shader.ts";

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
  { rows: 64, columns: 64, depth: 16, ownRows: 4, ownColumns: 4 },
  { rows: 32, columns: 32, depth: 16, ownRows: 4, ownColumns: 4 },
];

/** Whether the product is large enough to fill tiles. */
export function suitsTiles({ shape: [, m, n], k }: MatmulKernel): boolean {
  return m >= 16 && n >= 16 && k >= 8;
}

function invocations({ rows, columns, ownRows, ownColumns }: Tiling): number {
  return rows / ownRows * (columns / ownColumns);
}

/** The largest tiling that still gives every part of the GPU something to do. */
function chooseTiling({ shape: [batch, m, n] }: MatmulKernel, target: Target): Tiling {
  const fits = tilings.filter((tiling) => {
    const bytes = 4 * tiling.depth * (tiling.rows + tiling.columns);
    return invocations(tiling) <= target.maxInvocationsPerWorkgroup && bytes <= target.maxWorkgroupBytes;
  });
  const tiles = ({ rows, columns }: Tiling) => batch * Math.ceil(m / rows) * Math.ceil(n / columns);
  return fits.find((tiling) => tiles(tiling) >= 128 && m >= tiling.rows && n >= tiling.columns) ?? fits[fits.length - 1];
}

/** The shaders of a tiled product. */
export function generateTiledMatmul(context: KernelContext<MatmulKernel>): KernelCode {
  const { kernel, target } = context;
  const tiling = chooseTiling(kernel, target);
  const [batch, m, n] = kernel.shape;
  const tiles = batch * Math.ceil(m / tiling.rows) * Math.ceil(n / tiling.columns);
  const slices = Math.ceil(kernel.k / tiling.depth);
  const wanted = tiles >= 64 ? 1 : Math.min(Math.ceil(128 / tiles), Math.floor(slices / 8), 64);
  const most = Math.max(1, Math.floor(2 ** 28 / partsBytes(kernel, 1)));
  const slicesPerPart = Math.ceil(slices / Math.max(1, Math.min(wanted, most)));
  const parts = Math.ceil(slices / slicesPerPart);
  return withParts(context, tiledProduct(context, tiling, parts, slicesPerPart), parts);
}

function tiledProduct(context: KernelContext<MatmulKernel>, tiling: Tiling, parts: number, slicesPerPart: number): Dispatch {
  const { kernel } = context;
  const { rows, columns, depth, ownRows, ownColumns } = tiling;
  const [batch, m, n] = kernel.shape;
  const size = invocations(tiling);
  const shader = new Shader(context, "matmul tiled", [size, 1, 1]);
  const lanes = parts === 1 ? lanesFor(shader, kernel, n) : 1;
  const finish = parts === 1 ? finishFunction(shader, kernel, 3, "f32", lanes) : scratchStore(shader, kernel.shape);
  const tilesAcross = Math.ceil(n / columns);
  const tilesDown = Math.ceil(m / rows);
  const uniform = uniformNumber(shader, batch * parts * tilesDown);
  const [b, part, tileRow] = decompose(shader, uniform.id, [batch, parts, tilesDown]);
  const top = shader.define(`${tileRow} * ${rows}u`, "i");
  const left = shader.define(`wid.x * ${columns}u`, "j");
  const [laneRow, laneColumn] = decompose(shader, "lane", [rows / ownRows, columns / ownColumns]);
  const start = shader.define(`${part} * ${slicesPerPart * depth}u`, "p");
  const end = parts === 1 ? u32(kernel.k) : shader.define(`min(${start} + ${slicesPerPart * depth}u, ${kernel.k}u)`, "p");

  const [lb, li, lp] = kernel.lhs.strides;
  const [rb, rp, rj] = kernel.rhs.strides;
  const common = { depth, size, b, end, summed: kernel.k };
  const lhs = new Slice(shader, {
    ...common,
    access: kernel.lhs,
    batch: lb,
    own: li,
    along: lp,
    extent: m,
    first: top,
    width: rows,
  });
  const rhs = new Slice(shader, {
    ...common,
    access: kernel.rhs,
    batch: rb,
    own: rj,
    along: rp,
    extent: n,
    first: left,
    width: columns,
  });
  const sums = Array.from({ length: ownRows }, (_, r) => Array.from({ length: ownColumns / 4 }, (_, c) => `s${r}_${c}`));
  for (const name of sums.flat()) shader.line(`var ${name} = vec4<f32>();`);

  lhs.fetch(start);
  rhs.fetch(start);
  shader.line(`for (var slice = 0u; slice < ${slicesPerPart}u; slice++) {`);
  lhs.deposit();
  rhs.deposit();
  shader.line("workgroupBarrier();");
  const next = shader.define(`${start} + (slice + 1u) * ${depth}u`, "p");
  lhs.fetch(next);
  rhs.fetch(next);
  for (let p = 0; p < depth; p++) {
    const a = lhs.vectors(p, `${laneRow} * ${ownRows / 4}u`, ownRows / 4);
    const c = rhs.vectors(p, `${laneColumn} * ${ownColumns / 4}u`, ownColumns / 4);
    for (let r = 0; r < ownRows; r++) {
      for (let v = 0; v < ownColumns / 4; v++) {
        shader.line(`${sums[r][v]} += ${a[Math.floor(r / 4)]}.${"xyzw"[r % 4]} * ${c[v]};`);
      }
    }
  }
  shader.line("workgroupBarrier();");
  shader.line("}");
  storeTile(shader, kernel, tiling, finish, lanes, sums, {
    inside: uniform.inside,
    b,
    part: parts === 1 ? undefined : part,
    i: shader.define(`${top} + ${laneRow} * ${ownRows}u`, "i"),
    j: shader.define(`${left} + ${laneColumn} * ${ownColumns}u`, "j"),
  });
  return shader.finish([tilesAcross, ...uniform.workgroups]);
}

/** Where an invocation's part of the tile is. */
interface Corner {
  readonly inside: string | undefined;
  readonly b: string;
  readonly part: string | undefined;
  readonly i: string;
  readonly j: string;
}

function storeTile(
  shader: Shader,
  { shape: [, m, n] }: MatmulKernel,
  { rows, columns, ownRows, ownColumns }: Tiling,
  finish: Finish,
  lanes: 1 | 4,
  sums: readonly (readonly string[])[],
  { inside, b, part, i, j }: Corner,
): void {
  if (inside) shader.line(`if (${inside}) {`);
  for (let r = 0; r < ownRows; r++) {
    const row = shader.define(`${i} + ${r}u`, "i");
    if (m % rows !== 0) shader.line(`if (${row} < ${m}u) {`);
    for (let c = 0; c < ownColumns; c += lanes) {
      const column = shader.define(`${j} + ${c}u`, "j");
      const values = Array.from({ length: lanes }, (_, lane) => `${sums[r][Math.floor(c / 4)]}.${"xyzw"[(c + lane) % 4]}`);
      if (n % columns !== 0) shader.line(`if (${column} < ${n}u) {`);
      finish(values, [b, row, column, ...(part ? [part] : [])]);
      if (n % columns !== 0) shader.line("}");
    }
    if (m % rows !== 0) shader.line("}");
  }
  if (inside) shader.line("}");
}

/** What a slice is cut from. */
interface SliceSpec {
  readonly access: Access;
  /** Strides: batch, own axis, summed axis. */
  readonly batch: number;
  readonly own: number;
  readonly along: number;
  readonly extent: number;
  /** Where the tile starts on the own axis, and how wide it is. */
  readonly first: string;
  readonly width: number;
  readonly depth: number;
  readonly size: number;
  readonly b: string;
  /** Where this part of the summed axis ends; `summed` is the whole. */
  readonly end: string;
  readonly summed: number;
}

/** One slice of an operand in workgroup memory: `depth` lines of `width`, as vectors of four along the own axis. */
class Slice {
  private readonly memory: string;
  /** How elements are fetched: vectors along one axis, or one by one. */
  private readonly way: "own" | "along" | "single";
  private readonly registers: readonly string[];

  constructor(private readonly shader: Shader, private readonly spec: SliceSpec) {
    const { access, width, depth, size } = spec;
    this.memory = shader.fresh("tile");
    this.way = this.chooseWay();
    if (this.way !== "single") shader.viewAsVectors(access.buffer);
    shader.global(`var<workgroup> ${this.memory}: array<vec4<f32>, ${width * depth / 4}>;`);
    const count = width * depth / size / (this.way === "single" ? 1 : 4);
    this.registers = Array.from({ length: count }, () => shader.fresh("r"));
    for (const name of this.registers) shader.line(`var ${name} = ${this.way === "single" ? "0.0" : "vec4<f32>()"};`);
  }

  /** Loads this invocation's share of the slice at p into registers; 0 past the ends. */
  fetch(p: string): void {
    const { access, batch, own, along, extent, first, width, b, end, summed, depth } = this.spec;
    this.registers.forEach((register, index) => {
      const { line, step } = this.place(index);
      const i = this.shader.define(`${first} + ${line}`, "i");
      const q = this.shader.define(`${p} + ${step}`, "q");
      const conditions = [
        extent % width === 0 ? undefined : `${i} < ${extent}u`,
        // The slice after the last is fetched too, and never used.
        summed % depth === 0 && end === u32(summed) ? undefined : `${q} < ${end}`,
      ].filter((text) => text);
      const inside = conditions.length > 0 ? this.shader.define(conditions.join(" && "), "in") : undefined;
      const whole = this.shader.define(address(access.offset, [batch, own, along], [b, i, q]), "a");
      const at = inside ? this.shader.define(`select(0u, ${whole}, ${inside})`, "a") : whole;
      const loaded = this.way === "single" ? this.shader.load(access.buffer, at) : this.shader.loadVector(access.buffer, at);
      const zero = this.way === "single" ? "0.0" : "vec4<f32>()";
      this.shader.line(`${register} = ${inside ? `select(${zero}, ${loaded}, ${inside})` : loaded};`);
    });
  }

  /** Moves the registers to workgroup memory. */
  deposit(): void {
    const { width } = this.spec;
    this.registers.forEach((register, index) => {
      const { line, step } = this.place(index);
      const at = this.shader.define(`(${step}) * ${width}u + ${line}`, "m");
      if (this.way === "own") return this.shader.line(`${this.memory}[${at} >> 2u] = ${register};`);
      if (this.way === "single") return this.shader.line(`${this.memory}[${at} >> 2u][${at} & 3u] = ${register};`);
      for (let i = 0; i < 4; i++) {
        const below = this.shader.define(`${at} + ${i * width}u`, "m");
        this.shader.line(`${this.memory}[${below} >> 2u][${below} & 3u] = ${register}.${"xyzw"[i]};`);
      }
    });
  }

  /** Vectors of line p from number `first` on. */
  vectors(p: number, first: string, count: number): string[] {
    const { width } = this.spec;
    return Array.from({ length: count }, (_, v) => this.shader.define(`${this.memory}[${p * width / 4 + v}u + ${first}]`, "x"));
  }

  /** Which place of the slice a register holds (its first, of a vector): neighbours in memory go to neighbouring invocations. */
  private place(index: number): { line: string; step: string } {
    const { width, depth, size } = this.spec;
    const number = index === 0 ? "lane" : `(lane + ${index * size}u)`;
    switch (this.way) {
      case "own":
        return { line: `((${number} % ${width / 4}u) * 4u)`, step: `${number} / ${width / 4}u` };
      case "along":
        return { line: `(${number} / ${depth / 4}u)`, step: `(${number} % ${depth / 4}u) * 4u` };
      default:
        return this.spec.along === 1
          ? { line: `(${number} / ${depth}u)`, step: `${number} % ${depth}u` }
          : { line: `(${number} % ${width}u)`, step: `${number} / ${width}u` };
    }
  }

  private chooseWay(): "own" | "along" | "single" {
    const { access, batch, own, along, extent, width, depth, size, summed } = this.spec;
    const whole = width * depth % (4 * size) === 0 && access.offset % 4 === 0 && batch % 4 === 0;
    if (!whole || !this.shader.canViewAsVectors(access.buffer)) return "single";
    if (own === 1 && along % 4 === 0 && extent % 4 === 0) return "own";
    if (along === 1 && own % 4 === 0 && summed % 4 === 0) return "along";
    return "single";
  }
}
