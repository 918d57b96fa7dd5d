/** The WebAssembly kernels with results (matmul, convolutions, pooling) against plain loops in float64. */
import assert from "node:assert/strict";
import type { Access, ConvKernel, MatmulKernel, PoolKernel } from "../../../../core/ir/kernel.ts";
import type { ConvGeometry, PoolGeometry } from "../../../../core/ir/windows.ts";
import { contiguousStrides } from "../../../../core/shape.ts";
import { checkKernel, type Floats, numbers, randomFloats } from "./harness.ts";
import { WasmModule } from "../../../../core/devices/wasm/codegen/assembler/module.ts";
import { peakFlopsPerRound, peakLoop } from "../../../../core/devices/wasm/codegen/matmul/peak.ts";
import { type Packing, planPieces } from "../../../../core/devices/wasm/codegen/matmul/packed_plan.ts";
import { simplifyProduct } from "../../../../core/devices/wasm/codegen/matmul/product.ts";
import { narrowTile, wasmTiles, wideTile } from "../../../../core/devices/wasm/codegen/matmul/tile.ts";
import { measuredTileColumns } from "../../../../core/devices/wasm/tile_columns.ts";

/** A store of the bare result. */
function plainStore(shape: readonly number[], buffer: number, type: "f32" | "f64" = "f32") {
  return { buffer, offset: 0, strides: contiguousStrides(shape), value: { kind: "result", type, slot: 0 } as const };
}

// --- matmul -----------------------------------------------------------------------------------------------------------------------

type Layout = "rows" | "columns" | "spaced" | "reversed" | "shared";

/** Strides and size of a batch of matrices of `rows` by `columns` in a layout. */
function layOut(layout: Layout, batch: number, rows: number, columns: number): Omit<Access, "buffer"> & { size: number } {
  const size = rows * columns;
  switch (layout) {
    case "rows":
      return { offset: 3, strides: [size, columns, 1], size: 3 + batch * size };
    case "columns":
      return { offset: 0, strides: [size, 1, rows], size: batch * size };
    case "spaced":
      return { offset: 1, strides: [size * 6, columns * 3, 2], size: 1 + batch * size * 6 };
    case "reversed":
      return { offset: Math.max(0, size - 1), strides: [size, -columns, -1], size: batch * size };
    case "shared":
      return { offset: 0, strides: [0, columns, 1], size };
  }
}

type MatmulCase = readonly [batch: number, m: number, k: number, n: number, left: Layout, right: Layout];

function matmulKernel(...[batch, m, k, n, left, right]: MatmulCase): MatmulKernel {
  const { size: _, ...lhs } = layOut(left, batch, m, k);
  const { size: __, ...rhs } = layOut(right, batch, k, n);
  const shape = [batch, m, n];
  return {
    kind: "matmul",
    shape,
    k,
    operands: [{ buffer: 0, ...lhs }, { buffer: 1, ...rhs }],
    loads: [],
    stores: [plainStore(shape, 2)],
  };
}

function checkMatmul(...of: MatmulCase): void {
  const [batch, m, k, n, left, right] = of;
  const next = numbers(batch + 3 * m + 5 * k + 7 * n);
  const x = randomFloats(layOut(left, batch, m, k).size, next);
  const y = randomFloats(layOut(right, batch, k, n).size, next);
  const kernel = matmulKernel(...of);
  const [lhs, rhs] = kernel.operands;
  const expected = new Float64Array(batch * m * n);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) {
          sum += x[lhs.offset + b * lhs.strides[0] + i * lhs.strides[1] + p * lhs.strides[2]] *
            y[rhs.offset + b * rhs.strides[0] + p * rhs.strides[1] + j * rhs.strides[2]];
        }
        expected[(b * m + i) * n + j] = sum;
      }
    }
  }
  checkKernel(kernel, [x, y], expected, 1e-5 + 1e-6 * k);
}

Deno.test("matmul: every size around the tile", () => {
  for (let m = 1; m <= 14; m++) {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31]) {
      const k = (m * 5 + n) % 11;
      checkMatmul(1, m, k, n, "rows", m % 2 === 0 ? "rows" : "columns");
    }
  }
});

Deno.test("matmul: few rows, whose panels have more columns", () => {
  for (const m of [1, 2]) {
    for (const n of [32, 33, 64, 79, 131]) checkMatmul(1, m, 13, n, "rows", n % 2 === 0 ? "columns" : "rows");
  }
});

Deno.test("the tile is chosen once", () => {
  const columns = measuredTileColumns();
  assert.ok(columns === narrowTile || columns === wideTile);
  const start = performance.now();
  for (let i = 0; i < 1000; i++) assert.equal(measuredTileColumns(), columns);
  assert.ok(performance.now() - start < 100);
});

Deno.test("matmul: every pair of layouts", () => {
  const layouts: Layout[] = ["rows", "columns", "spaced", "reversed", "shared"];
  for (const left of layouts) {
    for (const right of layouts) {
      checkMatmul(3, 13, 9, 11, left, right);
      checkMatmul(2, 3, 21, 40, left, right);
      checkMatmul(5, 1, 12, 10, left, right);
      checkMatmul(4, 9, 13, 1, left, right);
      checkMatmul(1, 61, 17, 75, left, right);
    }
  }
});

Deno.test("matmul: empty axes", () => {
  checkMatmul(2, 3, 0, 5, "rows", "rows");
  checkMatmul(2, 0, 3, 5, "rows", "rows");
  checkMatmul(2, 3, 4, 0, "rows", "rows");
  checkMatmul(0, 3, 4, 5, "rows", "rows");
});

Deno.test("matmul: large enough for blocks and threads", () => {
  checkMatmul(1, 130, 901, 70, "rows", "rows");
  checkMatmul(1, 64, 784, 130, "rows", "columns");
  checkMatmul(1, 203, 64, 530, "columns", "rows");
  checkMatmul(7, 50, 33, 40, "rows", "columns");
  checkMatmul(1, 5, 900, 300, "rows", "columns");
  checkMatmul(1, 300, 900, 1, "columns", "rows");
  checkMatmul(1, 2, 300, 700, "rows", "rows");
  checkMatmul(1, 203, 530, 70, "columns", "rows");
  // So many steps of so many columns are not kept packed.
  checkMatmul(1, 40, 4200, 512, "rows", "rows");
});

Deno.test("matmul: operands that threads pack for themselves, or for all", () => {
  const cases: readonly (readonly [packing: Packing, ...MatmulCase])[] = [
    // Several blocks of steps, and a last panel that is not full.
    ["thread", 1, 230, 621, 210, "columns", "rows"],
    ["thread", 1, 150, 300, 200, "rows", "columns"],
    ["thread", 1, 150, 301, 201, "reversed", "spaced"],
    // So many steps that a cache holds a part of the columns only.
    ["thread", 1, 60, 2100, 530, "columns", "rows"],
    // Threads do not divide a batch of three.
    ["first", 3, 90, 310, 130, "spaced", "rows"],
    ["first", 3, 120, 200, 160, "rows", "reversed"],
    ["first", 3, 60, 621, 210, "columns", "rows"],
    ["first", 3, 60, 2100, 530, "reversed", "columns"],
  ];
  for (const [packing, ...of] of cases) {
    const tiles = wasmTiles(new WasmModule(), narrowTile);
    assert.equal(planPieces(simplifyProduct(matmulKernel(...of)), 2, 2, tiles).plan.packing, packing, `${of}`);
    checkMatmul(...of);
  }
});

Deno.test("matmul: steps that threads share, so many that they are packed by parts", () => {
  const cases: readonly MatmulCase[] = [
    [1, 64, 2064, 130, "rows", "columns"],
    [1, 131, 4128, 70, "columns", "rows"],
    [1, 64, 2064, 130, "reversed", "spaced"],
    [3, 30, 2064, 130, "rows", "shared"],
  ];
  for (const of of cases) {
    const { pieces, addsParts } = planPieces(simplifyProduct(matmulKernel(...of)), 2, 2, wasmTiles(new WasmModule(), narrowTile));
    assert.deepEqual([addsParts, pieces], [true, of[2] > 4096 ? 4 : 2], `${of}`);
    checkMatmul(...of);
  }
});

// --- convolutions -----------------------------------------------------------------------------------------------------------------

interface ConvCase {
  readonly n?: number;
  readonly c: number;
  readonly h: number;
  readonly w?: number;
  readonly o: number;
  readonly k: number | readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  /** top, bottom, left, right */
  readonly padding?: readonly [number, number, number, number];
  readonly groups?: number;
}

function convGeometry(of: ConvCase): ConvGeometry {
  const { n = 2, c, h, w = h, o, stride = [1, 1], dilation = [1, 1], padding = [0, 0, 0, 0], groups = 1 } = of;
  const [kh, kw] = typeof of.k === "number" ? [of.k, of.k] : of.k;
  const [top, bottom, left, right] = padding;
  const extent = (size: number, around: number, k: number, axis: 0 | 1) =>
    Math.floor((size + around - (k - 1) * dilation[axis] - 1) / stride[axis]) + 1;
  const oh = extent(h, top + bottom, kh, 0);
  const ow = extent(w, left + right, kw, 1);
  return { n, c, h, w, o, oh, ow, kh, kw, stride, dilation, padding: { top, bottom, left, right }, groups };
}

/** Calls `see` with the indices of x, weight and output of every product of a convolution. */
function eachProduct(g: ConvGeometry, see: (x: number, weight: number, y: number) => void): void {
  const [inChannels, outChannels] = [g.c / g.groups, g.o / g.groups];
  for (let n = 0; n < g.n; n++) {
    for (let o = 0; o < g.o; o++) {
      for (let oy = 0; oy < g.oh; oy++) {
        for (let ox = 0; ox < g.ow; ox++) {
          for (let c = 0; c < inChannels; c++) {
            for (let ky = 0; ky < g.kh; ky++) {
              for (let kx = 0; kx < g.kw; kx++) {
                const y = oy * g.stride[0] - g.padding.top + ky * g.dilation[0];
                const x = ox * g.stride[1] - g.padding.left + kx * g.dilation[1];
                if (y < 0 || y >= g.h || x < 0 || x >= g.w) continue;
                const channel = Math.floor(o / outChannels) * inChannels + c;
                see(
                  ((n * g.c + channel) * g.h + y) * g.w + x,
                  ((o * inChannels + c) * g.kh + ky) * g.kw + kx,
                  ((n * g.o + o) * g.oh + oy) * g.ow + ox,
                );
              }
            }
          }
        }
      }
    }
  }
}

/** All three kernels of one geometry. */
function checkConv(of: ConvCase, wide = false): void {
  const g = convGeometry(of);
  const next = numbers(g.n + g.c * 3 + g.h * 5 + g.o * 7 + g.kh * 11);
  const shapes = { x: [g.n, g.c, g.h, g.w], weight: [g.o, g.c / g.groups, g.kh, g.kw], y: [g.n, g.o, g.oh, g.ow] };
  const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);
  const x = randomFloats(sizeOf(shapes.x) + 5, next, wide);
  const weight = randomFloats(sizeOf(shapes.weight) + 2, next, wide);
  const grad = randomFloats(sizeOf(shapes.y) + 1, next, wide);
  const type = wide ? "f64" : "f32";
  const check = (
    kind: ConvKernel["kind"],
    [left, leftOffset]: [Floats, number],
    [right, rightOffset]: [Floats, number],
    shape: readonly number[],
    add: (out: Float64Array, x: number, weight: number, y: number) => void,
  ) => {
    const kernel: ConvKernel = {
      kind,
      shape,
      geometry: g,
      operands: [{ buffer: 0, offset: leftOffset, strides: [] }, { buffer: 1, offset: rightOffset, strides: [] }],
      loads: [],
      stores: [plainStore(shape, 2, type)],
    };
    const expected = new Float64Array(sizeOf(shape));
    eachProduct(g, (...at) => add(expected, ...at));
    // Float sums drift with their length.
    const terms = (sizeOf(shapes.y) * sizeOf(shapes.weight)) / g.o / sizeOf(shape);
    checkKernel(kernel, [left, right], expected, wide ? 1e-11 : 1e-4 * Math.max(1, terms / 1e4));
  };
  check("conv2d", [x, 5], [weight, 2], shapes.y, (out, i, j, k) => out[k] += x[5 + i] * weight[2 + j]);
  check("conv2dInputGrad", [grad, 1], [weight, 2], shapes.x, (out, i, j, k) => out[i] += grad[1 + k] * weight[2 + j]);
  check("conv2dFilterGrad", [x, 5], [grad, 1], shapes.weight, (out, i, j, k) => out[j] += x[5 + i] * grad[1 + k]);
}

const convCases: Record<string, ConvCase> = {
  "the tiny network's first": { n: 3, c: 1, h: 28, o: 10, k: 5 },
  "the tiny network's second": { n: 3, c: 10, h: 12, o: 20, k: 5 },
  "3 by 3": { c: 5, h: 12, w: 14, o: 13, k: 3 },
  "padded": { c: 3, h: 9, w: 11, o: 7, k: 3, padding: [1, 1, 1, 1] },
  "padded unevenly": { c: 2, h: 7, w: 6, o: 4, k: 3, padding: [2, 0, 1, 3] },
  "padded beyond the window": { c: 2, h: 4, o: 3, k: 2, padding: [3, 3, 2, 4] },
  "strided": { c: 3, h: 13, w: 15, o: 6, k: 3, stride: [2, 2], padding: [1, 1, 1, 1] },
  "strided by 3 and 2": { c: 2, h: 14, w: 20, o: 5, k: [4, 5], stride: [3, 2], padding: [0, 1, 2, 0] },
  "strided beyond the window": { c: 2, h: 11, w: 13, o: 3, k: 2, stride: [3, 4] },
  "strided columns of 3": { c: 2, h: 8, w: 19, o: 3, k: 3, stride: [1, 3], dilation: [1, 2] },
  "dilated": { c: 3, h: 12, o: 5, k: 3, dilation: [2, 3], padding: [2, 2, 3, 3] },
  "grouped": { c: 6, h: 8, o: 9, k: 3, groups: 3, padding: [1, 1, 1, 1] },
  "depthwise": { c: 5, h: 9, o: 5, k: 3, groups: 5, padding: [1, 1, 1, 1] },
  "1 by 1": { n: 3, c: 17, h: 7, o: 11, k: 1 },
  "1 by 1, many images": { n: 17, c: 24, h: 7, w: 3, o: 6, k: 1 },
  "1 by 1, gradient packed": { n: 9, c: 75, h: 7, w: 3, o: 22, k: 1 },
  "1 by 1, gradient packed, parts of images": { n: 2, c: 67, h: 33, w: 36, o: 6, k: 1 },
  "1 by 1, grouped": { c: 8, h: 6, w: 9, o: 6, k: 1, groups: 2 },
  "1 by 1, strided": { c: 4, h: 9, o: 8, k: 1, stride: [2, 2] },
  "one output pixel": { c: 3, h: 5, o: 7, k: 5 },
  "two output columns": { c: 3, h: 6, w: 4, o: 7, k: 3 },
  "three output columns": { c: 3, h: 5, w: 5, o: 2, k: 3 },
  "a large window": { c: 2, h: 14, o: 3, k: 9, padding: [4, 4, 4, 4] },
  "one image": { n: 1, c: 4, h: 10, o: 14, k: 3 },
  "five images": { n: 5, c: 1, h: 10, o: 1, k: 3 },
  "wide rows": { n: 1, c: 2, h: 6, w: 90, o: 3, k: 3, padding: [1, 1, 1, 1] },
  "rows of whole pairs of vectors, one channel": { c: 2, h: 9, w: 42, o: 1, k: 3 },
  "rows of whole pairs of vectors, few channels": { c: 2, h: 5, w: 26, o: 3, k: 3 },
  "rows of whole pairs of vectors, more channels": { c: 3, h: 7, w: 44, o: 10, k: 5 },
  "rows of 2": { n: 4, c: 1, h: 9, w: 1, o: 2, k: [3, 1] },
  "Winograd, whole tiles": { n: 3, c: 16, h: 18, o: 24, k: 3 },
  "Winograd, padded": { n: 2, c: 20, h: 16, w: 12, o: 12, k: 3, padding: [1, 1, 1, 1] },
  "Winograd, ragged tiles": { n: 2, c: 12, h: 13, w: 23, o: 28, k: 3, padding: [0, 1, 2, 0] },
  "Winograd, one image in bands": { n: 1, c: 12, h: 37, w: 30, o: 16, k: 3, padding: [1, 1, 1, 1] },
  "Winograd, one image in bands, in place": { n: 1, c: 16, h: 50, w: 22, o: 16, k: 3 },
  "Winograd, small images together": { n: 11, c: 20, h: 4, w: 6, o: 24, k: 3, padding: [1, 1, 1, 1] },
  "products by tap, single pixels": { n: 17, c: 37, h: 1, o: 53, k: 3, padding: [1, 1, 1, 1] },
  "products by tap, strided": { n: 9, c: 27, h: 5, w: 7, o: 31, k: 3, stride: [2, 3], padding: [1, 1, 2, 0] },
  "products by tap, grouped and dilated": {
    n: 8,
    c: 46,
    h: 6,
    w: 5,
    o: 34,
    k: 3,
    groups: 2,
    dilation: [2, 1],
    padding: [2, 2, 1, 1],
  },
  "products by tap, 1 by 1": { n: 8, c: 43, h: 4, w: 3, o: 67, k: 1 },
  "images in lanes": { n: 16, c: 5, h: 10, w: 9, o: 13, k: 5 },
  "images in lanes, some left over": { n: 19, c: 7, h: 6, w: 7, o: 5, k: 3, padding: [2, 1, 0, 1] },
  "images in lanes, strided and dilated": {
    n: 9,
    c: 6,
    h: 11,
    w: 14,
    o: 8,
    k: 3,
    stride: [2, 3],
    dilation: [2, 1],
    padding: [2, 2, 1, 1],
  },
  "images in lanes, strided": { n: 18, c: 6, h: 11, w: 14, o: 8, k: 3, stride: [2, 3], padding: [2, 0, 1, 1] },
  "images in lanes, dilated": { n: 17, c: 2, h: 9, w: 11, o: 5, k: 3, dilation: [2, 3], padding: [2, 2, 1, 4] },
  "images in lanes, two groups of them": { n: 37, c: 3, h: 7, w: 6, o: 17, k: 3, padding: [1, 1, 1, 1] },
  "images in lanes, in bands": { n: 33, c: 1, h: 6, w: 32, o: 13, k: 3 },
  "images in lanes, beyond the window": { n: 8, c: 4, h: 3, o: 4, k: 2, padding: [4, 3, 3, 4] },
  "channels in lanes, strided": { n: 2, c: 19, h: 9, w: 8, o: 70, k: 3, stride: [2, 1], padding: [1, 0, 1, 2] },
  "channels in lanes, dilated": { n: 1, c: 20, h: 11, w: 13, o: 37, k: 3, dilation: [2, 3], padding: [2, 2, 1, 3] },
  "channels in lanes, small images together": {
    n: 7,
    c: 34,
    h: 5,
    w: 3,
    o: 67,
    k: [3, 2],
    stride: [1, 2],
    padding: [2, 0, 1, 1],
  },
  "channels in lanes, in bands": { n: 1, c: 2, h: 24, w: 140, o: 9, k: 3, padding: [1, 1, 1, 1] },
  "planes": { c: 12, h: 6, w: 8, o: 12, k: 3, groups: 12, padding: [1, 1, 1, 1] },
  "planes, rows of one vector": { n: 3, c: 13, h: 4, w: 4, o: 13, k: 3, groups: 13, padding: [1, 1, 1, 1] },
  "planes, loops of tiles": { n: 1, c: 12, h: 22, w: 29, o: 12, k: 3, groups: 12, padding: [1, 1, 1, 1] },
  "planes, shared": { n: 9, c: 37, h: 12, w: 11, o: 37, k: 3, groups: 37, padding: [1, 0, 2, 1] },
  "planes, strided": { c: 12, h: 20, w: 27, o: 12, k: 3, stride: [2, 2], groups: 12, padding: [1, 1, 1, 1] },
  "planes, strided, small": { c: 12, h: 8, w: 8, o: 12, k: 3, stride: [2, 2], groups: 12, padding: [1, 1, 1, 1] },
  "planes, strided rows": { c: 12, h: 11, w: 6, o: 12, k: 3, stride: [3, 1], groups: 12, padding: [0, 2, 1, 0] },
  "planes, strided columns": { c: 12, h: 5, w: 13, o: 12, k: [2, 4], stride: [1, 2], groups: 12, padding: [1, 0, 2, 3] },
  "planes, dilated": { c: 12, h: 9, w: 10, o: 12, k: 3, dilation: [2, 3], groups: 12, padding: [2, 2, 3, 3] },
  "planes, dilated and strided": {
    c: 12,
    h: 13,
    w: 14,
    o: 12,
    k: 3,
    stride: [2, 2],
    dilation: [2, 2],
    groups: 12,
    padding: [2, 1, 1, 2],
  },
  "planes, 5 by 5": { c: 12, h: 7, w: 9, o: 12, k: 5, groups: 12, padding: [2, 2, 2, 2] },
  "planes, 5 by 5, strided": { c: 12, h: 14, w: 14, o: 12, k: 5, stride: [2, 2], groups: 12, padding: [2, 2, 2, 2] },
  "planes, signals": { c: 12, h: 1, w: 19, o: 12, k: [1, 7], groups: 12, padding: [0, 0, 3, 3] },
  "planes, beyond the window": { c: 12, h: 4, w: 5, o: 12, k: 2, groups: 12, padding: [3, 3, 2, 5] },
  "planes, windows apart": { c: 12, h: 10, w: 11, o: 12, k: 1, stride: [2, 2], groups: 12, padding: [1, 1, 1, 1] },
  "planes, windows of two apart": { c: 12, h: 11, w: 16, o: 12, k: [1, 2], stride: [2, 2], groups: 12 },
  "large images, in bands": { n: 1, c: 3, h: 260, w: 203, o: 2, k: 3, padding: [1, 1, 1, 1] },
  "large images in place, in bands": { n: 1, c: 2, h: 400, w: 202, o: 3, k: 3 },
  "large images, strided, in bands": { n: 2, c: 2, h: 300, w: 311, o: 2, k: 3, stride: [2, 2], padding: [1, 1, 1, 1] },
};

for (const [name, of] of Object.entries(convCases)) {
  Deno.test(`conv2d and its gradients: ${name}`, () => checkConv(of));
}

Deno.test("conv2d and its gradients: f64", () => {
  for (const name of ["padded unevenly", "strided by 3 and 2", "grouped", "dilated"]) checkConv(convCases[name], true);
});

Deno.test("conv2d and its gradients: empty axes", () => {
  checkConv({ n: 0, c: 2, h: 4, o: 3, k: 2 });
  checkConv({ n: 2, c: 0, h: 4, o: 3, k: 2 });
  checkConv({ n: 2, c: 2, h: 4, o: 0, k: 2 });
});

// --- pooling ----------------------------------------------------------------------------------------------------------------------

interface PoolCase {
  readonly h: number;
  readonly w: number;
  readonly k: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly padding?: readonly [number, number, number, number];
  readonly ceil?: boolean;
  readonly countPadding?: boolean;
}

function poolGeometry(of: PoolCase): PoolGeometry {
  const { h, w, k: [kh, kw], stride = [kh, kw], dilation = [1, 1], padding = [0, 0, 0, 0], countPadding = true } = of;
  const [top, bottom, left, right] = padding;
  const extent = (size: number, before: number, after: number, k: number, axis: 0 | 1) => {
    const steps = (size + before + after - (k - 1) * dilation[axis] - 1) / stride[axis];
    const count = (of.ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window may not start in what hangs over.
    return of.ceil && (count - 1) * stride[axis] >= size + before ? count - 1 : count;
  };
  const [oh, ow] = [extent(h, top, bottom, kh, 0), extent(w, left, right, kw, 1)];
  return { n: 2, c: 3, h, w, oh, ow, kh, kw, stride, dilation, padding: { top, bottom, left, right }, countPadding };
}

/** The pixels of one window in a plane, and how many places count for its mean. */
function windowOf(g: PoolGeometry, oy: number, ox: number): { pixels: number[]; count: number } {
  const pixels: number[] = [];
  let count = 0;
  for (let ky = 0; ky < g.kh; ky++) {
    for (let kx = 0; kx < g.kw; kx++) {
      const y = oy * g.stride[0] - g.padding.top + ky * g.dilation[0];
      const x = ox * g.stride[1] - g.padding.left + kx * g.dilation[1];
      const real = y >= 0 && y < g.h && x >= 0 && x < g.w;
      const padded = y < g.h + g.padding.bottom && x < g.w + g.padding.right;
      if (real) pixels.push(y * g.w + x);
      if (g.countPadding ? padded : real) count++;
    }
  }
  return { pixels, count };
}

/** All five kernels of one geometry, with NaN, infinities and ties among the values. */
function checkPool(of: PoolCase, wide = false): void {
  const g = poolGeometry(of);
  const planes = g.n * g.c;
  const [large, small] = [g.h * g.w, g.oh * g.ow];
  const next = numbers(large * 31 + small);
  const special = [NaN, Infinity, -Infinity, 0, -0];
  const x = randomFloats(planes * large, () => {
    const value = next();
    return value > 0.8 ? special[Math.floor((value - 0.8) * 25) % 5] : Math.round(value * 4) / 4;
  }, wide);
  const plain = randomFloats(planes * large, next, wide);
  const t = randomFloats(planes * large, next, wide);
  const grad = randomFloats(planes * small, next, wide);
  const check = (
    kind: PoolKernel["kind"],
    operands: readonly Floats[],
    spreads: boolean,
    add: (out: Float64Array, pixels: readonly number[], at: number, count: number) => void,
  ) => {
    const shape = spreads ? [g.n, g.c, g.h, g.w] : [g.n, g.c, g.oh, g.ow];
    const expected = new Float64Array(planes * (spreads ? large : small));
    for (let plane = 0; plane < planes; plane++) {
      for (let place = 0; place < small; place++) {
        const { pixels, count } = windowOf(g, Math.floor(place / g.ow), place % g.ow);
        add(expected, pixels.map((pixel) => plane * large + pixel), plane * small + place, count);
      }
    }
    const kernel: PoolKernel = {
      kind,
      shape,
      geometry: g,
      operands: operands.map((_, buffer) => ({ buffer, offset: 0, strides: [] })),
      loads: [],
      stores: [plainStore(shape, operands.length, wide ? "f64" : "f32")],
    };
    checkKernel(kernel, operands, expected, 1e-5);
  };
  const first = (pixels: readonly number[]) =>
    pixels.reduce((best, pixel) => x[pixel] > x[best] || (Number.isNaN(x[pixel]) && !Number.isNaN(x[best])) ? pixel : best);
  check("maxPool2d", [x], false, (out, pixels, at) => out[at] = x[first(pixels)]);
  check("maxPool2dScatter", [x, grad], true, (out, pixels, at) => out[first(pixels)] += grad[at]);
  check("maxPool2dGather", [x, t], false, (out, pixels, at) => out[at] = t[first(pixels)]);
  check("avgPool2d", [plain], false, (out, pixels, at, count) => {
    out[at] = pixels.reduce((sum, pixel) => sum + plain[pixel], 0) / count;
  });
  check("avgPool2dGrad", [grad], true, (out, pixels, at, count) => {
    for (const pixel of pixels) out[pixel] += grad[at] / count;
  });
}

const poolCases: Record<string, PoolCase> = {
  "2 by 2": { h: 24, w: 24, k: [2, 2] },
  "2 by 2, ragged rows": { h: 10, w: 10, k: [2, 2] },
  "2 by 2, odd sizes": { h: 9, w: 13, k: [2, 2] },
  "2 by 2, wide": { h: 4, w: 90, k: [2, 2] },
  "2 by 2, narrow": { h: 6, w: 6, k: [2, 2] },
  "overlapping": { h: 11, w: 12, k: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  "overlapping, real pixels only": { h: 11, w: 12, k: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], countPadding: false },
  "hanging over": { h: 8, w: 9, k: [3, 3], stride: [2, 2], ceil: true },
  "hanging over, padded": { h: 8, w: 10, k: [3, 2], stride: [3, 3], padding: [1, 0, 1, 1], ceil: true },
  "dilated": { h: 12, w: 11, k: [2, 3], stride: [1, 2], dilation: [3, 2] },
  "whole plane": { h: 7, w: 7, k: [7, 7] },
};

for (const [name, of] of Object.entries(poolCases)) {
  Deno.test(`pooling: ${name}`, () => checkPool(of));
}

Deno.test("pooling: f64", () => {
  for (const name of ["2 by 2", "overlapping", "hanging over, padded"]) checkPool(poolCases[name], true);
});

Deno.test("the loop that measures the peak runs and stays finite", () => {
  const module = new WasmModule();
  peakLoop(module, "peak");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()));
  assert.ok(Number.isFinite((exports.peak as (rounds: number) => number)(1e5)));
  assert.ok(peakFlopsPerRound > 0);
});
