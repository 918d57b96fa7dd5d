/**
 * How this process was started: alone, or as one of several by `mpirun`, `mpiexec` or Slurm's `srun`.
 *
 * @module
 */
import { DistributedError } from "../core/errors.ts";
import { permitted, variable } from "../core/permissions.ts";
import { deno } from "../core/runtime.ts";
import type { Flavour } from "./mpi/library.ts";

/** The variables by which a launcher tells a process its place. */
interface Launcher {
  readonly name: string;
  readonly library: Flavour;
  readonly rank: string;
  readonly size: string;
  readonly localRank: string;
  /** A variable that must be there too. */
  readonly step?: string;
}

const launchers: readonly Launcher[] = [
  {
    name: "mpirun of Open MPI",
    library: "Open MPI",
    rank: "OMPI_COMM_WORLD_RANK",
    size: "OMPI_COMM_WORLD_SIZE",
    localRank: "OMPI_COMM_WORLD_LOCAL_RANK",
  },
  { name: "mpiexec of MPICH", library: "MPICH", rank: "PMI_RANK", size: "PMI_SIZE", localRank: "MPI_LOCALRANKID" },
  {
    name: "srun of Slurm",
    library: "Open MPI",
    rank: "SLURM_PROCID",
    size: "SLURM_NTASKS",
    localRank: "SLURM_LOCALID",
    // A batch script has the others, too, but is one process.
    step: "SLURM_STEP_ID",
  },
];

/** The place that a launcher says this process has. */
export interface Place {
  readonly launcher: string;
  readonly library: Flavour;
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
}

/**
 * The place of this process among those that were started together; undefined if it was started alone.
 *
 * @throws {DistributedError} If Deno may not look at the variables that tell it, or not call the library.
 */
export function placeOf(): Place | undefined {
  if (!deno) return undefined;
  const names = launchers.flatMap(({ rank, size, localRank, step }) => [rank, size, localRank, ...step ? [step] : []]);
  const allowed = permitted(names.map(variable), "find out whether other processes take part", [allVariables]);
  if (allowed._tag === "Left") throw new DistributedError(allowed.left.message, { flag: allowed.left.flag });
  const found = launchers.find(({ rank, size, step }) => has(rank) && has(size) && (!step || has(step)));
  if (!found || number(found.size) < 2) return undefined;
  return {
    launcher: found.name,
    library: found.library,
    rank: number(found.rank),
    size: number(found.size),
    localRank: has(found.localRank) ? number(found.localRank) : 0,
  };
}

const allVariables = { descriptor: { name: "env" } } as const;

function has(name: string): boolean {
  return Deno.env.get(name) !== undefined;
}

function number(name: string): number {
  return Number(Deno.env.get(name));
}
