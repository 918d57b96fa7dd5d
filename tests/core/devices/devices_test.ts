/**
 * That the devices other tests run on are there: a device that is missing would pass them all.
 *
 * @module
 */
import { DeviceError } from "../../../core/errors.ts";
import { readEnv } from "../../../core/env.ts";
import { wasm, webgpu } from "../../support/devices.ts";

Deno.test("wasm is there", () => {
  if (wasm instanceof Error) throw wasm;
});

// A machine without a graphics adapter is no failure, unless it is meant to have one.
const missing = webgpu instanceof DeviceError && readEnv("COTANGENT_REQUIRE_WEBGPU") !== "1" ? webgpu : undefined;

Deno.test({
  name: missing ? `webgpu is not tested here: ${missing.message}` : "webgpu is there",
  ignore: missing !== undefined,
  fn: () => {
    if (webgpu instanceof Error) throw webgpu;
  },
});
