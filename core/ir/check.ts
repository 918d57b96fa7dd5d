/**
 * Checking that a program is well formed before it is run: every access stays inside its buffer and types agree.
 *
 * A device that trusts its compiler would read past a buffer or reinterpret its bits; the reference reports where the mistake is.
 *
 * @module
 */
import { type Expr, type ScalarType, scalarType, visit } from "./expr.ts";
import { type Access, type Kernel, kindOf, operandShapes, resultTypes, type SimpleKernel } from "./kernel.ts";
import type { BufferSpec, Program } from "./program.ts";
import { DeviceError } from "../errors.ts";
import { contiguousStrides, type Shape, sizeOf } from "../shape.ts";

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
  const results = resultTypes(kernel, buffers).map(scalarType);
  checkLeaves(kernel.stores.map(({ value }) => value), kernel.loads, kernel.shape, results, buffers, refuse);
  kernel.stores.forEach(({ buffer, value }, k) => {
    const type = scalarType(buffers[buffer].dtype);
    if (value.type !== type) refuse(`store ${k} writes ${value.type} to a buffer of ${buffers[buffer].dtype}`);
  });
}

function checkOperands(kernel: SimpleKernel, buffers: readonly BufferSpec[], refuse: Refuse): void {
  const { rank, reduced, expressions, target } = kindOf(kernel);
  if (rank !== undefined && kernel.shape.length !== rank) refuse(`its domain has ${kernel.shape.length} axes, not ${rank}`);
  operandShapes(kernel).forEach(({ shape, contiguous }, k) => {
    // The strides of contiguous operands are not looked at.
    const access = contiguous ? { ...kernel.operands[k], strides: contiguousStrides(shape) } : kernel.operands[k];
    checkAccess(access, shape, buffers, `operand ${k}`, refuse);
  });
  const inner = expressions?.(kernel) ?? [];
  if (inner.length > 0) checkLeaves(inner, kernel.operands, [...kernel.shape, ...reduced(kernel)], [], buffers, refuse);
  if ("target" in kernel) checkTarget(kernel, target!(kernel), buffers, refuse);
}

function checkTarget(
  { operands: [source], target }: Extract<SimpleKernel, { readonly target: Access }>,
  shape: Shape,
  buffers: readonly BufferSpec[],
  refuse: Refuse,
): void {
  checkAccess({ ...target, strides: contiguousStrides(shape) }, shape, buffers, "target", refuse);
  const [from, to] = [buffers[source.buffer].dtype, buffers[target.buffer].dtype];
  if (from !== to) refuse(`it writes ${from} to a buffer of ${to}`);
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
