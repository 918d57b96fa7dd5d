/**
 * The assembler against what GNU's disassembler says of its code: recorded in `instructions.txt`, which this file writes again when it is
 * run as a program (`deno run -A`), with `objdump`.
 */
import assert from "node:assert/strict";
import { Assembler } from "../../../../../core/devices/wasm/native/assembler.ts";
import { allInstructions } from "./instructions.ts";

const recorded = new URL("instructions.txt", import.meta.url);

/** What objdump says of code: a line for each instruction, its bytes and its text; undefined if there is no objdump. */
async function disassemble(bytes: Uint8Array): Promise<string | undefined> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, bytes);
    const args = ["-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--wide", "--insn-width=16", file];
    const { success, stdout } = await new Deno.Command("objdump", { args, env: { LC_ALL: "C" } }).output();
    if (!success) return undefined;
    const lines = new TextDecoder().decode(stdout).split("\n").map((line) => line.split("\t")).filter((parts) =>
      parts.length === 3
    );
    return lines.map(([, code, text]) => `${code.replaceAll(" ", "")} ${text.trim().replaceAll(/\s+/g, " ")}\n`).join("");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  } finally {
    await Deno.remove(file);
  }
}

const { bytes, texts } = allInstructions();

Deno.test("assembler: instructions are what the disassembler reads", async () => {
  const lines = (await Deno.readTextFile(recorded)).trimEnd().split("\n");
  const read = lines.map((line) => line.slice(line.indexOf(" ") + 1));
  texts.forEach((text, i) => assert.equal(read[i], text, `instruction ${i}`));
  assert.equal(read.length, texts.length);
  const code = lines.map((line) => line.slice(0, line.indexOf(" "))).join("");
  assert.equal(bytes.toHex(), code);
});

const now = await disassemble(bytes);

Deno.test({
  name: "assembler: what is recorded is what objdump says",
  ignore: now === undefined,
  fn: async () => assert.equal(now, await Deno.readTextFile(recorded)),
});

Deno.test("assembler: what fills up to a multiple does nothing", () => {
  const expected = ["", "90", "6690", "0f1f00", "0f1f4000", "0f1f440000", "660f1f440000", "0f1f8000000000", "0f1f840000000000"];
  for (let missing = 0; missing < 32; missing++) {
    const code = new Assembler().raw(Array(32 - missing).fill(0xc3)).align(32);
    const filler = Uint8Array.from(code.bytes.slice(32 - missing)).toHex();
    const [long, rest] = [Math.floor(missing / 8), missing % 8];
    assert.equal(filler, expected[8].repeat(long) + expected[rest], `${missing} bytes`);
  }
});

if (import.meta.main && now !== undefined) await Deno.writeTextFile(recorded, now);
