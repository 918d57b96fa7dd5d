/** Data sets and the files that they and models are read from. */
import { suite } from "../support/suite.ts";

await suite("datasets/", "formats/", "onnx/");
