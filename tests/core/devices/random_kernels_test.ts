/** Some random programs on every device, as many as are quick: the compilers of shaders take their time. More: tests/long. */
import { testRandomKernels } from "./random_kernels.ts";

testRandomKernels((device) => device.startsWith("webgpu") ? 6 : 60);
