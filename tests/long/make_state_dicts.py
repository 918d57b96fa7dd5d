"""Writes networks for torch_test.ts into a folder: NAME.pth, the state dict by torch.save, and NAME.npz, the same tensors by NumPy, with
an input ("input") and what PyTorch makes of it in evaluation ("output").

Run with a Python that has torchvision (Debian: python3-torchvision):  python3 make_state_dicts.py FOLDER
"""
import collections
import pathlib
import sys

import numpy as np
import torch
import torchvision
from torch import nn

torch.manual_seed(0)
models = torchvision.models


def lenet():
    conv = [nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.MaxPool2d(2)]
    fc = [nn.Linear(256, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10)]
    return nn.Sequential(collections.OrderedDict(conv=nn.Sequential(*conv), flat=nn.Flatten(), fc=nn.Sequential(*fc)))


image = [1, 3, 224, 224]
networks = {
    "lenet": (lenet(), [5, 1, 28, 28]),
    "resnet18": (models.resnet18(weights=None), image),
    "vgg11": (models.vgg11(weights=None), image),
    "densenet121": (models.densenet121(weights=None), image),
    "transformer": (nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), [2, 9, 64]),
    "lstm": (nn.LSTM(10, 20, num_layers=2, batch_first=True), [3, 7, 10]),
}

folder = pathlib.Path(sys.argv[1])
for name, (model, shape) in networks.items():
    # Statistics of norms that are none of zeros and ones.
    with torch.no_grad():
        for _ in range(3):
            model.train()(torch.rand(2, *shape[1:]))
    x = torch.randn(shape)
    # With gradients: without them a transformer's layer takes a shortcut that adds up in another order.
    y = model.eval()(x)
    y = (y[0] if isinstance(y, tuple) else y).detach()
    state = model.state_dict()
    torch.save(state, folder / f"{name}.pth")
    np.savez(folder / f"{name}.npz", input=x.numpy(), output=y.numpy(), **{key: value.numpy() for key, value in state.items()})

# An optimizer's state, after two steps.
model = nn.Linear(3, 2)
adam = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(2):
    adam.zero_grad()
    model(torch.ones(1, 3)).sum().backward()
    adam.step()
torch.save(adam.state_dict(), folder / "adam.pth")
moments = {f"state.{i}.{key}": value.numpy() for i, each in adam.state_dict()["state"].items() for key, value in each.items()}
np.savez(folder / "adam.npz", **moments)
