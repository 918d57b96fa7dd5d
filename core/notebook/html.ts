/**
 * What all that is shown in a notebook has in common: its parts by MIME type, one style, text as markup.
 *
 * @module
 */

/** The same content in several forms, by MIME type; a notebook shows the richest that it can. Pictures are in base64. */
export type MimeBundle = Readonly<Record<string, string>>;

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** Text with the characters escaped that mean something in XML and HTML; those that XML cannot hold become U+FFFD. */
export function escapeText(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\ufffe\uffff]/gu, (control) => /[\t\n\r]/.test(control) ? control : "\ufffd")
    .replace(/[&<>"']/g, (char) => entities[char]);
}

/** A part of the colour of the notebook's text: so it fits light and dark ones. */
const ink = (percent: number) => `color-mix(in srgb, currentColor ${percent}%, transparent)`;

/** The names of classes are short and of our own; the markup of notebooks' own tables is undone. */
const style = `
.ctg{font:13px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;display:inline-block;box-sizing:border-box;max-width:100%;
 margin:2px 0;padding:10px 14px;border:1px solid ${ink(16)};border-radius:10px;color:inherit}
.ctg *{box-sizing:border-box}
.ctg-head{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
.ctg-head b{font-weight:650}
.ctg-dim,.ctg-dim *{color:${ink(62)}}
.ctg code,.ctg-n{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.ctg.ctg code{background:none;color:inherit;padding:0;border:0;margin:0}
.ctg-stats{display:flex;flex-wrap:wrap;gap:6px 18px;align-items:end;margin-top:6px}
.ctg-stats span{display:block;font-size:11px;color:${ink(62)}}
.ctg-bars{display:block;fill:${ink(45)}}
.ctg-warn{color:#d1242f}
.ctg-pics{display:flex;flex-wrap:wrap;gap:4px;margin-top:10px;max-width:640px}
.ctg-pics img{display:block;max-width:100%;height:auto;image-rendering:pixelated;border-radius:2px;margin:0;
 outline:1px solid ${ink(12)}}
.ctg-note{font-size:11px;color:${ink(62)};margin-top:6px}
.ctg details{margin-top:8px}
.ctg summary{cursor:pointer;font-size:12px;color:${ink(75)};width:fit-content}
.ctg summary:focus-visible{outline:2px solid currentColor;outline-offset:2px}
.ctg-wide{overflow-x:auto;max-width:100%;margin-top:8px}
.ctg table.ctg-n{border-collapse:collapse;border:0;margin:0;table-layout:auto;width:auto;min-width:0}
.ctg table.ctg-n tr,.ctg table.ctg-n tr:hover{background:none!important}
.ctg table.ctg-n td,.ctg table.ctg-n th{border:0;padding:2px 8px;text-align:right;white-space:nowrap;max-width:none;
 vertical-align:middle;font-weight:400}
.ctg table.ctg-n th{color:${ink(55)}}
.ctg table.ctg-n .ctg-l{text-align:left}
.ctg table.ctg-n thead th{border-bottom:1px solid ${ink(20)}}
.ctg table.ctg-n tfoot td{border-top:1px solid ${ink(20)};font-weight:650}
.ctg-n .ctg-bars{display:inline-block;vertical-align:middle}
`.replaceAll(/\n */g, "");

/** A card around its content, which is HTML. */
export function card(content: string): string {
  return `<style>${style}</style><div class="ctg">${content}</div>`;
}

/** The first line of a card: what it is, and what else is known, in HTML. */
export function heading(name: string, facts: string): string {
  return `<div class="ctg-head">${name}<span class="ctg-dim">${facts}</span></div>`;
}

/** A table that may be wider than the page, with a last row if there is one; cells are HTML, the first columns begin at the left. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { left, foot }: { readonly left: number; readonly foot?: readonly string[] },
): string {
  const line = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell, i) => `<${tag}${i < left ? ' class="ctg-l"' : ""}>${cell}</${tag}>`).join("")}</tr>`;
  return `<div class="ctg-wide"><table class="ctg-n"><thead>${line("th", head)}</thead>` +
    `<tbody>${rows.map((row) => line("td", row)).join("")}</tbody>${
      foot ? `<tfoot>${line("td", foot)}</tfoot>` : ""
    }</table></div>`;
}

/** How many bytes, for a reader. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let [size, unit] = [bytes, 0];
  for (; size >= 1000 && unit < units.length - 1; unit++) size /= 1000;
  return `${unit === 0 ? size : size.toPrecision(3)} ${units[unit]}`;
}

/** A count, with commas. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}
