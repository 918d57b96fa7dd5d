/** The webgpu device. */
import { suite } from "../support/suite.ts";

await suite("core/devices/webgpu/");
