"""PyTorch's times for the rows of bench:ops.

Needs a Python that has torch. Run: python3 torch_ops.py --rows matmul:2048,convFilters:32:512:1:512:3 --threads 2 --seconds 1
Prints one JSON object per row.
"""
import torch

from torch_timing import print_rows

randn = torch.randn


def convolution(part):
    def make(n, c, size, o, kernel, stride=1, groups=1):
        pad = kernel // 2
        out = (size + 2 * pad - kernel) // stride + 1
        x, w, g = randn(n, c, size, size), randn(o, c // groups, kernel, kernel), randn(n, o, out, out)
        if part == "forward":
            return lambda: torch.conv2d(x, w, None, stride, pad, 1, groups)
        mask = [part == "images", part == "filters", False]
        args = (None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], groups, mask)
        return lambda: torch.ops.aten.convolution_backward(g, x, w, *args)

    return make


def pool(gradient):
    def make(n, c, size, kernel, stride=None):
        stride = stride or kernel
        x = randn(n, c, size, size)
        y, indices = torch.nn.functional.max_pool2d(x, kernel, stride, kernel // 2, return_indices=True)
        if not gradient:
            return lambda: torch.max_pool2d(x, kernel, stride, kernel // 2)
        g = torch.randn_like(y)
        args = ([kernel] * 2, [stride] * 2, [kernel // 2] * 2, [1, 1], False, indices)
        return lambda: torch.ops.aten.max_pool2d_with_indices_backward(g, x, *args)

    return make


def product(*shapes):
    x, y = (randn(*shape) for shape in shapes)
    return lambda: x @ y


def of_one(shape, f):
    x = randn(*shape)
    return lambda: f(x)


def take(rows, n):
    x, chosen = randn(rows, n), torch.randint(0, rows, (4096,))
    return lambda: x[chosen]


def of_definite(n, f):
    x = randn(n, n)
    a = x @ x.mT + torch.eye(n)
    return lambda: f(a)


def solve(n, columns):
    a, b = randn(n, n), randn(n, columns)
    return lambda: torch.linalg.solve(a, b)


makers = {
    "matmul": lambda n: product((n, n), (n, n)),
    "batched": lambda b, n: product((b, n, n), (b, n, n)),
    "matvec": lambda n: product((n, n), (n,)),
    "softmax": lambda rows, n: of_one((rows, n), lambda x: torch.softmax(x, 1)),
    "layerNorm": lambda rows, n: of_one((rows, n), lambda x: torch.nn.functional.layer_norm(x, (n,))),
    "transpose": lambda rows, n: of_one((rows, n), lambda x: x.t().contiguous()),
    "sum": lambda n: of_one((n,), torch.sum),
    "cumsum": lambda rows, n: of_one((rows, n), lambda x: torch.cumsum(x, 1)),
    "take": take,
    "bilinear": lambda n, c, size: of_one((n, c, size, size), lambda x: torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear")),
    "sort": lambda n: of_one((n,), torch.sort),
    "chain": lambda n: of_one((n,), lambda x: torch.exp(x * 0.5) * torch.tanh(torch.sin(torch.cos(x)))),
    "cholesky": lambda n: of_definite(n, torch.linalg.cholesky),
    "eigh": lambda n: of_definite(n, torch.linalg.eigh),
    "solve": solve,
    "qr": lambda m, n: of_one((m, n), torch.linalg.qr),
    "svd": lambda m, n: of_one((m, n), lambda x: torch.linalg.svd(x, full_matrices=False)),
    "conv": convolution("forward"),
    "convImages": convolution("images"),
    "convFilters": convolution("filters"),
    "maxPool": pool(False),
    "maxPoolGrad": pool(True),
}


def row(name):
    kind, *numbers = name.split(":")
    return makers[kind](*map(int, numbers))


torch.manual_seed(0)
with torch.no_grad():
    print_rows(row, "matmul:2048,softmax:2048:2048", 1)
