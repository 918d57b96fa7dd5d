/**
 * Reductions over a window.
 *
 * Three ways, by shape and adapter:
 * - serial: one invocation per output walks its window;
 * - split: several invocations per output walk parts of the window, a second dispatch combines the parts;
 * - tree: one workgroup per output (or per part of one) combines its invocations in workgroup memory.
 *
 * Everything runs in a fixed order, without atomics, so that runs repeat. Long sums are sums of short sums: rounding grows with
 * the depth of the nest, not with the length of the window.
 *
 * @module
 */
import { extremes } from "../../../../dtype.ts";
import { contiguousStrides, sizeOf } from "../../../../shape.ts";
import type { ScalarType } from "../../../../ir/expr.ts";
import type { Access, ReduceKernel, ReduceOp, Store } from "../../../../ir/kernel.ts";
import {
  address,
  collapse,
  type Coordinate,
  decompose,
  indexLeaves,
  invocation,
  lonelyWorkgroup,
  replaceIndexStrides,
} from "../shader/coordinates.ts";
import { writePoints } from "../shader/epilogue.ts";
import { literal, scalarPrinter } from "../shader/expressions.ts";
import { type Dispatch, type KernelCode, type KernelContext, Shader, type Target, u32 } from "../shader/shader.ts";

/** A reduction kernel over collapsed axes. */
interface Collapsed {
  readonly shape: readonly number[];
  readonly window: readonly number[];
  readonly operands: readonly Access[];
  readonly reductions: ReduceKernel["reductions"];
  readonly loads: readonly Access[];
  readonly stores: readonly Store[];
}

/** Part p of an axis takes the places p, p + parts, p + 2 parts, ... */
interface SplitPlan {
  readonly kind: "split";
  readonly axis: number;
  readonly parts: number;
}

/** Workgroups of `lanes` invocations, `parts` of them per output. */
interface TreePlan {
  readonly kind: "tree";
  readonly lanes: number;
  readonly parts: number;
}

/** How the window is shared out. */
type Plan = { readonly kind: "serial" } | SplitPlan | TreePlan;

/** The running value of one reduction; `place` for the arg kinds. */
interface State {
  readonly op: ReduceOp;
  readonly type: ScalarType;
  readonly value: string;
  readonly place?: string;
}

/** One value met on the way, and its place in the window. */
interface Item {
  readonly value: string;
  readonly place?: string;
}

/** The shaders of a reduction. */
export function generateReduce(context: KernelContext<ReduceKernel>): KernelCode {
  const kernel = collapsed(context.kernel);
  const plan = choosePlan(kernel, context.target);
  if (plan.kind === "serial") return { dispatches: [serial(context, kernel)], scratchBytes: 0 };
  const first = plan.kind === "tree" ? tree(context, kernel, plan) : split(context, kernel, plan);
  if (plan.parts === 1) return { dispatches: [first], scratchBytes: 0 };
  const words = wordsPerPart(kernel) * plan.parts * sizeOf(kernel.shape);
  return { dispatches: [first, combine(context, kernel, plan.parts)], scratchBytes: 4 * words };
}

function collapsed(kernel: ReduceKernel): Collapsed {
  const rank = kernel.shape.length;
  const values = kernel.reductions.map(({ value }) => value);
  const inner = indexLeaves(values);
  const outer = indexLeaves(kernel.stores.map(({ value }) => value));
  const around = [...kernel.operands, ...inner].map(({ strides }) => strides);
  const points = [...kernel.loads, ...kernel.stores, ...outer].map(({ strides }) => strides);
  const shape = collapse(kernel.shape, [...around.map((row) => row.slice(0, rank)), ...points]);
  const window = collapse(kernel.window, around.map((row) => row.slice(rank)));
  const joined = around.map((_, i) => [...shape.rows[i], ...window.rows[i]]);
  const pointRows = shape.rows.slice(around.length);
  const stores = kernel.loads.length;
  const replacedValues = replaceIndexStrides(values, new Map(inner.map((e, i) => [e, joined[kernel.operands.length + i]])));
  const replacedStores = replaceIndexStrides(
    kernel.stores.map(({ value }) => value),
    new Map(outer.map((e, i) => [e, pointRows[stores + kernel.stores.length + i]])),
  );
  return {
    shape: shape.extents,
    window: window.extents,
    operands: kernel.operands.map((access, i) => ({ ...access, strides: joined[i] })),
    reductions: kernel.reductions.map(({ op }, i) => ({ op, value: replacedValues[i] })),
    loads: kernel.loads.map((access, i) => ({ ...access, strides: pointRows[i] })),
    stores: kernel.stores.map((store, i) => ({ ...store, strides: pointRows[stores + i], value: replacedStores[i] })),
  };
}

/** The share of work below which another part or invocation costs more than it saves. */
const shortWindow = 64;

function choosePlan(kernel: Collapsed, target: Target): Plan {
  const outputs = sizeOf(kernel.shape);
  const window = sizeOf(kernel.window);
  const wanted = target.software ? 512 : 65536;
  if (window <= shortWindow || outputs >= wanted) return { kind: "serial" };
  const along = kernel.operands.some(({ strides }) => Math.abs(strides.at(-1) ?? 0) === 1);
  if (!target.software && along && window >= 128) return treePlan(outputs, window, target);
  return splitPlan(kernel, Math.min(Math.ceil(wanted / outputs), Math.ceil(window / shortWindow), 256));
}

function treePlan(outputs: number, window: number, target: Target): TreePlan {
  const most = Math.min(256, target.maxInvocationsPerWorkgroup);
  const lanes = window >= 1024 ? most : Math.min(64, most);
  const perLane = window / lanes;
  const parts = outputs >= 512 || perLane <= 32 ? 1 : Math.min(Math.ceil(perLane / 16), Math.ceil(1024 / outputs), 256);
  return { kind: "tree", lanes, parts };
}

/** Splits the longest axis, evenly where a divisor is near what is wanted. */
function splitPlan(kernel: Collapsed, wanted: number): Plan {
  const longest = Math.max(...kernel.window);
  const axis = kernel.window.indexOf(longest);
  let parts = Math.min(wanted, longest);
  for (let divisor = parts; divisor > parts / 4; divisor--) {
    if (longest % divisor === 0) {
      parts = divisor;
      break;
    }
  }
  return parts <= 1 ? { kind: "serial" } : { kind: "split", axis, parts };
}

function serial(context: KernelContext<ReduceKernel>, kernel: Collapsed): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const shader = new Shader(context, "reduce", lonelyWorkgroup(context.target, outputs));
  const { id, workgroups } = invocation(shader, outputs);
  const point = decompose(shader, id, kernel.shape);
  const states = declareStates(shader, kernel);
  const visit = windowVisitor(shader, kernel, point);
  walk(shader, states, kernel.window, (coordinates) => visit(coordinates));
  writePoints(shader, kernel, point, 1, (slot) => resultOf(states[slot]));
  return shader.finish(workgroups);
}

function split(context: KernelContext<ReduceKernel>, kernel: Collapsed, plan: SplitPlan): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const { axis, parts } = plan;
  const total = outputs * parts;
  const shader = new Shader(context, "reduce parts", lonelyWorkgroup(context.target, total), "u32");
  const { id, workgroups } = invocation(shader, total);
  const [part, output] = decompose(shader, id, [parts, outputs]);
  const point = decompose(shader, output, kernel.shape);
  const states = declareStates(shader, kernel);
  const visit = windowVisitor(shader, kernel, point);
  const extent = kernel.window[axis];
  const steps = Math.ceil(extent / parts);
  const extents = kernel.window.map((size, i) => i === axis ? steps : size);
  walk(shader, states, extents, (coordinates) => {
    const at = shader.define(`${coordinates[axis]} * ${parts}u + ${part}`, "i");
    const inside = extent % parts === 0 ? undefined : `${at} < ${extent}u`;
    const clamped = inside ? shader.define(`min(${at}, ${extent - 1}u)`) : at;
    return visit(coordinates.map((c, i) => i === axis ? clamped : c), inside);
  });
  writeParts(shader, states, outputs, parts, part, output);
  return shader.finish(workgroups);
}

function tree(context: KernelContext<ReduceKernel>, kernel: Collapsed, { lanes, parts }: TreePlan): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const window = sizeOf(kernel.window);
  const shader = new Shader(context, "reduce tree", [lanes, 1, 1], "u32");
  const groups = outputs * parts;
  const rows = Math.ceil(groups / context.target.maxWorkgroupsPerDimension);
  const columns = Math.ceil(groups / rows);
  const group = shader.define(rows === 1 ? "wid.x" : `wid.x + wid.y * ${columns}u`, "i");
  if (rows * columns !== groups) shader.line(`if (${group} >= ${groups}u) { return; }`);
  const [part, output] = decompose(shader, group, [parts, outputs]);
  const point = decompose(shader, output, kernel.shape);
  const states = declareStates(shader, kernel);
  const visit = windowVisitor(shader, kernel, point);
  const stride = lanes * parts;
  const start = parts === 1 ? "lane" : shader.define(`${part} * ${lanes}u + lane`);
  walk(shader, states, [Math.ceil(window / stride)], ([step]) => {
    const at = shader.define(`${step} * ${stride}u + ${start}`, "i");
    const inside = window % stride === 0 ? undefined : `${at} < ${window}u`;
    const clamped = inside ? shader.define(`min(${at}, ${window - 1}u)`) : at;
    return visit(decompose(shader, clamped, kernel.window), inside);
  });
  combineLanes(shader, states, lanes);
  shader.line("if (lane != 0u) { return; }");
  if (parts === 1) writePoints(shader, kernel, point, 1, (slot) => resultOf(states[slot]));
  else writeParts(shader, states, outputs, parts, part, output);
  return shader.finish([columns, rows, 1]);
}

/** Halves the number of live lanes until lane 0 holds everything. */
function combineLanes(shader: Shader, states: readonly State[], lanes: number): void {
  const memory = states.map(({ value, place, type }) => {
    const names = { value: shader.fresh("shared"), place: shader.fresh("sharedPlace") };
    shader.global(`var<workgroup> ${names.value}: array<${type}, ${lanes}>;`);
    shader.line(`${names.value}[lane] = ${value};`);
    if (place) {
      shader.global(`var<workgroup> ${names.place}: array<i32, ${lanes}>;`);
      shader.line(`${names.place}[lane] = ${place};`);
    }
    return names;
  });
  for (let half = lanes / 2; half >= 1; half /= 2) {
    shader.line("workgroupBarrier();");
    shader.line(`if (lane < ${half}u) {`);
    states.forEach((state, i) => {
      const other = { value: `${memory[i].value}[lane + ${half}u]`, place: `${memory[i].place}[lane + ${half}u]` };
      merge(shader, state, other);
      shader.line(`${memory[i].value}[lane] = ${state.value};`);
      if (state.place) shader.line(`${memory[i].place}[lane] = ${state.place};`);
    });
    shader.line("}");
  }
}

/** The second dispatch: one invocation per output combines its parts. */
function combine(context: KernelContext<ReduceKernel>, kernel: Collapsed, parts: number): Dispatch {
  const outputs = sizeOf(kernel.shape);
  const shader = new Shader(context, "reduce combine", lonelyWorkgroup(context.target, outputs), "u32");
  const { id, workgroups } = invocation(shader, outputs);
  const point = decompose(shader, id, kernel.shape);
  const states = declareStates(shader, kernel);
  walk(shader, states, [parts], ([part]) => readPart(shader, states, outputs, parts, part, id));
  writePoints(shader, kernel, point, 1, (slot) => resultOf(states[slot]));
  return shader.finish(workgroups);
}

function wordsPerPart(kernel: Collapsed): number {
  return kernel.reductions.reduce((words, { op }) => words + (isArg(op) ? 2 : 1), 0);
}

/** Scratch holds word by word, part by part, all outputs. */
function scratchAddress(word: number, outputs: number, parts: number, part: string, output: string): string {
  return address(word * parts * outputs, [outputs, 1], [part, output]);
}

function writeParts(
  shader: Shader,
  states: readonly State[],
  outputs: number,
  parts: number,
  part: string,
  output: string,
): void {
  let word = 0;
  for (const { value, place, type } of states) {
    const bits = type === "bool" ? `select(0u, 1u, ${value})` : `bitcast<u32>(${value})`;
    shader.store("scratch", scratchAddress(word++, outputs, parts, part, output), bits);
    if (place) shader.store("scratch", scratchAddress(word++, outputs, parts, part, output), `bitcast<u32>(${place})`);
  }
}

function readPart(
  shader: Shader,
  states: readonly State[],
  outputs: number,
  parts: number,
  part: string,
  output: string,
): Item[] {
  let word = 0;
  const read = () => shader.load("scratch", scratchAddress(word++, outputs, parts, part, output));
  return states.map(({ type, place }) => {
    const value = shader.define(type === "bool" ? `${read()} != 0u` : `bitcast<${type}>(${read()})`);
    return place ? { value, place: shader.define(`bitcast<i32>(${read()})`) } : { value };
  });
}

function isArg(op: ReduceOp): boolean {
  return op === "argmax" || op === "argmin";
}

function resultOf({ value, place }: State): string {
  return place ?? value;
}

function declareStates(shader: Shader, kernel: Collapsed): State[] {
  return kernel.reductions.map(({ op, value: { type } }) => {
    const value = shader.fresh("s");
    shader.line(`var ${value} = ${neutral(shader, op, type)};`);
    if (!isArg(op)) return { op, type, value };
    const place = shader.fresh("at");
    shader.line(`var ${place} = 0x7fffffffi;`);
    return { op, type, value, place };
  });
}

function neutral(shader: Shader, op: ReduceOp, type: ScalarType): string {
  switch (op) {
    case "sum":
      return literal(shader, type, 0);
    case "prod":
      return literal(shader, type, 1);
    case "max":
    case "argmax":
      return literal(shader, type, extremes(type)[0]);
    default:
      return literal(shader, type, extremes(type)[1]);
  }
}

/** `a op b` for the kinds that need no place. */
function joined(shader: Shader, op: ReduceOp, type: ScalarType, a: string, b: string): string {
  const boolean = type === "bool";
  switch (op) {
    case "sum":
      return boolean ? `${a} | ${b}` : `${a} + ${b}`;
    case "prod":
      return boolean ? `${a} & ${b}` : `${a} * ${b}`;
    case "max":
      return boolean ? `${a} | ${b}` : type === "f32" ? `${shader.helper("maximum")}(${a}, ${b})` : `max(${a}, ${b})`;
    default:
      return boolean ? `${a} & ${b}` : type === "f32" ? `${shader.helper("minimum")}(${a}, ${b})` : `min(${a}, ${b})`;
  }
}

/** Takes one more value into a state. Equal extremes go to the lower place, so that the order of merging does not matter. */
function merge(shader: Shader, state: State, item: Item): void {
  const { op, type, value, place } = state;
  if (!place) {
    shader.line(`${value} = ${joined(shader, op, type, value, item.value)};`);
    return;
  }
  const v = shader.define(item.value);
  const at = shader.define(item.place!);
  const beats = type === "bool"
    ? (op === "argmax" ? `(${v} & !${value})` : `(!${v} & ${value})`)
    : `${v} ${op === "argmax" ? ">" : "<"} ${value}`;
  const ties = shader.define(`${at} < ${place}`);
  const wins = type === "f32" ? nanWins(shader, beats, v, value, ties) : `${beats} || (${v} == ${value} && ${ties})`;
  const taken = shader.define(wins);
  shader.line(`${value} = select(${value}, ${v}, ${taken});`);
  shader.line(`${place} = select(${place}, ${at}, ${taken});`);
}

function nanWins(shader: Shader, beats: string, v: string, best: string, ties: string): string {
  const isNan = shader.helper("isNan");
  const mine = shader.define(`${isNan}(${v})`);
  const theirs = shader.define(`${isNan}(${best})`);
  return `select((${beats} || (${v} == ${best} && ${ties})) && !${theirs}, !${theirs} || ${ties}, ${mine})`;
}

/** Takes several values at once: sums as a balanced tree, then into the state. */
function mergeAll(shader: Shader, states: readonly State[], items: readonly (readonly Item[])[]): void {
  states.forEach((state, i) => {
    if (state.place) {
      for (const item of items) merge(shader, state, item[i]);
      return;
    }
    let level = items.map((item) => item[i].value);
    while (level.length > 1) {
      const next: string[] = [];
      for (let j = 0; j + 1 < level.length; j += 2) {
        next.push(shader.define(joined(shader, state.op, state.type, level[j], level[j + 1])));
      }
      if (level.length % 2 === 1) next.push(level[level.length - 1]);
      level = next;
    }
    if (level.length === 1) merge(shader, state, { value: level[0] });
  });
}

/** Computes the reductions' values at one place of the window; outside (a padded share) they are neutral. */
function windowVisitor(
  shader: Shader,
  kernel: Collapsed,
  point: readonly Coordinate[],
): (coordinates: readonly Coordinate[], inside?: string) => Item[] {
  const rank = kernel.shape.length;
  const bases = kernel.operands.map(({ offset, strides }) => shader.define(address(offset, strides.slice(0, rank), point), "a"));
  const steps = contiguousStrides(kernel.window);
  return (coordinates, inside) => {
    const loaded = new Map<number, string>();
    const load = (slot: number): string => {
      let name = loaded.get(slot);
      if (name === undefined) {
        const { buffer, strides } = kernel.operands[slot];
        const within = address(0, strides.slice(rank), coordinates);
        name = shader.define(shader.load(buffer, shader.define(`${bases[slot]} + ${within}`, "a")));
        loaded.set(slot, name);
      }
      return name;
    };
    const print = scalarPrinter(shader, {
      load,
      index: (offset, strides) => `bitcast<i32>(${address(offset, strides, [...point, ...coordinates])})`,
      result: () => {
        throw new Error("The values of a reduction have no result yet");
      },
    });
    const within = inside === undefined ? undefined : shader.define(inside);
    return kernel.reductions.map(({ op, value }) => {
      const printed = print(value);
      const v = within ? shader.define(`select(${neutral(shader, op, value.type)}, ${printed}, ${within})`) : printed;
      return isArg(op) ? { value: v, place: shader.define(`bitcast<i32>(${address(0, steps, coordinates)})`) } : { value: v };
    });
  };
}

/** As many points as are written out in a row. */
const unrolled = 32;
const unrolledInLoop = 8;
/** Steps of one running sum before it is added to the sum of sums. */
const blockSteps = 64;

/** Visits every point of `extents` in order and merges what `visit` gives: short stretches written out, the rest in loops. */
function walk(
  shader: Shader,
  states: readonly State[],
  extents: readonly number[],
  visit: (coordinates: readonly Coordinate[]) => Item[],
): void {
  const go = (axis: number, outer: readonly Coordinate[]): void => {
    const rest = extents.slice(axis);
    if (sizeOf(rest) <= unrolled) {
      mergeAll(shader, states, pointsOf(rest).map((point) => visit([...outer, ...point.map((i) => u32(i))])));
      return;
    }
    if (rest.length > 1) {
      shader.loop("0u", u32(rest[0]), 1, (at) => inBlock(shader, states, rest[1] > unrolled, () => go(axis + 1, [...outer, at])));
      return;
    }
    walkLine(shader, states, rest[0], (at) => visit([...outer, at]));
  };
  // An empty window leaves the neutral element; the place of nothing is 0.
  if (sizeOf(extents) === 0) states.forEach(({ place }) => place && shader.line(`${place} = 0;`));
  else go(0, []);
}

/** One long axis: blocks of steps of several points. */
function walkLine(shader: Shader, states: readonly State[], extent: number, visit: (at: Coordinate) => Item[]): void {
  const step = (at: string, count: number) =>
    mergeAll(shader, states, Array.from({ length: count }, (_, i) => visit(i === 0 ? at : `(${at} + ${i}u)`)));
  const block = unrolledInLoop * blockSteps;
  const inBlocks = extent >= 2 * block ? extent - extent % block : 0;
  const inSteps = extent - extent % unrolledInLoop;
  if (inBlocks > 0) {
    shader.loop("0u", u32(inBlocks / block), 1, (number) => {
      const start = shader.define(`${number} * ${block}u`);
      inBlock(shader, states, true, () => {
        shader.loop("0u", u32(block), unrolledInLoop, (at) => step(shader.define(`${start} + ${at}`), unrolledInLoop));
      });
    });
  }
  if (inSteps > inBlocks) shader.loop(u32(inBlocks), u32(inSteps), unrolledInLoop, (at) => step(at, unrolledInLoop));
  if (extent > inSteps) step(u32(inSteps), extent - inSteps);
}

/** Runs `body` with sums starting anew, then adds them to what was there. */
function inBlock(shader: Shader, states: readonly State[], worthwhile: boolean, body: () => void): void {
  const sums = worthwhile ? states.filter(({ op, type }) => op === "sum" && type === "f32") : [];
  const kept = sums.map(({ value }) => {
    const name = shader.define(`${value} + 0.0`, "kept");
    shader.line(`${value} = 0.0;`);
    return name;
  });
  body();
  sums.forEach(({ value }, i) => shader.line(`${value} = ${kept[i]} + ${value};`));
}

function pointsOf(extents: readonly number[]): number[][] {
  return extents.reduce<number[][]>(
    (points, extent) => points.flatMap((point) => Array.from({ length: extent }, (_, i) => [...point, i])),
    [[]],
  );
}
