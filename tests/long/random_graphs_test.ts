/** Many random graphs on every device. COTANGENT_SEED=1 tries others. */
import { testRandomGraphs } from "../core/compile/check_random_graphs.ts";

testRandomGraphs((device) => device.startsWith("webgpu") ? 500 : 5000, Number(Deno.env.get("COTANGENT_SEED") ?? 20));
