/** What the project says about itself: documentation, pages, pictures, its order of imports. */
import { suite } from "../support/suite.ts";

await suite("", "documentation/", "site/", "visual/", "support/");
