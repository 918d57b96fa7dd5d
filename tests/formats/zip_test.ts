/** Zip archives: members that are not packed are views of the archive, and what does not fit its directory is refused. */
import assert from "node:assert/strict";
import { crc32, deflateRawSync } from "node:zlib";
import { attemptAsync } from "../../formats/failures.ts";
import { unzip, zip } from "../../formats/zip.ts";
import { left, right } from "./results.ts";

const read = (bytes: Uint8Array) => attemptAsync(() => unzip(bytes, "a.zip", "an archive"));
const text = (value: string) => new TextEncoder().encode(value);

/** A member as an archive has it, with what its header and the directory say of it. */
interface Member {
  readonly name: string;
  readonly content: Uint8Array;
  readonly method?: number;
  /** What the directory says instead. */
  readonly said?: {
    readonly name?: string;
    readonly size?: number;
    readonly packed?: number;
    readonly at?: number;
    readonly crc?: number;
  };
}

/** An archive, written out. */
function archive(...members: readonly Member[]): Uint8Array {
  const parts: number[] = [];
  const directory: number[] = [];
  const u16 = (x: number) => [x & 255, x >> 8 & 255];
  const u32 = (x: number) => [...u16(x & 0xffff), ...u16(x >>> 16)];
  for (const { name, content, method = 0, said = {} } of members) {
    const packed = method === 8 ? deflateRawSync(content) : content;
    const facts = (listed: string, { crc = crc32(content), size = content.length, packed: bytes = packed.length } = {}) => [
      ...[20, 0, 0, 0, method, 0, 0, 0, 0x21, 0],
      ...[...u32(crc), ...u32(bytes), ...u32(size), ...u16(listed.length)],
    ];
    const listed = said.name ?? name;
    directory.push(...u32(0x02014b50), 20, 0, ...facts(listed, said), ...new Array(12).fill(0), ...u32(said.at ?? parts.length));
    directory.push(...text(listed));
    parts.push(...u32(0x04034b50), ...facts(name), 0, 0, ...text(name), ...packed);
  }
  const count = u16(members.length);
  const end = [...u32(0x06054b50), 0, 0, 0, 0, ...count, ...count, ...u32(directory.length), ...u32(parts.length), 0, 0];
  return Uint8Array.from([...parts, ...directory, ...end]);
}

Deno.test("what is not packed is where it was; what is packed is unpacked", async () => {
  const bytes = archive({ name: "a", content: text("plain") }, { name: "b", content: text("x".repeat(1000)), method: 8 });
  const members = right(await read(bytes));
  assert.deepEqual([...members.keys()], ["a", "b"]);
  assert.equal(members.get("a")!.buffer, bytes.buffer);
  assert.deepEqual([...members.values()].map((each) => new TextDecoder().decode(each)), ["plain", "x".repeat(1000)]);
  const own = right(await read(await zip([["c/d", text("1")], ["none", new Uint8Array()]])));
  assert.deepEqual([...own], [["c/d", text("1")], ["none", new Uint8Array()]]);
});

Deno.test("archives that contradict themselves are refused, with the member", async () => {
  const content = text("0123456789".repeat(20));
  const first: Member = { name: "a", content };
  const wrong: readonly [rule: string, reason: RegExp, bytes: Uint8Array][] = [
    ["names", /has "a" twice/, archive(first, first)],
    ["archive", /"b" lies within another/, archive(first, { name: "b", content, said: { at: 0 } })],
    ["archive", /"x" is not where/, archive({ ...first, said: { name: "x" } })],
    ["archive", /"a" is not where/, archive({ ...first, said: { at: 7 } })],
    ["archive", /"a" is not where/, archive({ ...first, said: { at: 1e6 } })],
    ["archive", /checksum of its member "a"/, archive({ ...first, said: { crc: 1 } })],
    ["archive", /"a" has 200 bytes, not 199/, archive({ ...first, said: { size: 199 } })],
    ["archive", /checksum of its member "a"/, archive({ ...first, said: { packed: 210, size: 210 } }, { name: "b", content })],
    ["archive", /method 12; only deflate/, archive({ ...first, method: 12 })],
    ["archive", /no whole zip/, archive({ ...first, method: 8, said: { size: 100 } })],
    ["archive", /"a" has 200 bytes, not 300/, archive({ ...first, method: 8, said: { size: 300 } })],
    ["unpacked size", /4000000000 bytes/, archive({ ...first, method: 8, said: { size: 4e9 } })],
  ];
  for (const [rule, reason, bytes] of wrong) {
    const error = left(await read(bytes), "Format");
    assert.match(error.message, reason);
    assert.equal(error.rule, rule, error.message);
  }
});
