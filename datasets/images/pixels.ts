/**
 * A decoded image.
 *
 * @module
 */

/** An image's pixels, row by row, four bytes each. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly data: ArrayLike<number>;
}
