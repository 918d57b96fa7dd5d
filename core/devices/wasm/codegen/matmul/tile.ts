/**
 * The sizes of the tile of a matrix product that is held in registers.
 *
 * @module
 */

/** Rows of the best tile. */
export const maxTileRows = 6;
/** Columns of the best tile: for registers of one vector, and where the engine has some for two. */
export type TileColumns = 8 | 16;
export const narrowTile: TileColumns = 8;
export const wideTile: TileColumns = 16;

/** Columns of the tiles of a product that has `columns`. */
export function tileColumnsFor(
  context: { tileColumns(multiplyAdds: number): TileColumns },
  columns: number,
  multiplyAdds: number,
): TileColumns {
  return columns > narrowTile ? context.tileColumns(multiplyAdds) : narrowTile;
}
