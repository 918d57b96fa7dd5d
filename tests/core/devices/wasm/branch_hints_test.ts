/** Where a module says that branches are seldom taken: engines say nothing of hints that point elsewhere. */
import assert from "node:assert/strict";
import { WasmModule } from "../../../../core/devices/wasm/codegen/assembler/module.ts";

/** Reads unsigned integers and sections one after the other. */
class Reader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  unsigned(): number {
    for (let value = 0, shift = 0;; shift += 7) {
      const byte = this.#bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }

  name(): string {
    const bytes = this.#bytes.subarray(this.at + 1, this.at + 1 + this.#bytes[this.at]);
    this.at += 1 + bytes.length;
    return new TextDecoder().decode(bytes);
  }

  /** Skips as many bytes as the integer here says, and gives where they began. */
  skip(): number {
    const length = this.unsigned();
    this.at += length;
    return this.at - length;
  }
}

Deno.test("hints point at the branches that are seldom taken", () => {
  const module = new WasmModule();
  module.importFunc("m", "f", { params: [] });
  module.func({ params: ["i32"], export: "plain" }, (c) => c.get(0).if(() => c.call(0)));
  module.func({ params: ["i32"], export: "rare" }, (c) => {
    const local = c.local("v128");
    c.f32x4(1).set(local);
    c.heldF32x4(2).set(local);
    for (let i = 0; i < 3; i++) c.get(0).i32(1000 + i).op("i32.ge_s").ifRarely(() => c.get(0).if(() => c.call(0)));
  });
  const bytes = module.finish();
  new WebAssembly.Module(bytes);
  const reader = new Reader(bytes, 8);
  const hints: { func: number; rare: number[][] }[] = [];
  const order: number[] = [];
  while (reader.at < bytes.length) {
    const id = bytes[reader.at++];
    order.push(id);
    const start = reader.skip();
    const section = new Reader(bytes, start);
    if (id === 0) {
      assert.equal(section.name(), "metadata.code.branch_hint");
      hints.push(...section.list(() => {
        const func = section.unsigned();
        return { func, rare: section.list(() => [section.unsigned(), section.unsigned(), section.unsigned()]) };
      }));
      assert.equal(section.at, reader.at);
    }
    if (id !== 10) continue;
    const bodies = section.list(() => section.skip());
    assert.deepEqual(hints.map(({ func }) => func), [2]);
    const ifs = hints[0].rare.map(([offset, size, value]) => {
      assert.deepEqual([size, value], [1, 0]);
      return bodies[1] + offset;
    });
    assert.equal(ifs.length, 3);
    // Before an `if` is the comparison; behind the first one the local and the `if` that is not marked.
    for (const at of ifs) assert.deepEqual([...bytes.subarray(at - 1, at + 6)], [0x4e, 0x04, 0x40, 0x20, 0, 0x04, 0x40]);
    assert.equal(new Set(ifs).size, 3);
  }
  assert.ok(order.indexOf(0) < order.indexOf(10));
});
