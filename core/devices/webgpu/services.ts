/**
 * What a device lends its executables.
 *
 * @module
 */
import type { BufferPool } from "./buffer_pool.ts";
import type { Target } from "./codegen/generate.ts";
import type { Failures } from "./failures.ts";
import type { PipelineCache } from "./pipelines.ts";
import type { Profiler } from "./profiler.ts";
import type { Reader } from "./reader.ts";
import type { Workspace } from "./workspace.ts";

/** What an executable needs of its device. */
export interface Services {
  readonly device: GPUDevice;
  readonly target: Target;
  readonly pool: BufferPool;
  readonly workspace: Workspace;
  readonly pipelines: PipelineCache;
  readonly failures: Failures;
  readonly reader: Reader;
  /** Times every dispatch, if that is wanted. */
  readonly profiler: Profiler | undefined;
  /** Counts bind groups made, for tests. */
  countBindGroup(): void;
}
