/**
 * Branches and loops. What decides must be known while the graph is walked; a branch that is not known is taken both ways.
 *
 * @module
 */
import { CotangentError } from "../../core/errors.ts";
import { sameShape } from "../../core/shape.ts";
import { asTensor } from "../../core/ops/literal.ts";
import { flip, iota, moveAxis, scan, slice, squeeze, stack, type Tensor, where } from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";
import { Host, Sequence, tensorOf, type Value } from "../values.ts";

/** One branch by a known condition. Of both, where it is not known, each element is chosen: they must make the same shapes. */
function branch(call: Call): Results {
  const condition = call.known(0);
  const run = (name: string) => call.run(call.attributes.graph(name), []);
  if (condition) return run(condition.values[0] !== 0 ? "then_branch" : "else_branch");
  const [yes, no] = [run("then_branch").map(tensorOf), run("else_branch").map(tensorOf)];
  return yes.map((x, i) => {
    const y = no[i];
    if (sameShape(x.shape, y.shape) && x.dtype === y.dtype) return where(call.tensor(0), x, y);
    throw new CotangentError(
      `its condition is computed, so both branches are run and their results chosen from, but output ${i} is ` +
        `${x.dtype}[${x.shape.join(", ")}] in one and ${y.dtype}[${y.shape.join(", ")}] in the other`,
      { output: i },
    );
  });
}

/** How many steps of a loop are written out one after the other, unless its state cannot be carried by a scan. */
const mostUnrolled = 8;
/** The most steps that are written out. */
const mostSteps = 10_000;

/** Steps by a count or a condition that are known. Long loops whose state keeps its shapes are scans. */
function loop(call: Call): Results {
  const body = call.attributes.graph("body");
  const count = call.has(0) ? call.scalar(0) : Infinity;
  const state = call.inputs.slice(2).map((_, i) => call.value(i + 2));
  const start = call.has(1) ? call.host(1).values[0] !== 0 : true;
  if (count > mostUnrolled && count < 2 ** 31 && start && call.known(0)) {
    const scanned = loopAsScan(call, count, state);
    if (scanned) return scanned;
  }
  const rows: Value[][] = [];
  let carried: readonly Value[] = state;
  let goesOn = start;
  for (let step = 0; step < count && goesOn; step++) {
    if (step >= mostSteps) throw new CotangentError(`its loop has more than ${mostSteps} steps`, { steps: step });
    const results = call.run(body, [new Host("int64", [], [step]), new Host("bool", [], [1]), ...carried]);
    const [condition] = results;
    if (!(condition instanceof Host)) {
      throw new CotangentError(
        "its condition is computed from tensors: only loops whose end is known beforehand are supported",
        {},
      );
    }
    goesOn = condition.values[0] !== 0;
    carried = results.slice(1, 1 + state.length);
    rows.push(results.slice(1 + state.length));
  }
  const collected = body.outputs.length - 1 - state.length;
  return [
    ...carried,
    ...Array.from({ length: collected }, (_, i) => {
      if (rows.length === 0) {
        throw new CotangentError("its loop takes no step, so that the shape of what it collects is not known", {});
      }
      return stack(rows.map((row) => tensorOf(row[i])));
    }),
  ];
}

/** Undefined where the state is no tensor or changes its shape, or the condition does not stay true. */
function loopAsScan(call: Call, count: number, state: readonly Value[]): Results | undefined {
  if (state.some((value) => value instanceof Sequence)) return undefined;
  const body = call.attributes.graph("body");
  const init = state.map(tensorOf);
  const yes = new Host("bool", [], [1]);
  const probe = call.run(body, [new Host("int64", [], [0]), yes, ...init]);
  const [condition, ...rest] = probe;
  const keeps = init.every((x, i) => {
    const y = rest[i];
    return !(y instanceof Sequence) && sameShape(x.shape, y.shape) && tensorOf(y).dtype === x.dtype;
  });
  if (!keeps || rest.some((value) => value instanceof Sequence) || !(condition instanceof Host) || condition.values[0] === 0) {
    return undefined;
  }
  const steps = iota([count], 0);
  try {
    const [end, rows] = scan(
      (carry: Tensor[], step: Tensor) => {
        const [goesOn, ...after] = call.run(body, [step, yes, ...carry]);
        if (!(goesOn instanceof Host)) throw new Changing();
        return [after.slice(0, init.length).map(tensorOf), after.slice(init.length).map(tensorOf)] as const;
      },
      init,
      steps,
    );
    return [...end, ...rows];
  } catch (error) {
    if (error instanceof Changing) return undefined;
    throw error;
  }
}

/** A loop whose condition depends on the step. */
class Changing extends Error {}

/** ONNX's Scan: sequences along any axes, each forwards or backwards. Version 8 had a batch axis in front, and lengths. */
function scanOp(call: Call): Results {
  const { attributes } = call;
  const body = attributes.graph("body");
  const count = attributes.number("num_scan_inputs");
  if (call.opset < 9) return batchedScan(call, count);
  const states = call.count - count;
  const init = Array.from({ length: states }, (_, i) => call.tensor(i));
  const outs = body.outputs.length - states;
  const none = (length: number) => Array.from({ length }, () => 0);
  const [axes, turned] = [
    attributes.numbers("scan_input_axes", none(count)),
    attributes.numbers("scan_input_directions", none(count)),
  ];
  const [outAxes, outTurned] = [
    attributes.numbers("scan_output_axes", none(outs)),
    attributes.numbers("scan_output_directions", none(outs)),
  ];
  const xs = Array.from({ length: count }, (_, i) => oriented(moveAxis(call.tensor(states + i), axes[i], 0), turned[i]));
  const [end, rows] = scanned(call, init, xs);
  return [...end, ...rows.map((row, i) => moveAxis(oriented(row, outTurned[i]), 0, outAxes[i]))];
}

function oriented(x: Tensor, isTurned: number): Tensor {
  return isTurned ? flip(x, { axis: 0 }) : x;
}

function scanned(call: Call, init: Tensor[], xs: Tensor[]): [Tensor[], Tensor[]] {
  const body = call.attributes.graph("body");
  return scan(
    (carry: Tensor[], row: Tensor[]) => {
      const results = call.run(body, [...carry, ...row]).map(tensorOf);
      return [results.slice(0, carry.length), results.slice(carry.length)] as const;
    },
    init.map((x) => asTensor(x)),
    xs,
  );
}

function batchedScan(call: Call, count: number): Results {
  if (call.has(0)) throw new CotangentError("lengths of sequences are not supported for Scan of version 8", {});
  const states = call.count - 1 - count;
  const item = (i: number, batch: number) => squeeze(slice(call.tensor(1 + i), { start: batch, stop: batch + 1 }), { axis: 0 });
  const batches = Array.from({ length: call.shape(1)[0] }, (_, batch) => {
    const init = Array.from({ length: states }, (_, i) => item(i, batch));
    const [end, rows] = scanned(call, init, Array.from({ length: count }, (_, i) => item(states + i, batch)));
    return [...end, ...rows];
  });
  return batches[0].map((_, i) => stack(batches.map((each) => each[i])));
}

/** What these ops do. */
export const control: OpTable = { If: branch, Loop: loop, Scan: scanOp };
