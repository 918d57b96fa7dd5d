/** All devices side by side, and the reference. */
import { suite } from "../support/suite.ts";

await suite("core/devices/", "core/devices/reference/");
