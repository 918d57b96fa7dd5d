/** Layers, linear algebra and optimizers. */
import { suite } from "../support/suite.ts";

await suite("layers/", "linalg/", "optimizers/");
