/** Memory of training loops that are long enough to show what a step leaves behind. Longer ones: tests/long. */
import { testMemory } from "./memory.ts";

testMemory({ jit: [1000, 2000], eager: [100, 600] });
