/** Every number that stands for a tensor in a public function, beside tensors of every type. */
import { testOnDevices } from "../support/each_device.ts";
import { casesOf, check, isTensorLike, rows, subjects } from "../support/number_arguments.ts";

testOnDevices("beside tensors of every type a traced number is what the number is", async () => {
  const tensorLike = subjects.filter(([path]) => rows[path].params.some(isTensorLike));
  for (const dtype of ["bool", "u8", "i32", "u32", "f16", "bf16", "f64"] as const) {
    const cases = tensorLike.flatMap(([path, f]) => casesOf(path, f, rows[path], dtype));
    for (const each of cases.filter((each) => each.isTensorLike)) await check(each, [-1, -0, 0.1, 3, 300, 16777217, NaN]);
  }
}, ["reference", "wasm"]);
