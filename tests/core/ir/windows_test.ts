/** Windows: counts, what an output reads, and the two gathers, against the list of all reads. */
import assert from "node:assert/strict";
import {
  countedInputs,
  type GatherAxis,
  gatherInputs,
  gatherOutputs,
  gathersOutside,
  gatherTaps,
  inputAt,
  inputsOf,
  lastInput,
  outputsInside,
  reversedPadding,
  staysInside,
  tapsInside,
  windowAxes,
  type WindowAxis,
  windowCount,
  windowReach,
} from "../../../core/ir/windows.ts";

function axisOf(
  inputs: number,
  taps: number,
  { stride = 1, dilation = 1, before = 0, after = 0 }: Partial<WindowAxis> = {},
): WindowAxis {
  const axis = { inputs, taps, stride, dilation, before, after };
  return { ...axis, outputs: windowCount(axis) };
}

const axes: readonly WindowAxis[] = [
  axisOf(7, 3),
  axisOf(7, 3, { before: 1, after: 1 }),
  axisOf(8, 3, { stride: 2, before: 1 }),
  axisOf(9, 2, { stride: 3, after: 2 }),
  axisOf(10, 3, { dilation: 2, before: 2, after: 2 }),
  axisOf(11, 3, { stride: 2, dilation: 3, before: 1, after: 3 }),
  axisOf(12, 4, { stride: 4, dilation: 2 }),
  axisOf(5, 1, { stride: 2 }),
];

/** All that is read: [output, tap, input]. */
function readsOf(axis: WindowAxis): number[][] {
  const reads: number[][] = [];
  for (let output = 0; output < axis.outputs; output++) {
    for (const { tap, input } of inputsOf(axis, output)) reads.push([output, tap, input]);
  }
  return reads;
}

/** All that a gather reads: [result, tap, source]. */
function gathered({ outputs, sources, step, phases }: GatherAxis): number[][] {
  return Array.from({ length: outputs }, (_, result) => {
    const { first, every, delta, deltaStep, count } = phases[result % phases.length];
    const start = Math.floor(result / phases.length) * step + delta;
    return Array.from({ length: count }, (_, i) => [result, first + i * every, start + i * deltaStep]);
  }).flat().filter(([, , source]) => source >= 0 && source < sources);
}

const sorted = (list: readonly number[][]) => list.map((each) => each.join()).toSorted();

Deno.test("as many windows as fit, and in ceil mode one that hangs over", () => {
  const count = (inputs: number, taps: number, rest: Partial<WindowAxis> = {}, ceilMode = false) =>
    windowCount({ inputs, taps, stride: 1, dilation: 1, before: 0, after: 0, ...rest }, ceilMode);
  assert.equal(count(5, 3), 3);
  assert.equal(count(5, 3, { before: 1, after: 1 }), 5);
  assert.equal(count(6, 3, { stride: 2 }), 2);
  assert.equal(count(6, 3, { stride: 2 }, true), 3);
  assert.equal(count(5, 3, { dilation: 3 }), 0);
  assert.equal(windowReach(3, 3), 7);
  // A window that would begin in the padding behind is none.
  assert.equal(count(4, 2, { stride: 3, before: 1, after: 1 }, true), 2);
  assert.equal(count(3, 1, { stride: 2, after: 1 }, true), 2);
  // One that is larger than the image hangs over by less than a step.
  assert.equal(count(2, 3, { stride: 2 }, true), 1);
  assert.equal(count(1, 3, { stride: 2 }, true), 0);
  assert.equal(count(1, 3, { stride: 3 }, true), 1);
  assert.equal(count(1, 3, { stride: 3 }), 0);
});

Deno.test("an output reads the inputs under its taps", () => {
  const axis = axisOf(5, 3, { before: 1, after: 1 });
  assert.deepEqual(inputsOf(axis, 0), [{ tap: 1, input: 0 }, { tap: 2, input: 1 }]);
  assert.deepEqual(inputsOf(axis, 4), [{ tap: 0, input: 3 }, { tap: 1, input: 4 }]);
  assert.equal(inputAt(axis, 0, 0), -1);
  assert.equal(lastInput(axis), 5);
  assert.ok(!staysInside(axis));
  assert.ok(staysInside(axisOf(5, 3)));
  assert.deepEqual(countedInputs(axis, true), { begin: -1, end: 6 });
  assert.deepEqual(countedInputs(axis, false), { begin: 0, end: 5 });
});

Deno.test("the taps inside are those that read an input", () => {
  for (const axis of axes) {
    for (let output = 0; output < axis.outputs; output++) {
      for (const range of [{ begin: 0, end: axis.inputs }, countedInputs(axis, true), { begin: 2, end: 3 }]) {
        const taps = Array.from({ length: axis.taps }, (_, tap) => tap).filter((tap) => {
          const input = inputAt(axis, output, tap);
          return input >= range.begin && input < range.end;
        });
        const { from, to } = tapsInside(axis, output, range);
        assert.deepEqual(Array.from({ length: to - from }, (_, i) => from + i), taps);
      }
    }
  }
});

Deno.test("both gathers read what the windows read, seen from either side", () => {
  for (const axis of axes) {
    assert.deepEqual(sorted(gathered(gatherInputs(axis))), sorted(readsOf(axis)));
    const backwards = readsOf(axis).map(([output, tap, input]) => [input, tap, output]);
    assert.deepEqual(sorted(gathered(gatherOutputs(axis))), sorted(backwards));
  }
});

Deno.test("the taps of a tile", () => {
  for (const axis of axes) {
    const gather = gatherInputs(axis);
    const taps = gatherTaps(gather, gather.outputs).flatMap((list, result) => list.map(({ tap, delta }) => [result, tap, delta]));
    assert.deepEqual(sorted(taps), sorted(readsOf(axis)));
    assert.equal(gathersOutside(gather), !staysInside(axis));
  }
  // A tile of some of the results keeps all its taps, padding or not.
  const padded = gatherInputs(axes[1]);
  assert.deepEqual(gatherTaps(padded, 1), [[{ tap: 0, delta: -1 }, { tap: 1, delta: 0 }, { tap: 2, delta: 1 }]]);
});

Deno.test("the gradient is a convolution by the reversed window", () => {
  for (const axis of axes.filter(({ stride }) => stride === 1)) {
    const before = reversedPadding(axis);
    const reads = readsOf(axis).map(([output, tap, input]) => [input, axis.taps - 1 - tap, output]);
    for (const [input, reversed, output] of reads) {
      assert.equal(inputAt({ ...axis, before }, input, reversed), output);
    }
  }
});

Deno.test("the axes of a geometry", () => {
  const geometry = {
    ...{ n: 1, c: 1, h: 5, w: 6, oh: 3, ow: 4, kh: 2, kw: 3, stride: [1, 2], dilation: [3, 4], countPadding: true } as const,
    padding: { top: 1, bottom: 2, left: 3, right: 4 },
  };
  assert.deepEqual(windowAxes(geometry), [
    { inputs: 5, outputs: 3, taps: 2, stride: 1, dilation: 3, before: 1, after: 2 },
    { inputs: 6, outputs: 4, taps: 3, stride: 2, dilation: 4, before: 3, after: 4 },
  ]);
});

Deno.test("outputsInside: the outputs that read the image under a tap, all in one range", () => {
  for (const axis of [...axes, axisOf(2, 3, { before: 5, after: 4 }), axisOf(1, 3, { stride: 7, before: 1, after: 1 })]) {
    for (let tap = 0; tap < axis.taps; tap++) {
      const { from, to } = outputsInside(axis, tap);
      const expected = readsOf(axis).filter(([, each]) => each === tap).map(([output]) => output);
      assert.deepEqual(Array.from({ length: to - from }, (_, i) => from + i), expected);
    }
  }
});
