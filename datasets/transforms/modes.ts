/**
 * How images are read beyond their edge and between their pixels.
 *
 * @module
 */

/**
 * What is beyond the edge: a `fill` value, the pixel at the edge, or the image mirrored at the centre of its last pixel ("reflect",
 * which is not repeated) or at its border ("symmetric").
 */
export type PaddingMode = "constant" | "edge" | "reflect" | "symmetric";

/** How a position between pixels is read: as the nearest pixel, or as a mean of the four around it, weighted by nearness. */
export type Interpolation = "nearest" | "bilinear";
