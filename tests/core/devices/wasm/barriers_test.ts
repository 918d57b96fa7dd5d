/** Where the threads of the wasm device wait for each other: what needs something comes after it, and what does not may run beside it. */
import assert from "node:assert/strict";
import { fc } from "../../../../dev_deps.ts";
import type { Kernel } from "../../../../core/ir/kernel.ts";
import type { Program } from "../../../../core/ir/program.ts";
import {
  type Group,
  groupsOf,
  type LoopUnit,
  type PhasesUnit,
  scratchOf,
  type SerialStep,
  type Unit,
} from "../../../../core/devices/wasm/codegen/barriers.ts";
import { createWasmDevice } from "../../../../core/devices/wasm/device.ts";
import { useDevice } from "../../../../core/execution/current_device.ts";
import {
  add,
  conv2d,
  data,
  flip,
  jit,
  matmul,
  mul,
  scan,
  softmax,
  sum,
  type Tensor,
  tensor,
  transpose,
} from "../../../../mod.ts";
import { noise } from "../../../support/noise.ts";

const slots = 6;

/** Two buffers for each slot: what is written to one of them destroys the other. */
const program: Program = {
  buffers: Array.from(
    { length: 2 * slots },
    (_, id) => ({ dtype: "f32", size: 8, location: { kind: "slot", slot: id % slots } }),
  ),
  slots: Array.from({ length: slots }, () => 32),
  kernels: [],
  inputs: [],
  outputs: [],
};

const access = (buffer: number) => ({ buffer, offset: 0, strides: [1] });

function kernelOf(reads: readonly number[], writes: readonly number[], points = 8): Kernel {
  const value = { kind: "const", type: "f32", value: 0 } as const;
  return {
    kind: "map",
    shape: [points],
    operands: [],
    loads: reads.map(access),
    stores: writes.map((id) => ({ ...access(id), value })),
  };
}

interface Made extends PhasesUnit {
  readonly name: string;
  begin: number | undefined;
}

/** A unit whose phases have so many pieces; `func` of its phases begins at 100 times its number. */
function unitOf(number: number, reads: readonly number[], writes: readonly number[], pieces: readonly number[], {
  scratch = 0,
  points = 8,
} = {}): Made {
  return {
    name: `${number}`,
    kernels: [kernelOf(reads, writes, points)],
    phases: pieces.map((pieces, i) => ({ func: 100 * number + i, pieces })),
    scratch,
    begin: undefined,
    place(offset) {
      assert.equal(this.begin, undefined, "it is placed once");
      this.begin = offset;
    },
  };
}

/** Groups in a line: phases by their numbers, what one thread does alone in brackets. */
function show(groups: readonly Group[]): string {
  const serial = (step: SerialStep): string =>
    "steps" in step ? `${step.count}x(${step.steps.map(serial).join(" ")})` : `${step.func}`;
  return groups.map((group) =>
    "groups" in group
      ? `${group.count}x{${show(group.groups)}}`
      : group.map((step) => "serial" in step ? `[${step.serial.map(serial).join(" ")}]` : `${step.func}`).join(" ")
  ).join(" | ");
}

const grouped = (units: readonly Unit[], { room = scratchOf(units), threads = 2 } = {}) =>
  show(groupsOf(program, units, room, threads));

Deno.test("kernels that have no memory in common run side by side", () => {
  const [gradient, weights, bias] = [unitOf(1, [0], [1], [4]), unitOf(2, [0], [2], [4]), unitOf(3, [0], [3], [1])];
  assert.equal(grouped([gradient, weights, bias]), "[300] 100 200");
  assert.equal(grouped([unitOf(1, [0], [1], [4]), unitOf(2, [1], [2], [4])]), "100 | 200", "what one reads of the other");
  assert.equal(grouped([unitOf(1, [0], [1], [4]), unitOf(2, [2], [0], [4])]), "100 | 200", "what is overwritten");
  assert.equal(grouped([unitOf(1, [0], [1], [4]), unitOf(2, [2], [slots], [4])]), "100 | 200", "a slot of both");
  assert.equal(grouped([unitOf(1, [0], [1], [4]), unitOf(2, [2], [slots + 1], [4])]), "100 | 200", "a slot that both write");
});

Deno.test("the last phase of a kernel runs beside the first of the next, if there is scratch memory for both", () => {
  const both = (scratch: number) => [unitOf(1, [0], [1], [2, 4], { scratch }), unitOf(2, [0], [2], [2, 4], { scratch })];
  assert.equal(grouped(both(0)), "100 | 101 200 | 201");
  assert.equal(grouped(both(64)), "100 | 101 | 200 | 201");
  const units = both(64);
  assert.equal(grouped(units, { room: 128 }), "100 | 101 200 | 201");
  assert.deepEqual(units.map(({ begin }) => begin), [0, 64]);
});

Deno.test("what one thread does alone is shared where it is long and independent", () => {
  const three = (points: number) => [1, 2, 3].map((n) => unitOf(n, [0], [n], [1], { points }));
  assert.equal(grouped(three(8)), "[100 200 300]");
  assert.equal(grouped(three(30_000)), "[100 300] [200]");
  assert.equal(grouped(three(30_000), { threads: 3 }), "[100] [200] [300]");
  assert.equal(grouped(three(30_000), { threads: 1 }), "[100 200 300]");
  const chain = [1, 2, 3].map((n) => unitOf(n, [n - 1], [n], [1], { points: 30_000 }));
  assert.equal(grouped(chain), "[100 200 300]");
  assert.equal(grouped([...chain.map((unit) => ({ ...unit, place() {} })), unitOf(4, [3, 4], [5], [4])]), "[100 200 300] | 400");
});

Deno.test("loops are shared as a whole, or one thread does them", () => {
  const alone: LoopUnit = { count: 3, units: [unitOf(1, [0], [1], [1]), { count: 2, units: [unitOf(2, [1], [0], [1])] }] };
  assert.equal(grouped([alone, unitOf(3, [2], [3], [4])]), "[3x(100 2x(200))] 300");
  const shared: LoopUnit = { count: 3, units: [unitOf(1, [0], [1], [4]), unitOf(2, [0], [2], [1])] };
  assert.equal(grouped([unitOf(3, [3], [4], [4]), shared, unitOf(4, [3], [5], [4])]), "300 | 3x{[200] 100} | 400");
});

/** Where a phase runs: the number of its group, and in what one thread does alone the list and the place in it. */
interface Place {
  readonly group: number;
  readonly list: readonly SerialStep[] | undefined;
  readonly at: number;
}

/** Where each phase runs, by its function. */
function placesOf(groups: readonly Group[]): Map<number, Place> {
  const places = new Map<number, Place>();
  let group = 0;
  const put = (func: number, place: Place) => {
    assert.ok(!places.has(func), "a phase runs once");
    places.set(func, place);
  };
  const visit = (each: Group) => {
    if ("groups" in each) return each.groups.forEach(visit);
    group++;
    for (const step of each) {
      const list = "serial" in step ? step.serial : undefined;
      let at = 0;
      const visitStep = (step: SerialStep) =>
        "steps" in step ? step.steps.forEach(visitStep) : put(step.func, { group, list, at: at++ });
      ("serial" in step ? step.serial : [step]).forEach(visitStep);
    }
  };
  groups.forEach(visit);
  return places;
}

const isBefore = (x: Place, y: Place) => x.group < y.group || (x.list !== undefined && x.list === y.list && x.at < y.at);

function memories(unit: Made): { reads: Set<number>; writes: Set<number> } {
  const of = (accesses: readonly { readonly buffer: number }[]) => new Set(accesses.map(({ buffer }) => buffer % slots));
  const [{ loads, stores }] = unit.kernels;
  return { reads: of(loads), writes: of(stores) };
}

function mustWait(first: Made, then: Made): boolean {
  const [x, y] = [memories(first), memories(then)];
  return !x.writes.isDisjointFrom(y.writes) || !x.writes.isDisjointFrom(y.reads) || !x.reads.isDisjointFrom(y.writes);
}

function overlap(x: Made, y: Made): boolean {
  return x.scratch > 0 && y.scratch > 0 && x.begin! < y.begin! + y.scratch && y.begin! < x.begin! + x.scratch;
}

const buffers = (minLength: number) => fc.array(fc.nat(2 * slots - 1), { minLength, maxLength: 2 });
const description = fc.record({
  reads: buffers(0),
  writes: buffers(1),
  pieces: fc.array(fc.constantFrom(1, 1, 2, 8), { minLength: 1, maxLength: 3 }),
  scratch: fc.constantFrom(0, 64, 128),
  points: fc.constantFrom(8, 8, 50_000),
  loop: fc.constantFrom(0, 0, 0, 0, 1, 2),
});

Deno.test("units that share memory, of the program or for scratch, run one after the other, whatever they are", () => {
  fc.assert(
    fc.property(fc.array(description, { maxLength: 24 }), fc.integer({ min: 1, max: 4 }), fc.nat(2), (list, threads, more) => {
      const all = list.map(({ reads, writes, pieces, ...options }, number) =>
        unitOf(number, reads, writes, threads === 1 ? pieces.map(() => 1) : pieces, options)
      );
      // Neighbours that are marked alike are in one loop.
      const units: Unit[] = [];
      for (let i = 0; i < all.length;) {
        const { loop } = list[i];
        let end = i + 1;
        while (loop > 0 && end < all.length && list[end].loop === loop) end++;
        const inside = all.slice(i, end);
        if (loop === 0) units.push(...inside);
        else units.push({ count: 2, units: loop === 1 ? inside : [{ count: 3, units: inside }] });
        i = end;
      }
      const room = scratchOf(units) + 64 * more;
      const places = placesOf(groupsOf(program, units, room, threads));
      const phases = all.map((unit) => unit.phases.map(({ func }) => places.get(func)!));
      assert.equal(places.size, phases.flat().length);
      for (const [i, unit] of all.entries()) {
        assert.ok(unit.begin! + unit.scratch <= room);
        phases[i].slice(1).forEach((place, at) => assert.ok(isBefore(phases[i][at], place), "phases of a kernel"));
        for (let j = 0; j < i; j++) {
          if (!mustWait(all[j], unit) && !overlap(all[j], unit)) continue;
          assert.ok(phases[j].every((first) => phases[i].every((then) => isBefore(first, then))), `${i} does not wait for ${j}`);
        }
      }
    }),
    { numRuns: 2000, seed: 7 },
  );
});

const values = (seed: number, shape: readonly number[]) => tensor(noise(seed, shape.reduce((x, y) => x * y, 1)), { shape });

/** Steps that are large enough for several threads, and of which many need nothing of their neighbours. */
function manyBranches(x: Tensor, y: Tensor, image: Tensor, filters: Tensor): Tensor[] {
  const branches = [matmul(x, y), matmul(transpose(y), x), softmax(mul(x, y)), flip(add(x, y), { axis: 1 })];
  const sums = branches.map((branch, i) => sum(mul(branch, branch), { axis: i % 2 }));
  const images = [conv2d(image, filters), conv2d(mul(image, 2), filters)];
  const mixed = matmul(add(branches[0], branches[3]), mul(branches[1], branches[2]));
  const [state, rows] = scan(
    (s: Tensor, row: Tensor) => {
      const next = add(matmul(s, y), mul(row, 0.5));
      return [softmax(next), mul(next, next)] as const;
    },
    x,
    tensor(new Float32Array(3), { shape: [3] }),
  );
  return [mixed, ...sums, ...images, transpose(mixed), state, rows];
}

Deno.test({
  name: "what runs side by side gives the same bits on any number of threads",
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  const inputs = () =>
    [values(1, [192, 192]), values(2, [192, 192]), values(3, [4, 8, 40, 40]), values(4, [16, 8, 3, 3])] as const;
  let expected: unknown[] | undefined;
  for (const threads of [1, 2, 3]) {
    useDevice(await createWasmDevice({ threads }).started());
    const step = jit(manyBranches);
    for (let round = 0; round < 20; round++) {
      const found = await Promise.all(step(...inputs()).map(data));
      expected ??= found;
      assert.deepEqual(found, expected, `${threads} threads, round ${round}`);
    }
  }
});

Deno.test({
  name: "what threads have packed of a matrix is not taken for another",
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  const size = 256;
  const products = (x: Tensor, y: Tensor, matrices: Tensor) => {
    const [state] = scan((s: Tensor, matrix: Tensor) => [mul(matmul(s, matrix), 1 / size), s] as const, x, matrices);
    return [matmul(x, y), matmul(transpose(x), mul(y, 2)), state];
  };
  const x = values(1, [size, size]);
  const expected: ArrayLike<number>[][] = [];
  for (const threads of [1, 2, 3]) {
    useDevice(await createWasmDevice({ threads }).started());
    const step = jit(products);
    for (const round of [0, 1, 2]) {
      const found = await Promise.all(step(x, values(2 + round, [size, size]), values(5 + round, [3, size, size])).map(data));
      expected[round] ??= found;
      found.forEach((numbers, i) => {
        const other = numbers.findIndex((number, at) => !Object.is(number, expected[round][i][at]));
        assert.equal(other, -1, `${threads} threads, round ${round}, product ${i}`);
      });
    }
  }
});
