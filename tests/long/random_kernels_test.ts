/** Many random programs on every device. */
import { testRandomKernels } from "../core/devices/random_kernels.ts";

testRandomKernels(() => 400);
