/** The programs of `examples`, most of them as processes. */
import { suite } from "../support/suite.ts";

await suite("examples/");
