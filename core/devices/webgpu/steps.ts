/**
 * The dispatches and copies of a program as steps, with their pipelines compiled.
 *
 * Steps refer to memory by its number in a table of regions: slots and scratch memory come first and stay what they are, then every
 * program buffer has a number, of which those of inputs and outputs are filled in anew for each run.
 *
 * @module
 */
import { deviceBytes, type DType } from "../../dtype.ts";
import type { Exchange } from "../../ir/exchange.ts";
import type { Access, ExchangeKernel, Kernel } from "../../ir/kernel.ts";
import type { Program } from "../../ir/program.ts";
import { stagesOf } from "../stages.ts";
import { type Copy, copyOf } from "./codegen/copy.ts";
import { type BufferId, generateKernel, type KernelCode } from "./codegen/generate.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Services } from "./services.ts";

/** One dispatch. */
export interface DispatchStep {
  /** Which of the program's kernels it is part of. */
  readonly kernel: number;
  readonly label: string;
  readonly pipeline: Pipeline;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Numbers of regions. */
  readonly bindings: readonly number[];
  /** Which of `bindings` change from run to run. */
  readonly varying: readonly number[];
}

/** One copy; `from` and `to` are numbers of regions. */
export interface CopyStep {
  readonly copy: Copy;
}

/** What is recorded at once. */
export type Step = DispatchStep | CopyStep;

/** Steps that are run `count` times over. */
export interface Repeat {
  readonly count: number;
  readonly steps: Steps;
}

/** Steps in order. */
export type Steps = readonly (Step | Repeat)[];

/** Steps that are submitted at once, or an exchange to begin. */
export interface StageSteps {
  readonly steps: Steps;
  readonly exchange: ExchangeStep | undefined;
  /** Exchanges that must have ended before. */
  readonly waitsFor: readonly ExchangeStep[];
}

/** An exchange of elements of two regions with other processes. */
export interface ExchangeStep {
  readonly exchange: Exchange;
  readonly from: Elements;
  readonly to: Elements;
}

/** Some elements, one after the other; `region` is the number of one. */
export interface Elements {
  readonly region: number;
  readonly dtype: DType;
  readonly byteOffset: number;
  readonly size: number;
}

/** A program as steps. */
export interface CompiledProgram {
  readonly stages: readonly StageSteps[];
  /** The bytes of each region that stays what it is: one per slot, and scratch memory if a kernel needs some. */
  readonly fixedRegions: readonly number[];
}

/** The kernels of a program with their shaders, as deep as loops nest. */
type Generated =
  | CopyStep
  | { readonly kernel: number; readonly code: KernelCode; readonly pipelines: readonly Pipeline[] }
  | { readonly count: number; readonly inner: readonly Generated[] };

/**
 * Generates and compiles the shaders of a program.
 *
 * @throws {DTypeError} If a kernel needs a type the device lacks.
 * @throws {DeviceError} If a shader is refused.
 */
export function compileSteps(program: Program, { target, pipelines }: Services): CompiledProgram {
  const generate = (kernel: Kernel, index: number): Generated => {
    if (kernel.kind === "loop") return { count: kernel.count, inner: kernel.kernels.map((each) => generate(each, index)) };
    const copy = copyOf(program, kernel);
    // Two buffers that share a slot are one for the queue, which does not copy within a buffer.
    const count = program.slots.length;
    if (copy && regionOf(copy.from, program, count) !== regionOf(copy.to, program, count)) return { copy };
    const code = generateKernel(program, kernel, target);
    return { kernel: index, code, pipelines: code.dispatches.map((dispatch) => pipelines.get(dispatch)) };
  };
  let index = 0;
  const stages = stagesOf(program, "none").map((stage) => {
    const generated = stage.kernels.map((kernel) => generate(kernel, index++));
    if (stage.exchange) index++;
    return { ...stage, generated };
  });
  const scratchBytes = Math.max(0, ...stages.flatMap(({ generated }) => generated.map(scratchBytesOf)));
  const fixedRegions = scratchBytes > 0 ? [...program.slots, scratchBytes] : program.slots;
  const exchanges = new Map<ExchangeKernel, ExchangeStep>();
  return {
    stages: stages.map(({ generated, exchange, waitsFor }) => {
      if (exchange) exchanges.set(exchange, exchangeStep(exchange, program, fixedRegions.length));
      return {
        steps: generated.flatMap((each) => stepsOf(each, program, fixedRegions.length)),
        exchange: exchange && exchanges.get(exchange),
        waitsFor: waitsFor.map((each) => exchanges.get(each)!),
      };
    }),
    fixedRegions,
  };
}

function exchangeStep(kernel: ExchangeKernel, program: Program, fixedCount: number): ExchangeStep {
  const { exchange, operands: [source], target, size, shape: [extent] } = kernel;
  const elements = ({ buffer, offset }: Access, size: number): Elements => {
    const { dtype } = program.buffers[buffer];
    return { region: regionOf(buffer, program, fixedCount), dtype, byteOffset: offset * deviceBytes(dtype), size };
  };
  return { exchange, from: elements(source, size), to: elements(target, extent) };
}

function scratchBytesOf(generated: Generated): number {
  if ("copy" in generated) return 0;
  return "inner" in generated ? Math.max(0, ...generated.inner.map(scratchBytesOf)) : generated.code.scratchBytes;
}

function stepsOf(generated: Generated, program: Program, fixedCount: number): Steps {
  if ("inner" in generated) {
    return [{ count: generated.count, steps: generated.inner.flatMap((each) => stepsOf(each, program, fixedCount)) }];
  }
  if ("copy" in generated) {
    const { from, to } = generated.copy;
    return [{
      copy: {
        ...generated.copy,
        from: regionOf(from, program, fixedCount),
        to: regionOf(to, program, fixedCount),
      },
    }];
  }
  const { kernel, code, pipelines } = generated;
  return code.dispatches.map(({ bindings, workgroups, label }, i) => {
    const regions = bindings.map(({ buffer }) => regionOf(buffer, program, fixedCount));
    const varying = regions.filter((region) => region >= fixedCount);
    return { kernel, label, pipeline: pipelines[i], workgroups, bindings: regions, varying };
  });
}

/** The number of the region that a step uses; scratch memory is the last of the fixed ones. */
function regionOf(buffer: BufferId, program: Program, fixedCount: number): number {
  if (buffer === "scratch") return fixedCount - 1;
  const { location } = program.buffers[buffer];
  return location.kind === "slot" ? location.slot : fixedCount + buffer;
}

/** Visits each step once, however often it is run. */
export function forEachStep(steps: Steps, visit: (step: Step) => void): void {
  for (const step of steps) {
    if ("steps" in step) forEachStep(step.steps, visit);
    else visit(step);
  }
}

/** Visits each step as often as it is run, in order. */
export function runSteps(steps: Steps, run: (step: Step) => void): void {
  for (const step of steps) {
    if ("steps" in step) { for (let round = 0; round < step.count; round++) runSteps(step.steps, run); }
    else run(step);
  }
}
