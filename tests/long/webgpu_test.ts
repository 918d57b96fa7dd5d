/** The tests of which the quick run takes a share on `webgpu` (`support/share.ts`), whole. */
import "../core/devices/special_values_test.ts";
import "../core/execution/number_arguments_test.ts";
import "../core/ops/laws_test.ts";
import "../datasets/transforms_test.ts";
import "../parity/contraction_test.ts";
import "../parity/convolutions_test.ts";
import "../parity/elementwise_test.ts";
import "../parity/indexing_test.ts";
import "../parity/kinks_test.ts";
import "../parity/layers_test.ts";
import "../parity/losses_test.ts";
import "../parity/normalizations_test.ts";
import "../parity/ops_test.ts";
import "../parity/recurrent_test.ts";
import "../parity/reductions_test.ts";
import "../parity/sort_test.ts";
import "../parity/transforms_test.ts";
