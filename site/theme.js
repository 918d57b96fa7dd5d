// Light or dark, before anything is drawn: what was chosen on a page, or what the system says.
const chosen = localStorage.getItem("theme");
const isDark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.classList.toggle("dark", isDark);
