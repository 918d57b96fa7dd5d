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
import { type Distance, Distances, moveBy, toldFunction } from "../emit/distances.ts";
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

/** From lane to lane and from step to step in the source, and from step to step in the panel. */
type PanelDistances = Readonly<Record<"lane" | "step" | "panel", Distance>>;

/** Writes a function (source address, panel address, steps) that packs one panel. */
export function packPanel(module: WasmModule, spec: PanelSpec): number {
  const { width, lanes, laneStride, stepStride, panelStride = width } = spec;
  if (laneStride !== 1 && width > lanesTogether) return packGroups(module, spec);
  const bytes = { lane: laneStride * floatBytes, step: stepStride * floatBytes, panel: panelStride * floatBytes };
  const distances = new Distances(bytes, (name, distance) => distance === (name === "panel" ? width : 1) * floatBytes);
  return toldFunction(
    module,
    { name: `packed panel ${[width, lanes]}`, params: ["i32", "i32", "i32"] },
    distances,
    (c, distances) => {
      if (laneStride === 1) packAdjacentLanes(c, spec, distances);
      else if (stepStride === 1) packTransposed(c, spec, distances);
      else stepLoop(c, count, 1, moves(distances), () => packScalars(c, spec, distances));
    },
  );
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
    const [sourceStep, panelStep] = [stepStride, width].map((floats) => ({ bytes: floats * floatBytes }));
    stepLoop(c, count, 1, [[source, sourceStep], [panel, panelStep]], () => {
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

/** Repeats `body` while local `steps` holds at least `stepsAtOnce`, and moves the pointers by their distances per step each time. */
function stepLoop(
  c: FunctionWriter,
  steps: number,
  stepsAtOnce: number,
  pointers: readonly (readonly [pointer: number, distance: Distance])[],
  body: () => void,
): void {
  c.block(() => {
    c.get(steps).i32(stepsAtOnce).op("i32.lt_s").brIf(0);
    c.loop(() => {
      body();
      for (const [pointer, distance] of pointers) moveBy(c, pointer, distance, stepsAtOnce);
      c.increment(steps, -stepsAtOnce).get(steps).i32(stepsAtOnce).op("i32.ge_s").brIf(0);
    });
  });
}

/** The pointers of a packing function and how far a step moves them. */
function moves({ step, panel: panelStep }: PanelDistances): readonly (readonly [number, Distance])[] {
  return [[source, step], [panel, panelStep]];
}

/** Packs one step of any strides. */
function packScalars(c: FunctionWriter, { lanes, width }: PanelSpec, { lane: laneStep }: PanelDistances): void {
  c.withLocals("i32", 1, (from) => {
    c.get(source).set(from);
    for (let lane = 0; lane < lanes; lane++) {
      if (lane > 0) moveBy(c, from, laneStep);
      c.get(panel).get(from).mem("f32.load").mem("f32.store", lane * floatBytes);
    }
  });
  for (let lane = lanes; lane < width; lane++) c.get(panel).f32(0).mem("f32.store", lane * floatBytes);
}

/** Lanes that are contiguous in the source. */
function packAdjacentLanes(c: FunctionWriter, spec: PanelSpec, distances: PanelDistances): void {
  const vector = c.local("v128");
  stepLoop(c, count, 1, moves(distances), () => {
    for (let lane = 0; lane < spec.width; lane += vectorLanes) {
      loadLanes(c, source, vector, spec.lanes - lane, lane * floatBytes);
      storeLanes(c, panel, vector, Math.min(vectorLanes, spec.width - lane), lane * floatBytes);
    }
  });
}

/** Lanes whose steps are contiguous: squares of 4 by 4 are transposed in registers. */
function packTransposed(c: FunctionWriter, spec: PanelSpec, distances: PanelDistances): void {
  const { lanes, width } = spec;
  const rows = c.locals("v128", vectorLanes);
  const [from, to] = c.locals("i32", 2);
  stepLoop(c, count, vectorLanes, moves(distances), () => {
    c.get(source).set(from);
    let reached = 0;
    for (let lane = 0; lane < width; lane += vectorLanes) {
      const loadRow = (i: number, row: number) => {
        for (; reached < Math.min(lane + i, lanes - 1); reached++) moveBy(c, from, distances.lane);
        c.get(from).mem("v128.load").set(row);
      };
      c.get(panel).set(to);
      const eachStep = (store: (row: number, step: number) => void) =>
        rows.forEach((row, step) => {
          if (step > 0) moveBy(c, to, distances.panel);
          store(row, step);
        });
      if (width - lane === 1) {
        loadRow(0, rows[0]);
        eachStep((_, step) => c.get(to).get(rows[0]).memLane("v128.store32_lane", step, lane * floatBytes));
        continue;
      }
      rows.forEach((row, i) => loadRow(i, row));
      transpose4(c, rows);
      eachStep((row) => storeLanes(c, to, row, Math.min(vectorLanes, width - lane), lane * floatBytes));
    }
  });
  stepLoop(c, count, 1, moves(distances), () => packScalars(c, spec, distances));
}

/**
 * Writes a function (panel, target, steps) that unpacks a panel: lane i of each step goes to the row at i * `laneStride`, one
 * step after the other. `lanes` of the panel's `width` lanes (a multiple of four) are wanted.
 */
export function unpackPanel(module: WasmModule, { width, lanes, laneStride }: Omit<PanelSpec, "stepStride">): number {
  const distances = new Distances({ lane: laneStride * floatBytes }, () => false);
  return toldFunction(
    module,
    { name: `unpacked panel ${[width, lanes]}`, params: ["i32", "i32", "i32"] },
    distances,
    (c, { lane: laneStep }) => {
      const [from, to, steps] = [0, 1, 2];
      const rows = c.locals("v128", vectorLanes);
      const [target] = c.locals("i32", 1);
      const pointers = [[from, { bytes: width * floatBytes }], [to, { bytes: floatBytes }]] as const;
      const eachLane = (lane: number, store: () => void) => {
        if (lane > 0) moveBy(c, target, laneStep);
        store();
      };
      stepLoop(c, steps, vectorLanes, pointers, () => {
        c.get(to).set(target);
        for (let lane = 0; lane < lanes; lane += vectorLanes) {
          rows.forEach((row, step) => c.get(from).mem("v128.load", (step * width + lane) * floatBytes).set(row));
          transpose4(c, rows);
          rows.slice(0, lanes - lane).forEach((row, i) => eachLane(lane + i, () => c.get(target).get(row).mem("v128.store")));
        }
      });
      stepLoop(c, steps, 1, pointers, () => {
        c.get(to).set(target);
        for (let lane = 0; lane < lanes; lane++) {
          eachLane(lane, () => c.get(target).get(from).mem("f32.load", lane * floatBytes).mem("f32.store"));
        }
      });
    },
  );
}
