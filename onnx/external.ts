/**
 * "External data": the elements of tensors in files beside the model. Its paths come from outside, so they must stay in its folder.
 *
 * @module
 */
import { paths } from "../core/runtime.ts";
import { sizeOf } from "../core/shape.ts";
import { broken, readFailed, unsupported } from "../formats/failures.ts";
import { openFile } from "../formats/files.ts";
import { DataLocation, type GraphProto, type ModelProto, type TensorProto } from "./deps.ts";
import { storedBytes } from "./elements.ts";
import { shapeOf, typeOf } from "./proto.ts";

/**
 * The elements of all tensors of a model that lie in other files.
 *
 * @param path Of the model; undefined for bytes, which have no folder.
 * @throws {Failure} If a path leaves the folder, or a file has too few bytes.
 */
export async function readExternal(model: ModelProto, path: string | undefined): Promise<Map<TensorProto, ArrayBuffer>> {
  const read = new Map<TensorProto, ArrayBuffer>();
  for (const tensor of model.graph ? tensorsOf(model.graph) : []) {
    if (tensor.dataLocation === DataLocation.EXTERNAL) read.set(tensor, await elementsOf(tensor, path));
  }
  return read;
}

/** All tensors of a graph and of those in it. */
function tensorsOf({ initializer, node }: GraphProto): TensorProto[] {
  const attributes = node.flatMap(({ attribute }) => attribute);
  const inner = attributes.flatMap(({ t, g, graphs }) => [...t ? [t] : [], ...(g ? [g, ...graphs] : graphs).flatMap(tensorsOf)]);
  return [...initializer, ...inner];
}

async function elementsOf(tensor: TensorProto, path: string | undefined): Promise<ArrayBuffer> {
  const { name, externalData } = tensor;
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location");
  if (path === undefined) {
    throw unsupported(
      "the bytes",
      `its tensor ${JSON.stringify(name)} lies in the file ${location}: load the model by its path`,
      name,
    );
  }
  if (location === undefined) {
    throw broken(path, "ONNX", "external data", `its tensor ${JSON.stringify(name)} has no location`, name);
  }
  const file = await inFolder(path, location, name);
  const expected = storedBytes(typeOf(tensor, name, path), sizeOf(shapeOf(tensor, name, path)));
  const offset = wholeOf(entries.get("offset"), 0);
  const length = wholeOf(entries.get("length"), expected);
  using opened = await openFile(file);
  if (length !== expected || !(offset >= 0 && offset + length <= opened.size)) {
    const reason = `its tensor ${
      JSON.stringify(name)
    } takes ${expected} bytes, but has ${length} from byte ${offset} of ${location}`;
    throw broken(path, "ONNX", "external data", `${reason}, which has ${opened.size}`, name);
  }
  return await opened.read(offset, length);
}

function wholeOf(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : /^\d{1,15}$/.test(text) ? Number(text) : NaN;
}

/** The path of a file that lies in the folder of a model, links followed. */
async function inFolder(path: string, location: string, name: string): Promise<string> {
  const { dirname, isAbsolute, join, relative } = paths();
  const folder = dirname(path);
  const leaves = (way: string) => way === "" || isAbsolute(way) || way.split(/[\\/]/)[0] === "..";
  const outside = () => {
    return broken(path, "ONNX", "folder", `its tensor ${JSON.stringify(name)} is in ${location}, which leaves the folder`, name);
  };
  if (isAbsolute(location) || location.includes("\\") || leaves(relative(folder, join(folder, location)))) throw outside();
  try {
    const [real, realFolder] = await Promise.all([Deno.realPath(join(folder, location)), Deno.realPath(folder)]);
    if (!leaves(relative(realFolder, real))) return real;
  } catch (cause) {
    throw readFailed(join(folder, location), cause);
  }
  throw outside();
}
