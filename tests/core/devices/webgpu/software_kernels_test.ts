/**
 * The kernels that suit software adapters, on whichever there is: a file of their own, to run beside the others.
 */
import { testTuning } from "./share_of_kernels.ts";

testTuning("software");
