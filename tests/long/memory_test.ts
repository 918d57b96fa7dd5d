/** Memory of long training loops. */
import { testMemory } from "../core/execution/memory.ts";

testMemory({ jit: [1000, 6000], eager: [100, 1000] });
