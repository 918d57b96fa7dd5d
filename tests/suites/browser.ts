/** The library in web pages. */
import { suite } from "../support/suite.ts";

await suite("browser/");
