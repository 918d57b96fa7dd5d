/** Memory of long training loops. */
import { testMemory } from "../core/execution/memory.ts";

testMemory({ jit: [10_000, 100_000], eager: [100, 1000] });
