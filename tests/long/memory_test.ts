/** Memory of long training loops, and of all loops over large results. */
import { testMemory } from "../core/execution/memory.ts";
import "../core/execution/memory_test.ts";

testMemory({ jit: [10_000, 100_000], eager: [100, 1000] });
