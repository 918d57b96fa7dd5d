/** The wasm device. */
import { suite } from "../support/suite.ts";

await suite("core/devices/wasm/", "core/devices/wasm/native/");
