/** The functions of tensors. */
import { suite } from "../support/suite.ts";

await suite("core/ops/");
