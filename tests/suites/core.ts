/** What all of the core rests on: values, graphs, types, random numbers, the passes of the compiler. */
import { suite } from "../support/suite.ts";

await suite("core/", "core/ir/", "core/values/", "core/compile/");
