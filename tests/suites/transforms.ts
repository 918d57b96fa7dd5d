/** Derivatives, and how programs are run. */
import { suite } from "../support/suite.ts";

await suite("core/grad/", "core/execution/");
