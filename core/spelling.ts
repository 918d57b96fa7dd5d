/**
 * What a name that there is not was meant to be: misspelled, or another library's.
 *
 * @module
 */

/** How many letters must be inserted, left out or replaced to make one word of another. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    above = row;
  }
  return above[b.length];
}

/** Other libraries' words for our names, in small letters and without underscores. */
const elsewhere: ReadonlyMap<string, readonly string[]> = new Map([
  ["axis", ["dim", "dims"]],
  ["learningRate", ["lr"]],
  ["features", ["outchannels", "hiddensize", "dmodel", "embeddingdim", "embeddim", "units", "filters"]],
  ["heads", ["nhead"]],
  ["correction", ["ddof", "unbiased"]],
]);

/**
 * The name most like a word, whatever the case of letters: a third of the letters may differ, the name may go on (`eps`, `epsilon`), or
 * the word may have more before or after it (`numHeads`, `kernel_size`); or else the word that other libraries have for it (`dim`).
 * Undefined if none is like it.
 */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  const given = word.toLowerCase();
  const far = (name: string) => {
    if (elsewhere.get(name)?.includes(given.replaceAll("_", ""))) return 0;
    const known = name.toLowerCase();
    if (given.length > 1 && known.startsWith(given)) return 0.5;
    const letters = distance(given, known);
    if (letters <= Math.max(given.length, known.length) / 3) return letters;
    return known.length > 3 && (given.startsWith(known) || given.endsWith(known)) ? letters : Infinity;
  };
  return names.map((name) => ({ name, far: far(name) })).filter((each) => each.far < Infinity)
    .sort((a, b) => a.far - b.far)[0]?.name;
}
