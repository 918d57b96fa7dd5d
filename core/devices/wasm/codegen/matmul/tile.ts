/**
 * The tiles of matrix products that are held in registers: their sizes, and what writes their code.
 *
 * @module
 */
import type { WasmModule } from "../assembler/module.ts";
import { type VectorWriter, wasmVectorWriter } from "../emit/vector_code.ts";
import { vectorLanes } from "../emit/vectors.ts";

/** Rows of the best tile, and of the best of single vectors whose left matrix has steps beside each other: see `micro_kernel.ts`. */
export const maxTileRows = 6;
const alongTileRows = 4;
/** Rows of blocks where all tiles load elements one by one. */
export const wholeBlockRows = [maxTileRows, maxTileRows - 1] as const;
/** Columns of the best tile in WebAssembly: for registers of one vector, and where the engine has some for two. */
export type TileColumns = 8 | 16;
export const narrowTile: TileColumns = 8;
export const wideTile: TileColumns = 16;

/** In what tiles a product is computed. */
export interface Tiles {
  /** Columns of the largest. */
  readonly columns: number;
  /** Rows of the best two where steps lie beside each other in the left matrix: of the better one first. */
  readonly blockRows: readonly [number, number];
  /** Vectors that the engine holds in one register, and the floats of one. */
  readonly perRegister: 1 | 2;
  readonly registerFloats: number;
  /** Registers that there are for vectors. */
  readonly registers: 16 | 32;
  readonly writer: VectorWriter;
}

/** Floats of a vector. */
export function lanesOf({ registerFloats, perRegister }: Tiles): number {
  return registerFloats / perRegister;
}

/** Whether tiles load elements that are beside each other together: not in machine code, nor where the engine holds two vectors in a register. */
export function spreads(tiles: Tiles): boolean {
  return lanesOf(tiles) === vectorLanes && tiles.perRegister === 1;
}

/** Tiles in WebAssembly. */
export function wasmTiles(module: WasmModule, columns: TileColumns): Tiles {
  const perRegister = columns === wideTile ? 2 : 1;
  return {
    columns,
    blockRows: perRegister === 1 ? [alongTileRows, maxTileRows] : wholeBlockRows,
    perRegister,
    registerFloats: perRegister * vectorLanes,
    registers: 16,
    writer: wasmVectorWriter(module, perRegister),
  };
}
