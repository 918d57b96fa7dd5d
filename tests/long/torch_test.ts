/**
 * Networks that PyTorch has written now: their state dicts are read tensor by tensor as NumPy's file has them, and our networks with them
 * give PyTorch's outputs. Without a Python that has torchvision, nothing is tested, and that is said.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { data, formats, layers, random, setDevice, toBytes } from "../../mod.ts";
import { withFolder } from "../datasets/fixtures.ts";
import { right } from "../formats/results.ts";

const { zoo, transformerEncoderLayer, lstm } = layers;

const networks: Readonly<Record<string, layers.AnyLayer>> = {
  lenet: zoo.leNet(),
  resnet18: zoo.resNet({ classes: 1000 }),
  vgg11: zoo.vgg({ depth: 11, classes: 1000 }),
  densenet121: zoo.denseNet({ classes: 1000 }),
  transformer: transformerEncoderLayer({ features: 64, heads: 4, hidden: 128 }),
  lstm: lstm({ features: 20, layers: 2 }),
};

/** A Python that has torchvision. */
async function pythonWithTorch(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const args = ["-c", "import torch, torchvision"];
    const tried = await new Deno.Command(python, { args, stdout: "null", stderr: "null" }).output().catch(() => undefined);
    if (tried?.success) return python;
  }
}

const python = await pythonWithTorch();
if (python === undefined) console.log("No python3 with torch and torchvision: PyTorch's networks are not compared");

Deno.test({
  name: "state dicts of PyTorch: equal tensors, and outputs within 1e-4",
  ignore: python === undefined,
  fn: async (t) => {
    await setDevice("wasm");
    await withFolder(async (folder) => {
      const script = fileURLToPath(new URL("make_state_dicts.py", import.meta.url));
      const made = await new Deno.Command(python!, { args: [script, folder] }).output();
      assert.ok(made.success, new TextDecoder().decode(made.stderr));

      const read = async (name: string) => {
        const dict = formats.torch.tensors(right(await formats.torch.load(join(folder, `${name}.pth`))()));
        const { input, output, ...expected } = right(await formats.npz.load(join(folder, `${name}.npz`))());
        assert.deepEqual(Object.keys(dict).sort(), Object.keys(expected).sort());
        for (const [key, x] of Object.entries(expected)) {
          assert.deepEqual([dict[key].dtype, dict[key].shape], [x.dtype, x.shape], key);
          // Not by an assertion, which would print millions of bytes.
          assert.equal(Buffer.compare(await toBytes(dict[key]), await toBytes(x)), 0, key);
        }
        return { dict, input, output };
      };

      for (const [name, model] of Object.entries(networks)) {
        await t.step(name, async () => {
          const { dict, input, output } = await read(name);
          const loaded = layers.loadStateDict(model.init(random.key(0), input.shape.slice(1)), dict);
          if (loaded._tag === "Left") throw new Error(loaded.left.message);
          const [actual] = model.apply(loaded.right.params, loaded.right.state, input, layers.evalMode);
          const [ours, theirs] = [await data(actual), await data(output)];
          assert.deepEqual(actual.shape, output.shape);
          let error = 0, largest = 0;
          theirs.forEach((y: number, i: number) => {
            error = Math.max(error, Math.abs(ours[i] - y));
            largest = Math.max(largest, Math.abs(y));
          });
          console.log(`${name}: ${Object.keys(dict).length} tensors, largest output ${largest}, largest error ${error}`);
          assert.ok(error <= 1e-4 * Math.min(1, largest), `${error}`);
        });
      }
      await t.step("the state of an optimizer", async () => {
        await read("adam");
      });
    });
  },
});
