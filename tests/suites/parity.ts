/** Results of PyTorch. */
import { suite } from "../support/suite.ts";

await suite("parity/");
