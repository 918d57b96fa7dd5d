// The button for light and dark, and the search over names and parts of pages.
const root = document.body.dataset.root;

document.querySelector("#theme").addEventListener("click", () => {
  const isDark = document.documentElement.classList.toggle("dark");
  localStorage.setItem("theme", isDark ? "dark" : "light");
});

// A long table of contents stays beside what is read.
document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest" });

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => navigator.clipboard?.writeText(button.dataset.copy));
}

const input = document.querySelector("#search");
const list = document.querySelector("#found");

/** Loads the index once, as a script: so it is found beside the page also where that was opened as a file. */
let index;
const loaded = () =>
  index ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}search_index.js`;
    script.onload = () => resolve(globalThis.searchIndex);
    script.onerror = reject;
    document.head.append(script);
  });

/** How well an entry fits what is looked for: 0 if it does not. */
function score({ title, text }, words) {
  const [name, last] = [title.toLowerCase(), title.toLowerCase().split(".").at(-1)];
  let total = 0;
  for (const word of words) {
    const found = name === word
      ? 100
      : last === word
      ? 90
      : last.startsWith(word)
      ? 60 - last.length / 10
      : name.includes(word)
      ? 40 - name.length / 10
      : text.toLowerCase().includes(word)
      ? 5
      : 0;
    if (found === 0) return 0;
    total += found;
  }
  return total;
}

async function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return show([]);
  const entries = await loaded();
  const ranked = entries.map((entry) => ({ entry, rank: score(entry, words) })).filter(({ rank }) => rank > 0);
  ranked.sort((a, b) => b.rank - a.rank);
  show(ranked.slice(0, 12).map(({ entry }) => entry), true);
}

function show(entries, searched = false) {
  const rows = entries.map(({ title, where, text, url }) => {
    const [row, link, name, place, sentence] = ["li", "a", "b", "i", "span"].map((tag) => document.createElement(tag));
    row.role = "option";
    link.href = root + url;
    link.append(name, place, sentence);
    name.textContent = title;
    place.textContent = where;
    sentence.textContent = text.slice(0, 140);
    row.append(link);
    return row;
  });
  if (searched && rows.length === 0) {
    const none = document.createElement("li");
    none.textContent = "Nothing of this name.";
    rows.push(none);
  }
  list.replaceChildren(...rows);
  list.hidden = rows.length === 0;
  input.setAttribute("aria-expanded", String(!list.hidden));
}

input.addEventListener("input", search);
input.addEventListener("focus", search);
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) show([]);
});
document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    input.focus();
  } else if (event.key === "Escape") {
    show([]);
    input.blur();
  } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    (links[at] ?? input).focus();
  } else if (event.key === "Enter" && event.target === input) list.querySelector("a")?.click();
});

// A page may be asked for what it should look for: index.html?q=conv2d.
const asked = new URLSearchParams(location.search).get("q");
if (asked) {
  input.value = asked;
  search();
}
