/**
 * Notebooks, run without a browser: Debian's `python3-nbclient` drives the kernel of `deno jupyter`.
 *
 * @module
 */
import { join } from "node:path";
import { withFolder } from "../datasets/fixtures.ts";

/** What a cell has said or shown. */
export interface Output {
  readonly output_type: "stream" | "execute_result" | "display_data" | "error";
  /** The text of a stream. */
  readonly text?: string | readonly string[];
  /** By MIME type. */
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
}

/** A cell, as notebooks have it. */
export interface Cell {
  readonly cell_type: "code" | "markdown";
  readonly source: string | readonly string[];
  readonly outputs?: readonly Output[];
}

/**
 * Runs the cells of a notebook in its folder, in order, and writes it with what they gave. The kernel of Deno 2.9 sometimes sends a result
 * after it has said that the cell is done, which people's notebooks show and the client does not wait for.
 */
const program = `
import queue, sys, nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete

async def late_result(cell, cell_index, execute_reply):
    while not any("data" in output for output in cell.outputs):
        try:
            message = await client.kc.iopub_channel.get_msg(timeout=1)
            if message["parent_header"].get("msg_id") == execute_reply["parent_header"]["msg_id"]:
                client.process_message(message, cell, cell_index)
        except CellExecutionComplete:
            pass
        except queue.Empty:
            return

source, folder, target = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
resources = {"metadata": {"path": folder}}
client = NotebookClient(notebook, timeout=300, kernel_name="cotangent-test", resources=resources, on_cell_executed=late_result)
client.execute()
nbformat.write(notebook, target)
`;

/** The Python that has what is needed; undefined if none has. */
async function findPython(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const args = ["-c", "import nbclient, nbformat, jupyter_client"];
    const run = new Deno.Command(python, { args, stdout: "null", stderr: "null" }).output();
    if (await run.then(({ success }) => success, () => false)) return python;
  }
}

const python = await findPython();

/** Whether notebooks can be run here. Where they cannot, their tests are reported as ignored. */
export const canRunNotebooks = python !== undefined;

/** The cells of a notebook after a run. */
export async function runNotebook(path: string, env: Readonly<Record<string, string>> = {}): Promise<Cell[]> {
  return await withFolder(async (folder) => {
    // A kernel of this very Deno, whichever is installed for the user.
    const kernel = join(folder, "kernels", "cotangent-test");
    await Deno.mkdir(kernel, { recursive: true });
    const argv = [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"];
    await Deno.writeTextFile(join(kernel, "kernel.json"), JSON.stringify({ argv, display_name: "Deno", language: "typescript" }));
    const target = join(folder, "done.ipynb");
    const { success, stderr } = await new Deno.Command(python!, {
      args: ["-c", program, path, join(path, ".."), target],
      env: { XDG_RUNTIME_DIR: Deno.env.get("XDG_RUNTIME_DIR") ?? "/tmp", ...env, JUPYTER_PATH: folder, NO_COLOR: "1" },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(await Deno.readTextFile(target)).cells;
  });
}

/** Text that notebooks may write as a list of lines. */
export function joined(text: string | readonly string[]): string {
  return typeof text === "string" ? text : text.join("");
}
