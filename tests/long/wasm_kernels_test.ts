/** The kernels of the wasm device in every way in which threads, tiles, epilogues and algorithms meet: the quick tests have some of them. */
import "../core/devices/kernels_test.ts";
import "../core/devices/wasm/device_test.ts";
import "../core/devices/wasm/equal_kernels_test.ts";
import "../core/devices/wasm/function_names_test.ts";
import "../core/devices/wasm/kernels_test.ts";
