/** Some random graphs on every device, as many as are quick. More: tests/long. */
import { testRandomGraphs } from "./check_random_graphs.ts";

testRandomGraphs((device) => device.startsWith("webgpu") ? 15 : 80, 20);
