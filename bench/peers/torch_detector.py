"""PyTorch's time for the single-sample steps of bench/detector.ts (are the nine numbers of a 3 x 3 image equal?), with Adadelta.

Needs a Python that has torch. Run: python3 torch_detector.py [epochs]    Prints a JSON object; an epoch has 200 steps.
"""
import json
import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 2), torch.nn.LeakyReLU(), torch.nn.Conv2d(1, 1, 2), torch.nn.Sigmoid())
opt = torch.optim.Adadelta(net.parameters(), lr=0.5)
bce = torch.nn.BCELoss()
same = torch.stack([i * torch.ones(1, 1, 3, 3) for i in range(-50, 50)])
noise = torch.rand(100, 1, 1, 3, 3) * 100 - 50
yes, no = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)


def epoch():
    for xs, y in ((same, yes), (noise, no)):
        for x in xs:
            opt.zero_grad()
            loss = bce(net(x), y)
            loss.backward()
            opt.step()
    return loss.item()


epoch()
n = int(sys.argv[1]) if len(sys.argv) > 1 else 5
t = time.perf_counter()
for _ in range(n):
    last = epoch()
print(json.dumps({"engine": "torch", "version": torch.__version__, "task": "detector", "usPerStep": round((time.perf_counter() - t) / (200 * n) * 1e6, 2), "lastLoss": last}))
