/**
 * Stages of the compiler as text, for COTANGENT_DEBUG=graph and COTANGENT_DEBUG=kernels.
 *
 * @module
 */
import { showShape } from "../shape.ts";
import type { Expr } from "../ir/expr.ts";
import type { Graph } from "./graph.ts";
import { attrsKey } from "../ir/attributes.ts";
import { type Access, type Kernel, kindOf } from "../ir/kernel.ts";
import type { Program } from "../ir/program.ts";

/** One line per node. */
export function showGraph({ nodes, outputs }: Graph): string {
  const results = new Set(outputs);
  return nodes.map((node) => {
    const what = node.made.kind === "input"
      ? `input ${node.made.index}`
      : `${node.made.op.name}(${node.made.inputs.map(({ id }) => `%${id}`).join(", ")}) ${attrsKey(node.made.attrs)}`;
    return `%${node.id} = ${what} : ${node.dtype}${showShape(node.shape)}${results.has(node) ? " -> output" : ""}`;
  }).join("\n");
}

/** A scalar expression; below a few levels only dots, since shared parts would be written out again and again. */
function showExpr(e: Expr, levels = 6): string {
  if (levels === 0) return "...";
  const inner = (x: Expr) => showExpr(x, levels - 1);
  switch (e.kind) {
    case "const":
      return `${e.value}`;
    case "load":
      return `load${e.slot}`;
    case "result":
      return `result${e.slot}`;
    case "index":
      return `index(${e.offset}; ${e.strides.join(", ")})`;
    case "unary":
      return `${e.op}(${inner(e.x)})`;
    case "binary":
      return `${e.op}(${inner(e.x)}, ${inner(e.y)})`;
    case "select":
      return `select(${inner(e.test)}, ${inner(e.x)}, ${inner(e.y)})`;
    default:
      return `${e.kind}<${e.type}>(${inner(e.x)})`;
  }
}

/** A few lines per kernel. */
export function showProgram(program: Program): string {
  const buffer = (id: number) => {
    const { location, dtype } = program.buffers[id];
    const where = location.kind === "slot" ? `slot${location.slot}` : `${location.kind}${location.index}`;
    return `${dtype}:${where}#${id}`;
  };
  const access = (each: Access) => `${buffer(each.buffer)}+${each.offset}[${each.strides.join(",")}]`;
  const lines = (kernel: Kernel, name: string): string[] => {
    if (kernel.kind === "loop") {
      const inner = kernel.kernels.flatMap((each, i) => lines(each, `${name}.${i}`));
      return [`kernel ${name}: loop ${kernel.count} times`, ...inner.map((line) => `  ${line}`)];
    }
    return [
      `kernel ${name}: ${kernel.kind} ${showShape(kernel.shape)}${kindOf(kernel).details?.(kernel) ?? ""}`,
      ...kernel.operands.map((operand) => `  operand ${access(operand)}`),
      ...(kernel.kind === "reduce" ? kernel.reductions.map(({ op, value }) => `  ${op} ${showExpr(value)}`) : []),
      ...kernel.loads.map((load, slot) => `  load${slot} ${access(load)}`),
      ...kernel.stores.map((store) => `  store ${access(store)} = ${showExpr(store.value)}`),
      ...("target" in kernel ? [`  target ${access(kernel.target)}`] : []),
    ];
  };
  return program.kernels.flatMap((kernel, i) => lines(kernel, `${i}`)).join("\n");
}
