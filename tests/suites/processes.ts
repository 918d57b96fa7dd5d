/** Several processes that compute together. */
import { suite } from "../support/suite.ts";

await suite("distributed/");
