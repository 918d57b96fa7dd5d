/**
 * Packing: a strip of a matrix copied so that what a micro-kernel reads together is contiguous.
 *
 * A panel holds `width` lanes (rows of the left matrix, columns of the right one) for one step of the inner product after
 * another. It makes every access of the micro-kernel contiguous, whatever the strides were, and keeps it clear of cache-set
 * conflicts.
 *
 * @module
 */
import type { FunctionWriter } from "../assembler/function_writer.ts";
import type { WasmModule } from "../assembler/module.ts";
import { plus } from "../emit/addresses.ts";
import type { VectorWriter } from "../emit/vector_code.ts";
import { floatBytes, loadLanes, storeLanes, transpose4, vectorLanes } from "../emit/vectors.ts";

/** What one packing function does. Strides are in elements. */
export interface PanelSpec {
  /** Lanes of the panel. */
  readonly width: number;
  /**
   * Lanes that exist in the source. The panel's others get zeros, or copies of one that exists: what happens to lie in memory may be
   * subnormal numbers, with which some processors compute a hundred times slower.
   */
  readonly lanes: number;
  readonly laneStride: number;
  /** From one step of the inner product to the next. */
  readonly stepStride: number;
  /** The same in the panel, if it is not `width`. */
  readonly panelStride?: number;
}

/** Steps that are packed together of many panels. */
export const stepsTogether = 8;

/** Neighbouring panels whose lanes are contiguous. Distances in floats. */
export interface Neighbours {
  /** Lanes of each panel. */
  readonly width: number;
  readonly stepStride: number;
  /** From panel to panel in what is packed, if they do not lie one behind the other. */
  readonly panelStride?: number;
}

/**
 * Writes a function (source, packed, steps, panels) that packs them: some steps of all panels, then the next. So the source is read as it
 * lies; panel by panel each step would be on another page.
 */
export function packNeighbours(writer: VectorWriter, { width, stepStride, panelStride }: Neighbours): number {
  const name = `packed neighbours ${[width, stepStride, panelStride]}`;
  return writer.func({ name, params: ["address", "address", "count", "count"] }, (code, [source, packed, steps, panels]) => {
    const [from, to, count, rounds] = code.integers(4);
    const [vector] = code.vectors(1);
    const together = (several: number) => {
      code.set(from, source);
      code.set(to, packed);
      code.set(count, panels);
      code.repeat(count, () => {
        for (let step = 0; step < several; step++) {
          for (let lane = 0; lane < width; lane += code.lanes) {
            const lanes = Math.min(code.lanes, width - lane);
            code.load(vector, from, (step * stepStride + lane) * floatBytes, lanes);
            code.store(vector, to, (step * width + lane) * floatBytes, lanes);
          }
        }
        code.add(from, width * floatBytes);
        if (panelStride === undefined) code.addScaled(to, steps, width * floatBytes);
        else code.add(to, panelStride * floatBytes);
      });
      code.add(source, several * stepStride * floatBytes);
      code.add(packed, several * width * floatBytes);
    };
    code.setQuotient(rounds, steps, stepsTogether);
    code.repeat(rounds, () => together(stepsTogether));
    code.setRemainder(rounds, steps, stepsTogether);
    code.repeat(rounds, () => together(1));
  });
}

/** Lanes that are packed together if they are far apart: more streams would throw each other out of the first-level cache. */
const lanesTogether = 16;

/** Writes a function (source address, panel address, steps) that packs one panel. */
export function packPanel(module: WasmModule, spec: PanelSpec): number {
  if (spec.laneStride !== 1 && spec.width > lanesTogether) return packGroups(module, spec);
  return module.func({ name: nameOf(spec), params: ["i32", "i32", "i32"] }, (c) => {
    if (spec.laneStride === 1) packAdjacentLanes(c, spec);
    else if (spec.stepStride === 1) packTransposed(c, spec);
    else stepLoop(c, count, 1, moves(spec), () => packScalars(c, spec));
  });
}

function nameOf({ width, lanes, laneStride, stepStride, panelStride = width }: PanelSpec): string {
  return `packed panel ${[width, lanes, laneStride, stepStride, panelStride]}`;
}

/**
 * Writes a function (source address, address of the first panel, steps) that packs several panels of contiguous lanes, which lie beside each
 * other in the source and `panelFloats` apart where they are packed. Steps are read along: whole lines of the cache at a time.
 */
export function packPanelsBeside(
  module: WasmModule,
  { width, stepStride }: Pick<PanelSpec, "width" | "stepStride">,
  panels: number,
  panelFloats: number,
): number {
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    stepLoop(c, count, 1, moves({ width, lanes: width, laneStride: 1, stepStride }), () => {
      for (let i = 0; i < panels; i++) {
        for (let lane = 0; lane < width; lane += vectorLanes) {
          c.get(panel).get(source).mem("v128.load", (i * width + lane) * floatBytes);
          c.mem("v128.store", (i * panelFloats + lane) * floatBytes);
        }
      }
    });
  });
}

/** Packs a wide panel, some lanes after the others. Groups without lanes that exist are copies of the last that has some. */
function packGroups(module: WasmModule, { width, lanes, laneStride, stepStride, panelStride = width }: PanelSpec): number {
  const last = Math.floor((lanes - 1) / lanesTogether) * lanesTogether;
  const groups = Array.from({ length: Math.ceil(width / lanesTogether) }, (_, i) => {
    const to = i * lanesTogether;
    const from = Math.min(to, last);
    const groupWidth = Math.min(lanesTogether, width - to);
    const groupLanes = Math.min(groupWidth, lanes - from);
    const func = packPanel(module, { width: groupWidth, lanes: groupLanes, laneStride, stepStride, panelStride });
    return { from: from * laneStride * floatBytes, to: to * floatBytes, func };
  });
  return module.func({ params: ["i32", "i32", "i32"] }, (c) => {
    for (const { from, to, func } of groups) plus(plus(c.get(source), from).get(panel), to).get(count).call(func);
  });
}

/** Parameters of a packing function. */
const [source, panel, count] = [0, 1, 2];

/** Repeats `body` while local `steps` holds at least `stepsAtOnce`, and moves the pointers by their bytes per step each time. */
function stepLoop(
  c: FunctionWriter,
  steps: number,
  stepsAtOnce: number,
  pointers: readonly (readonly [pointer: number, bytes: number])[],
  body: () => void,
): void {
  c.block(() => {
    c.get(steps).i32(stepsAtOnce).op("i32.lt_s").brIf(0);
    c.loop(() => {
      body();
      for (const [pointer, bytes] of pointers) c.increment(pointer, bytes * stepsAtOnce);
      c.increment(steps, -stepsAtOnce).get(steps).i32(stepsAtOnce).op("i32.ge_s").brIf(0);
    });
  });
}

/** The pointers of a packing function and how far a step moves them. */
function moves({ stepStride, width, panelStride = width }: PanelSpec): readonly (readonly [number, number])[] {
  return [[source, stepStride * floatBytes], [panel, panelStride * floatBytes]];
}

/** Packs one step of any strides. */
function packScalars(c: FunctionWriter, spec: PanelSpec): void {
  for (let lane = 0; lane < spec.lanes; lane++) {
    c.get(panel);
    plus(c.get(source), lane * spec.laneStride * floatBytes).mem("f32.load");
    c.mem("f32.store", lane * floatBytes);
  }
  for (let lane = spec.lanes; lane < spec.width; lane++) c.get(panel).f32(0).mem("f32.store", lane * floatBytes);
}

/** Lanes that are contiguous in the source. */
function packAdjacentLanes(c: FunctionWriter, spec: PanelSpec): void {
  const vector = c.local("v128");
  stepLoop(c, count, 1, moves(spec), () => {
    for (let lane = 0; lane < spec.width; lane += vectorLanes) {
      loadLanes(c, source, vector, spec.lanes - lane, lane * floatBytes);
      storeLanes(c, panel, vector, Math.min(vectorLanes, spec.width - lane), lane * floatBytes);
    }
  });
}

/** Lanes whose steps are contiguous: squares of 4 by 4 are transposed in registers. */
function packTransposed(c: FunctionWriter, spec: PanelSpec): void {
  const { panelStride = spec.width } = spec;
  const rows = c.locals("v128", vectorLanes);
  stepLoop(c, count, vectorLanes, moves(spec), () => {
    for (let lane = 0; lane < spec.width; lane += vectorLanes) {
      const loadRow = (i: number, row: number) => {
        const from = Math.min(lane + i, spec.lanes - 1) * spec.laneStride * floatBytes;
        if (from >= 0) c.get(source).mem("v128.load", from).set(row);
        else plus(c.get(source), from).mem("v128.load").set(row);
      };
      if (spec.width - lane === 1) {
        loadRow(0, rows[0]);
        rows.forEach((_, step) =>
          c.get(panel).get(rows[0]).memLane("v128.store32_lane", step, (step * panelStride + lane) * floatBytes)
        );
        continue;
      }
      rows.forEach((row, i) => loadRow(i, row));
      transpose4(c, rows);
      rows.forEach((row, step) =>
        storeLanes(c, panel, row, Math.min(vectorLanes, spec.width - lane), (step * panelStride + lane) * floatBytes)
      );
    }
  });
  stepLoop(c, count, 1, moves(spec), () => packScalars(c, spec));
}

/**
 * Writes a function (panel, target, steps) that unpacks a panel: lane i of each step goes to the row at i * `laneStride`, one
 * step after the other. `lanes` of the panel's `width` lanes (a multiple of four) are wanted.
 */
export function unpackPanel(module: WasmModule, { width, lanes, laneStride }: Omit<PanelSpec, "stepStride">): number {
  const name = `unpacked panel ${[width, lanes, laneStride]}`;
  return module.func({ name, params: ["i32", "i32", "i32"] }, (c) => {
    const [from, to, steps] = [0, 1, 2];
    const rows = c.locals("v128", vectorLanes);
    const pointers = [[from, width * floatBytes], [to, floatBytes]] as const;
    stepLoop(c, steps, vectorLanes, pointers, () => {
      for (let lane = 0; lane < lanes; lane += vectorLanes) {
        rows.forEach((row, step) => c.get(from).mem("v128.load", (step * width + lane) * floatBytes).set(row));
        transpose4(c, rows);
        rows.slice(0, lanes - lane).forEach((row, i) =>
          c.get(to).get(row).mem("v128.store", (lane + i) * laneStride * floatBytes)
        );
      }
    });
    stepLoop(c, steps, 1, pointers, () => {
      for (let lane = 0; lane < lanes; lane++) {
        c.get(to).get(from).mem("f32.load", lane * floatBytes).mem("f32.store", lane * laneStride * floatBytes);
      }
    });
  });
}
