/** Normalisation within examples against PyTorch. */
import normalizations from "../fixtures/normalizations.json" with { type: "json" };
import type { OperationFixture } from "../fixtures/types.ts";
import { testParity } from "./run.ts";

testParity("normalisations agree with PyTorch", normalizations.normalizations as unknown as readonly OperationFixture[]);
