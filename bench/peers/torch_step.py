"""PyTorch's time for one training step (forward, loss, gradients, SGD with momentum, loss read back) of the example networks.

Needs a Python that has torch (Debian: python3-torch libopenblas0-pthread).
Run: python3 torch_step.py --models fcn,cnn,simple,lenet --batch 64 --steps 60 --threads 2
Prints one JSON object per model: milliseconds per step, median and minimum.
"""
import argparse
import json
import time

import torch
import torch.nn as nn


def models():
    conv, pool, relu, lin, sig = nn.Conv2d, nn.MaxPool2d, nn.ReLU, nn.Linear, nn.Sigmoid
    return {
        "fcn": lambda: nn.Sequential(nn.Flatten(), lin(784, 512), relu(), lin(512, 256), relu(), lin(256, 128), relu(), lin(128, 64), relu(), lin(64, 10)),
        "cnn": lambda: nn.Sequential(conv(1, 10, 5), pool(2), relu(), conv(10, 20, 5), pool(2), relu(), nn.Flatten(), lin(320, 10)),
        "simple": lambda: nn.Sequential(conv(1, 32, 3), relu(), conv(32, 64, 3), relu(), pool(2), nn.Dropout2d(0.25), nn.Flatten(), lin(9216, 128), relu(), nn.Dropout(0.5), lin(128, 10)),
        "lenet": lambda: nn.Sequential(conv(1, 6, 5), sig(), pool(2), conv(6, 16, 5), sig(), pool(2), nn.Flatten(), lin(256, 120), sig(), lin(120, 84), sig(), lin(84, 10)),
    }


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--models", default="fcn,cnn,simple,lenet")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--steps", type=int, default=60)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--device", default="cpu")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    dev = torch.device(a.device)
    for name in a.models.split(","):
        torch.manual_seed(0)
        net = models()[name]().to(dev)
        opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.5)
        loss_of = nn.CrossEntropyLoss()
        x = torch.randn(a.batch, 1, 28, 28, device=dev)
        y = torch.randint(0, 10, (a.batch,), device=dev)
        times = []
        for i in range(a.steps + 5):
            t = time.perf_counter()
            opt.zero_grad()
            loss = loss_of(net(x), y)
            loss.backward()
            opt.step()
            loss.item()
            if i >= 5:
                times.append((time.perf_counter() - t) * 1e3)
        times.sort()
        print(json.dumps({"engine": "torch", "version": torch.__version__, "model": name, "batch": a.batch, "threads": a.threads, "msMedian": round(times[len(times) // 2], 3), "msMin": round(times[0], 3)}), flush=True)


main()
