/**
 * What the terminal can show, found out without asking the user for anything.
 *
 * @module
 */
import { readEnv } from "../core/env.ts";

/** Whether to colour what is printed: it goes to a terminal, and NO_COLOR is not set. */
export function hasColor(): boolean {
  return !Deno.noColor && Deno.stdout.isTerminal();
}

/** Whether the terminal says that it has all 24-bit colours; without permission to read `COLORTERM` it counts as not. */
export function hasTrueColor(): boolean {
  return hasColor() && /^(truecolor|24bit)$/.test(readEnv("COLORTERM") ?? "");
}

/** Characters in a line: those of the terminal, or 80. */
export function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80; // not a terminal
  }
}

/** The character that begins a terminal's control sequences. */
export const escape = "\u001b";
