/**
 * The pages that are written by hand, in the order in which the site lists them.
 *
 * @module
 */

/** A group of the menu. */
export interface Group {
  readonly title: string;
  /** Markdown files from the root of the project. */
  readonly files: readonly string[];
}

/** The menu. A page is called by its first heading. */
export const menu: readonly Group[] = [
  { title: "Begin", files: ["README.md", "docs/guides/first_steps.md"] },
  {
    title: "Guides",
    files: [
      ...["from_pytorch", "from_jax", "your_data", "saving", "speed", "debugging", "errors", "adding", "inside"].map((name) =>
        `docs/guides/${name}.md`
      ),
      "docs/browser.md",
      "docs/distributed.md",
    ],
  },
  {
    title: "Notes",
    files: [
      ...["onnx", "accuracy", "seeds", "architecture", "style", "glossary"].map((name) => `docs/${name}.md`),
      "CONTRIBUTING.md",
      "CHANGELOG.md",
    ],
  },
];

/** Where the page of a file lies, from the root of the site: the README is the first one. */
export function pageOf(file: string): string {
  return file === "README.md" ? "index.html" : `${file.replace(/\.md$/, "").toLowerCase()}.html`;
}
