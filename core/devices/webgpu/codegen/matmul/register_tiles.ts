/**
 * Matrix products: result[b, i, j] = sum over p of lhs[b, i, p] rhs[b, p, j], with any strides.
 *
 * Hardware takes tiles through workgroup memory (see `matmul_tiled.ts`) where the matrices are large enough. Otherwise, and on
 * software adapters, every invocation holds a tile in registers: one side of the product is spread over the invocations of a
 * workgroup, the other is the same for all of them.
 *
 * @module
 */
import type { Access, MatmulKernel } from "../../../../ir/kernel.ts";
import { address, decompose, uniformNumber } from "../shader/coordinates.ts";
import { generateTiledMatmul, suitsTiles } from "./tiled.ts";
import { scratchStore, withParts } from "../shader/partial_sums.ts";
import { finishFunction, lanesFor } from "../shader/epilogue.ts";
import { SharedLoads } from "../shader/uniform_loads.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, type Target, u32 } from "../shader/shader.ts";

/** The shaders of a matrix product. */
export function generateMatmul(context: KernelContext<MatmulKernel>): KernelCode {
  if (!context.target.software && suitsTiles(context.kernel)) return generateTiledMatmul(context);
  const plan = planFor(context.kernel, context.target);
  return withParts(context, registerTiles(context, plan), plan.parts);
}

/** One operand, seen from its own axis (rows of the left, columns of the right). */
interface Side {
  readonly access: Access;
  readonly extent: number;
  /** Strides: batch, own axis, summed axis. */
  readonly batch: number;
  readonly own: number;
  readonly along: number;
}

function sides({ shape: [, m, n], operands: [lhs, rhs] }: MatmulKernel): { left: Side; right: Side } {
  const [lb, li, lp] = lhs.strides;
  const [rb, rp, rj] = rhs.strides;
  return {
    left: { access: lhs, extent: m, batch: lb, own: li, along: lp },
    right: { access: rhs, extent: n, batch: rb, own: rj, along: rp },
  };
}

/** What an invocation computes, and how often the sum is cut. */
interface Plan {
  /** Which side is spread over the invocations. */
  readonly spread: "left" | "right";
  /** Rows or columns of the spread and of the shared side per invocation. */
  readonly own: number;
  readonly common: number;
  /** Steps of the summed axis per turn of the loop. */
  readonly depth: number;
  readonly parts: number;
}

function planFor(kernel: MatmulKernel, target: Target): Plan {
  const { shape: [batch, m, n], k } = kernel;
  const { left, right } = sides(kernel);
  const plans = (["right", "left"] as const).flatMap((spread) => {
    const [mine, other] = spread === "right" ? [right.extent, left.extent] : [left.extent, right.extent];
    return [1, 2, 4].flatMap((own) => [1, 2, 3, 4, 5, 6, 8, 10, 12, 16].map((common) => ({ spread, own, common, mine, other })))
      .filter((plan) => plan.own < 2 * plan.mine && plan.common < 2 * plan.other);
  });
  const lanes = target.subgroupSize || (target.software ? 8 : 32);
  const cost = ({ own, common, mine, other }: typeof plans[number]): number => {
    const [load, shared] = target.software ? [14, target.subgroupSize > 0 ? 3.5 : 14] : [6, 3];
    const perStep = own * load + common * shared + own * common + 4;
    const tiles = Math.ceil(Math.ceil(mine / own) / lanes) * Math.ceil(other / common);
    // Fewer subgroups than workers leave some idle.
    const wanted = target.software ? 4 : 2048;
    return perStep * Math.max(tiles, Math.min(wanted, tiles * Math.ceil(k / 64)) / batch) * (own * common > 64 ? 2 : 1);
  };
  const best = plans.reduce((a, b) => cost(b) < cost(a) ? b : a);
  const subgroups = batch * Math.ceil(Math.ceil(best.mine / best.own) / lanes) * Math.ceil(best.other / best.common);
  const wantedParts = Math.ceil((target.software ? 8 : 4096) / subgroups);
  const most = target.software ? Math.floor(m * n * k * batch / 500_000) : Math.floor(k / 64);
  const parts = Math.max(1, Math.min(wantedParts, most, Math.floor(k / 32), 256));
  const depth = k % 8 === 0 || k >= 64 ? 8 : Math.max(1, Math.min(4, k));
  const perPart = Math.ceil(k / parts / depth) * depth;
  return { spread: best.spread, own: best.own, common: best.common, depth, parts: Math.max(1, Math.ceil(k / perPart)) };
}

function registerTiles(context: KernelContext<MatmulKernel>, plan: Plan): Dispatch {
  const { kernel, target } = context;
  const { spread, own, common, parts } = plan;
  const [batch] = kernel.shape;
  const { left, right } = sides(kernel);
  const [mine, other] = spread === "right" ? [right, left] : [left, right];
  const across = Math.ceil(mine.extent / own);
  const width = target.subgroupSize || 8;
  const size = Math.min(target.software ? 32 : 64, Math.ceil(across / width) * width);
  const shader = new Shader(context, "matmul", [size, 1, 1]);
  const lanes = parts === 1 && spread === "right" && own === 4 && mine.extent % 4 === 0
    ? lanesFor(shader, kernel, mine.extent)
    : 1;
  const finish = parts === 1 ? finishFunction(shader, kernel, 3, "f32", lanes) : scratchStore(shader, kernel.shape);
  const otherTiles = Math.ceil(other.extent / common);
  const uniform = uniformNumber(shader, batch * otherTiles * parts);
  const [part, b, otherTile] = decompose(shader, uniform.id, [parts, batch, otherTiles]);
  const exact = across % size === 0;
  const id = exact ? "gid.x" : shader.define(`min(gid.x, ${across - 1}u)`, "i");
  const first = shader.define(`${id} * ${own}u`, "x");
  const otherFirst = shader.define(`${otherTile} * ${common}u`, "y");

  const sums = Array.from({ length: common }, (_, r) => Array.from({ length: own }, (_, c) => `s${r}_${c}`));
  for (const name of sums.flat()) shader.line(`var ${name} = 0.0;`);
  addProducts(shader, kernel.k, plan, sums, { mine, other, b, first, otherFirst, part });

  shader.when([uniform.inside, exact ? undefined : `gid.x < ${across}u`], () => {
    for (let r = 0; r < common; r++) {
      const line = shader.define(`${otherFirst} + ${r}u`, "i");
      shader.when([other.extent % common === 0 ? undefined : `${line} < ${other.extent}u`], () => {
        for (let c = 0; c < own; c += lanes) {
          const ownLine = shader.define(`${first} + ${c}u`, "i");
          const [i, j] = spread === "right" ? [line, ownLine] : [ownLine, line];
          shader.when([mine.extent % own === 0 ? undefined : `${ownLine} < ${mine.extent}u`], () => {
            finish(sums[r].slice(c, c + lanes), [b, i, j, ...(parts === 1 ? [] : [part])]);
          });
        }
      });
    }
  });
  return shader.finish([Math.ceil(across / size), ...uniform.workgroups]);
}

/** Where an invocation works. */
interface Position {
  readonly mine: Side;
  readonly other: Side;
  readonly b: string;
  readonly first: string;
  readonly otherFirst: string;
  readonly part: string;
}

/** The loop over the summed axis. */
function addProducts(shader: Shader, k: number, { own, common, depth, parts }: Plan, sums: string[][], at: Position): void {
  const { mine, other, b, first, otherFirst, part } = at;
  const perPart = Math.ceil(k / parts / depth) * depth;
  const loader = new OwnLines(shader, mine, own, b, first);
  const row = (index: string, count: number) => {
    const line = `${otherFirst} + ${index} / ${count}u`;
    return other.extent % common === 0 ? `(${line})` : `min(${line}, ${other.extent - 1}u)`;
  };
  const shared = (count: number) =>
    new SharedLoads(shader, other.access.buffer, common * count, (index) => {
      return `${row(index, count)} * ${u32(other.own)} + (${index} % ${count}u) * ${u32(other.along)}`;
    });
  const base = shader.define(address(other.access.offset, [other.batch], [b]), "a");
  const turn = (p: string, count: number, loads: SharedLoads): void => {
    const x = loader.load(p, count);
    const y = loads.at(shader.define(`${base} + ${p} * ${u32(other.along)}`, "a"));
    for (let q = 0; q < count; q++) {
      for (let r = 0; r < common; r++) {
        for (let c = 0; c < own; c++) shader.line(`${sums[r][c]} += ${x[q][c]} * ${y[r * count + q]};`);
      }
    }
  };
  const whole = k - k % depth;
  const left = k - whole;
  const rest = left > 0 ? shared(left) : undefined;
  if (whole > 0) {
    const loads = shared(depth);
    const start = parts === 1 ? "0u" : shader.define(`${part} * ${perPart}u`, "p");
    const end = parts === 1 ? u32(whole) : shader.define(`min(${start} + ${perPart}u, ${whole}u)`, "p");
    shader.loop(start, end, depth, (p) => turn(p, depth, loads));
  }
  // What is left goes to the last part.
  if (rest) shader.when([parts === 1 ? undefined : `${part} == ${parts - 1}u`], () => turn(u32(whole), left, rest));
}

/** The rows or columns an invocation has for itself. */
class OwnLines {
  private readonly bases: readonly string[];
  private readonly vectors: "own" | "along" | undefined;

  constructor(
    private readonly shader: Shader,
    private readonly side: Side,
    private readonly count: number,
    b: string,
    first: string,
  ) {
    const { access, extent, own, batch } = side;
    this.vectors = this.direction();
    if (this.vectors) shader.viewAsVectors(access.buffer);
    this.bases = Array.from({ length: this.vectors === "own" ? 1 : count }, (_, i) => {
      const line = extent % count === 0 ? `(${first} + ${i}u)` : `min(${first} + ${i}u, ${extent - 1}u)`;
      return shader.define(address(access.offset, [batch, own], [b, line]), "a");
    });
  }

  /** `count` steps from p on: by step, then by line. */
  load(p: string, count: number): string[][] {
    const { access: { buffer }, along } = this.side;
    const at = (base: string, q: number) => this.shader.define(`${base} + (${p} + ${q}u) * ${u32(along)}`, "a");
    if (this.vectors === "own") {
      return Array.from({ length: count }, (_, q) => {
        const vector = this.shader.define(this.shader.loadVector(buffer, at(this.bases[0], q)));
        return Array.from({ length: this.count }, (_, i) => this.shader.component(buffer, vector, i));
      });
    }
    const steps = Array.from({ length: count }, (): string[] => []);
    for (const base of this.bases) {
      let vector = "";
      for (let q = 0; q < count; q++) {
        const inVector = this.vectors === "along" && q - q % 4 + 4 <= count;
        if (inVector && q % 4 === 0) vector = this.shader.define(this.shader.loadVector(buffer, at(base, q)));
        steps[q].push(
          inVector ? this.shader.component(buffer, vector, q % 4) : this.shader.define(this.shader.load(buffer, at(base, q))),
        );
      }
    }
    return steps;
  }

  /** Along which axis four neighbours can be loaded as one vector. */
  private direction(): "own" | "along" | undefined {
    const { access, extent, own, along, batch } = this.side;
    if (access.offset % 4 !== 0 || batch % 4 !== 0 || !this.shader.canViewAsVectors(access.buffer)) return undefined;
    if (own === 1 && along % 4 === 0 && this.count === 4 && extent % 4 === 0) return "own";
    if (along === 1 && own % 4 === 0) return "along";
    return undefined;
  }
}
