/**
 * The order of kernels: what must come before what.
 *
 * @module
 */
import assert from "node:assert/strict";
import { dependenciesOf, dependsOn, schedule, scheduleKernels } from "../../../core/compile/schedule.ts";
import { unary } from "../../../core/ir/expr.ts";
import type { ProgramBuilder } from "../../support/kernel_cases/builder.ts";
import { mapWhole, program, whole } from "./by_hand.ts";

const sin = (p: ProgramBuilder, from: number, to: number) => p.run(mapWhole([4], [from], to, (x) => unary("sin", x)));
const listed = (sets: readonly ReadonlySet<number>[]) => sets.map((set) => [...set]);

Deno.test("a kernel comes after those whose stores it reads, and after others that write the same buffer", () => {
  const { kernels } = program((p) => {
    const [x, a, b, y] = [p.input("f32", Array(4)), p.temporary("f32", 4, 0), p.temporary("f32", 4, 1), p.output("f32", 4)];
    sin(p, x, a); // 0
    sin(p, x, b); // 1
    sin(p, a, y); // 2
    sin(p, x, y); // 3: the same buffer as 2
    sin(p, b, x); // 4: overwrites what others have read, which is not for this list to say
  });
  assert.deepEqual(listed(dependenciesOf(kernels)), [[], [], [0], [2], [1]]);
});

Deno.test("a kernel depends on others through others", () => {
  const before = [new Set<number>(), new Set([0]), new Set([1]), new Set<number>()];
  assert.ok(dependsOn(before, 2, 0));
  assert.ok(!dependsOn(before, 0, 2));
  assert.ok(!dependsOn(before, 3, 0));
});

Deno.test("the order stays as it was, but for what something earlier waits for", () => {
  const none = new Set<number>();
  assert.deepEqual(schedule(["a", "b", "c"], [none, none, none]), ["a", "b", "c"]);
  assert.deepEqual(schedule(["a", "b", "c"], [new Set([2]), none, none]), ["c", "a", "b"]);
  assert.deepEqual(schedule(["a", "b", "c"], [new Set([2, 1]), none, none]), ["b", "c", "a"]);
  assert.deepEqual(schedule(["a", "b", "c", "d"], [new Set([3]), none, none, new Set([1])]), ["b", "d", "a", "c"]);
});

Deno.test("what needs the result of an exchange comes as late as possible", () => {
  const exchange = { label: "sum", start: () => ({ poll: () => true, wait: () => {} }) };
  const { kernels } = program((p) => {
    const x = p.input("f32", Array(4));
    const [a, b, c, d] = Array.from({ length: 4 }, (_, slot) => p.temporary("f32", 4, slot));
    const [y, z] = [p.output("f32", 4), p.output("f32", 4)];
    const send = (from: number, to: number) =>
      p.run({
        kind: "exchange",
        shape: [4],
        size: 4,
        exchange,
        operands: [whole(from, [4])],
        target: whole(to, [4]),
        loads: [],
        stores: [],
      });
    sin(p, x, a); // 0
    send(a, b); // 1
    sin(p, b, y); // 2
    sin(p, x, c); // 3
    send(c, d); // 4
    sin(p, d, z); // 5
  });
  assert.deepEqual(scheduleKernels(kernels, dependenciesOf(kernels), () => 0), [0, 1, 3, 4, 2, 5]);
});

Deno.test("what frees more memory than it takes comes as early as it can, and what frees most comes first", () => {
  const { kernels, buffers } = program((p) => {
    const x = p.input("f32", Array(4));
    const [a, b, c, large] = [4, 4, 4, 8].map((size, slot) => p.temporary("f32", size, slot));
    const [y, z, u] = [p.output("f32", 4), p.output("f32", 4), p.output("f32", 8)];
    sin(p, x, a); // 0
    sin(p, x, b); // 1
    sin(p, x, c); // 2
    sin(p, b, large); // 3: takes more than it frees
    sin(p, a, y); // 4: frees a
    p.run(mapWhole([4], [b, c], z, (x) => x)); // 5: frees c
    p.run(mapWhole([8], [large], u, (x) => x)); // 6
  });
  const bytesOf = (buffer: number) => buffers[buffer].location.kind === "slot" ? 4 * buffers[buffer].size : 0;
  assert.deepEqual(scheduleKernels(kernels, dependenciesOf(kernels), () => 0), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(scheduleKernels(kernels, dependenciesOf(kernels), bytesOf), [0, 4, 1, 2, 5, 3, 6]);
});

Deno.test("what nothing waits for is in order in linear time", () => {
  const { kernels } = program((p) => {
    const x = p.input("f32", Array(4));
    for (let i = 0; i < 20_000; i++) sin(p, x, p.output("f32", 4));
  });
  const order = scheduleKernels(kernels, dependenciesOf(kernels), () => 16);
  assert.deepEqual(order, [...kernels.keys()]);
});

Deno.test("a kernel that reads what thousands make is weighed in linear time", () => {
  const count = 20_000;
  const { kernels, buffers } = program((p) => {
    const x = p.input("f32", Array(4));
    const made = Array.from({ length: count }, (_, slot) => p.temporary("f32", 4, slot));
    for (const each of made) sin(p, x, each);
    for (const each of made) sin(p, each, p.output("f32", 4));
    // Takes as much as it frees, so it waits until it is the last that reads them.
    const large = p.temporary("f32", 4 * count, count);
    p.run(mapWhole([4], made, large, (x) => x));
    sin(p, large, p.output("f32", 4));
  });
  const bytesOf = (buffer: number) => buffers[buffer].location.kind === "slot" ? 4 * buffers[buffer].size : 0;
  assert.deepEqual(scheduleKernels(kernels, dependenciesOf(kernels), bytesOf), [...kernels.keys()]);
});

Deno.test("a chain of a hundred thousand is no recursion", () => {
  const length = 100_000;
  const items = Array.from({ length }, (_, i) => i);
  const waiting = items.map((i) => new Set(i + 1 < length ? [i + 1] : []));
  assert.deepEqual(schedule(items, waiting), items.toReversed());
});
