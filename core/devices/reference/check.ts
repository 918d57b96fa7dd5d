/**
 * Checking that a program is well formed before it is run: every access stays inside its buffer and types agree.
 *
 * A device that trusts its compiler would read past a buffer or reinterpret its bits; the reference says where the mistake is.
 *
 * @module
 */
import { indexType } from "../../dtype.ts";
import { type Expr, type ScalarType, scalarType, visit } from "../../ir/expr.ts";
import {
  type Access,
  type BufferSpec,
  type Kernel,
  type LoopKernel,
  operandsOf,
  type Program,
  resultDType,
} from "../../ir/kernel.ts";
import { DeviceError } from "../../errors.ts";
import { type Shape, sizeOf } from "../../shape.ts";

/**
 * Checks a program.
 *
 * @throws {DeviceError} If an access leaves its buffer, a stride is missing, or types of loads, results and stores disagree.
 */
export function checkProgram(program: Program): void {
  program.kernels.forEach((kernel, index) => {
    const refuse = (why: string): never => {
      throw new DeviceError(`Cannot run kernel ${index} (${kernel.kind}): ${why}`, { kernel: index, kind: kernel.kind });
    };
    checkKernel(kernel, program.buffers, refuse);
  });
}

type Refuse = (why: string) => never;

function checkKernel(kernel: Kernel, buffers: readonly BufferSpec[], refuse: Refuse): void {
  for (const [what, accesses] of [["load", kernel.loads], ["store", kernel.stores]] as const) {
    accesses.forEach((access, k) => checkAccess(access, kernel.shape, buffers, `${what} ${k}`, refuse));
  }
  if (kernel.kind === "loop") {
    for (const each of kernel.kernels) checkKernel(each, buffers, refuse);
    return;
  }
  checkOperands(kernel, buffers, refuse);
  const results = resultTypes(kernel, buffers);
  checkLeaves(kernel.stores.map(({ value }) => value), kernel.loads, kernel.shape, results, buffers, refuse);
  kernel.stores.forEach(({ buffer, value }, k) => {
    const type = scalarType(buffers[buffer].dtype);
    if (value.type !== type) refuse(`store ${k} writes ${value.type} to a buffer of ${buffers[buffer].dtype}`);
  });
}

function checkOperands(kernel: Exclude<Kernel, LoopKernel>, buffers: readonly BufferSpec[], refuse: Refuse): void {
  switch (kernel.kind) {
    case "reduce": {
      const domain = [...kernel.shape, ...kernel.window];
      kernel.operands.forEach((access, k) => checkAccess(access, domain, buffers, `operand ${k}`, refuse));
      checkLeaves(kernel.reductions.map(({ value }) => value), kernel.operands, domain, [], buffers, refuse);
      break;
    }
    case "matmul": {
      if (kernel.shape.length !== 3) refuse(`its domain has ${kernel.shape.length} axes, not batch, m and n`);
      const [batch, m, n] = kernel.shape;
      checkAccess(kernel.lhs, [batch, m, kernel.k], buffers, "lhs", refuse);
      checkAccess(kernel.rhs, [batch, kernel.k, n], buffers, "rhs", refuse);
      break;
    }
    case "argsort":
      if (kernel.shape.length !== 2) refuse(`its domain has ${kernel.shape.length} axes, not rows and places`);
      checkAccess(kernel.source, kernel.shape, buffers, "source", refuse);
      break;
    default: {
      const extents = contiguousExtents(kernel);
      operandsOf(kernel).forEach((access, k) => {
        const contiguous = { ...access, strides: [1] };
        checkAccess(contiguous, [extents[k]], buffers, `operand ${k}`, refuse);
      });
      if (kernel.kind === "write") {
        const target = { ...kernel.target, strides: [1] };
        checkAccess(target, [kernel.outer * kernel.size * kernel.inner], buffers, "target", refuse);
        const [from, to] = [buffers[kernel.source.buffer].dtype, buffers[target.buffer].dtype];
        if (from !== to) refuse(`it writes ${from} to a buffer of ${to}`);
      }
    }
  }
}

/** How many elements the contiguous operands of a kernel have, in the order of `operandsOf`. */
function contiguousExtents(kernel: Exclude<Kernel, { kind: "reduce" | "matmul" | "argsort" | "loop" }>): readonly number[] {
  switch (kernel.kind) {
    case "map":
      return [];
    case "take":
      return [kernel.outer * kernel.size * kernel.inner, kernel.count];
    case "takeGrad":
    case "write":
      return [kernel.outer * kernel.count * kernel.inner, kernel.count];
    case "conv2d":
    case "conv2dInputGrad":
    case "conv2dFilterGrad": {
      const g = kernel.geometry;
      const x = g.n * g.c * g.h * g.w;
      const weight = g.o * g.c / g.groups * g.kh * g.kw;
      const y = g.n * g.o * g.oh * g.ow;
      return { conv2d: [x, weight], conv2dInputGrad: [y, weight], conv2dFilterGrad: [x, y] }[kernel.kind];
    }
    default: {
      const g = kernel.geometry;
      const x = g.n * g.c * g.h * g.w;
      const y = g.n * g.c * g.oh * g.ow;
      return {
        maxPool2d: [x],
        maxPool2dScatter: [x, y],
        maxPool2dGather: [x, x],
        avgPool2d: [x],
        avgPool2dGrad: [y],
      }[kernel.kind];
    }
  }
}

/** The types that `result` may have in the stores, by slot. */
function resultTypes(kernel: Kernel, buffers: readonly BufferSpec[]): readonly ScalarType[] {
  if (kernel.kind === "map") return [];
  if (kernel.kind === "reduce") {
    return kernel.reductions.map(({ op, value }) => op === "argmax" || op === "argmin" ? indexType : value.type);
  }
  return [scalarType(resultDType(kernel, buffers))];
}

function checkAccess(access: Access, domain: Shape, buffers: readonly BufferSpec[], what: string, refuse: Refuse): void {
  const spec = buffers[access.buffer];
  if (!spec) return refuse(`${what} refers to buffer ${access.buffer}, there are ${buffers.length}`);
  if (access.strides.length !== domain.length) {
    refuse(`${what} has ${access.strides.length} strides for ${domain.length} axes`);
  }
  if (sizeOf(domain) === 0) return;
  const ends = access.strides.map((stride, axis) => stride * (domain[axis] - 1));
  const first = ends.reduce((at, end) => at + Math.min(end, 0), access.offset);
  const last = ends.reduce((at, end) => at + Math.max(end, 0), access.offset);
  if (first < 0 || last >= spec.size) refuse(`${what} touches ${first} to ${last} of a buffer of ${spec.size}`);
}

function checkLeaves(
  roots: readonly Expr[],
  loads: readonly Access[],
  domain: Shape,
  results: readonly ScalarType[],
  buffers: readonly BufferSpec[],
  refuse: Refuse,
): void {
  visit(roots, (e) => {
    if (e.kind === "load") {
      const load = loads[e.slot];
      if (!load) return refuse(`an expression loads slot ${e.slot}, there are ${loads.length}`);
      const { dtype } = buffers[load.buffer];
      if (scalarType(dtype) !== e.type) refuse(`an expression loads ${e.type} from a buffer of ${dtype}`);
    }
    if (e.kind === "result" && results[e.slot] !== e.type) {
      refuse(`an expression takes result ${e.slot} for ${e.type}, it is ${results[e.slot] ?? "not there"}`);
    }
    if (e.kind === "index" && e.strides.length !== domain.length) {
      refuse(`an index has ${e.strides.length} strides for ${domain.length} axes`);
    }
  });
}
