/**
 * Stages of a program: kernels that run one after the other without the host, and exchanges, which it does.
 *
 * An exchange goes on while later kernels run, up to the first that would disturb it.
 *
 * @module
 */
import { type ExchangeKernel, type Kernel, readsOf, writesOf } from "../ir/kernel.ts";
import { memoryOf, type Program } from "../ir/program.ts";

/** Kernels to run, or an exchange to begin. */
export interface Stage {
  readonly kernels: readonly Kernel[];
  readonly exchange: ExchangeKernel | undefined;
  /** Exchanges that must have ended before. */
  readonly waitsFor: readonly ExchangeKernel[];
}

/**
 * Which kernels are a stage of their own: all, those that run while something is exchanged (so that the host lets it proceed in between), or
 * none.
 */
export type Separate = "all" | "exchanging" | "none";

/** The stages of a program, in order. */
export function stagesOf(program: Program, separate: Separate): Stage[] {
  const memory = (buffer: number) => memoryOf(program, buffer);
  const memories = (ids: Iterable<number>) => new Set([...ids].map(memory));
  const disturbs = (kernel: Kernel, exchange: ExchangeKernel): boolean => {
    const [from, to] = [memory(exchange.operands[0].buffer), memory(exchange.target.buffer)];
    const written = memories(writesOf(kernel));
    return written.has(from) || written.has(to) || memories(readsOf(kernel)).has(to);
  };
  const stages: Stage[] = [];
  let running: readonly ExchangeKernel[] = [];
  let together: Kernel[] | undefined;
  for (const kernel of program.kernels) {
    const waitsFor = running.filter((each) => disturbs(kernel, each));
    running = running.filter((each) => !waitsFor.includes(each));
    if (kernel.kind === "exchange") {
      running = [...running, kernel];
      together = undefined;
      stages.push({ kernels: [], exchange: kernel, waitsFor });
    } else if (together && waitsFor.length === 0) together.push(kernel);
    else {
      const begun = [kernel];
      stages.push({ kernels: begun, exchange: undefined, waitsFor });
      together = separate === "all" || (separate === "exchanging" && running.length > 0) ? undefined : begun;
    }
  }
  return stages;
}
