/**
 * All ops by name.
 *
 * @module
 */
import type { OpTable } from "../call.ts";
import { type Fold, foldTable } from "../host.ts";
import { activations } from "./activations.ts";
import { attentions } from "./attention.ts";
import { control } from "./control.ts";
import { convolutions } from "./convolutions.ts";
import { creation } from "./creation.ts";
import { detection } from "./detection.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { losses } from "./losses.ts";
import { foldSlice, movement, reshapes } from "./movement.ts";
import { normalizations } from "./normalizations.ts";
import { pools } from "./pools.ts";
import { products } from "./products.ts";
import { quantization } from "./quantization.ts";
import { recurrent } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { resizing } from "./resizing.ts";
import { sampling } from "./sampling.ts";
import { sequences } from "./sequences.ts";
import { signals } from "./signals.ts";
import { training } from "./training.ts";

/** What each op does to tensors. */
export const ops: OpTable = {
  ...activations,
  ...attentions,
  ...control,
  ...convolutions,
  ...creation,
  ...detection,
  ...elementwise,
  ...indexing,
  ...losses,
  ...movement,
  ...normalizations,
  ...pools,
  ...products,
  ...quantization,
  ...recurrent,
  ...reductions,
  ...resizing,
  ...sampling,
  ...sequences,
  ...signals,
  ...training,
};

/** What ops do to arrays whose numbers are known: the arithmetic of shapes. */
export const folds: Readonly<Record<string, Fold>> = { ...foldTable(reshapes), Slice: foldSlice };
