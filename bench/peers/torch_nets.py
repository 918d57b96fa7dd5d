"""PyTorch's times for the rows of bench:nets: the same networks, loss, optimizer and sizes.

Needs a Python that has torch (Debian: python3-torch libopenblas0-pthread).
Run: python3 torch_nets.py --rows resnet18:train:32:32,resnet18:infer:224:1 --threads 2 --seconds 4
Prints one JSON object per row.
"""
import torch
import torch.nn as nn

from torch_timing import print_rows


class Block(nn.Module):
    """ResNet's basic block."""

    def __init__(self, inputs, features, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, features, 3, stride, 1, bias=False), nn.BatchNorm2d(features), nn.ReLU(inplace=True),
            nn.Conv2d(features, features, 3, 1, 1, bias=False), nn.BatchNorm2d(features))
        self.down = None
        if stride != 1:
            self.down = nn.Sequential(nn.Conv2d(inputs, features, 1, stride, bias=False), nn.BatchNorm2d(features))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.body(x) + (x if self.down is None else self.down(x)))


def resnet18():
    blocks, inputs = [], 64
    for i, features in enumerate((64, 128, 256, 512)):
        for n in range(2):
            blocks.append(Block(inputs, features, 2 if i > 0 and n == 0 else 1))
            inputs = features
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def vgg11():
    stages, inputs = [], 1
    for features, count in ((16, 1), (32, 1), (64, 2), (128, 2), (128, 2)):
        for _ in range(count):
            stages += [nn.Conv2d(inputs, features, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = features
        stages.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *stages, nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(128 * 49, 1024), nn.ReLU(True), nn.Dropout(),
        nn.Linear(1024, 1024), nn.ReLU(True), nn.Dropout(), nn.Linear(1024, 10))


def separable_net():
    def norm(features):
        return [nn.BatchNorm2d(features), nn.ReLU(inplace=True)]

    stages = [nn.Conv2d(3, 32, 3, padding=1, bias=False), *norm(32)]
    blocks = ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1))
    for inputs, features, stride in blocks:
        stages += [nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), *norm(inputs)]
        stages += [nn.Conv2d(inputs, features, 1, bias=False), *norm(features)]
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def transformer():
    def layer():
        return nn.TransformerEncoderLayer(256, 4, 1024, dropout=0, batch_first=True)

    return nn.Sequential(nn.Embedding(1000, 256), layer(), layer(), nn.Linear(256, 1000))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(256, 256, batch_first=True)
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def picture(channels):
    return lambda batch, size: torch.randn(batch, channels, size, size)


networks = {
    "resnet18": (resnet18, picture(3), 10),
    "vgg11": (vgg11, picture(1), 10),
    "separable": (separable_net, picture(3), 10),
    "transformer": (transformer, lambda batch, size: torch.randint(0, 1000, (batch, size)), 1000),
    "lstm": (Recurrent, lambda batch, size: torch.randn(batch, size, 256), 10),
}


def step_of(network, mode, size, batch):
    torch.manual_seed(0)
    make, example, classes = networks[network]
    net, x = make(), example(batch, size)
    if mode == "infer":
        net.eval()

        def infer():
            with torch.no_grad():
                return net(x).flatten()[0].item()

        return infer
    opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.5)
    with torch.no_grad():
        results = net.eval()(x).numel() // classes
    net.train()
    y = torch.randint(0, classes, (results,))
    loss_of = nn.CrossEntropyLoss()

    def train():
        opt.zero_grad()
        loss = loss_of(net(x).reshape(results, classes), y)
        loss.backward()
        opt.step()
        return loss.item()

    return train


def row(name):
    network, mode, size, batch = name.split(":")
    return step_of(network, mode, int(size), int(batch))


print_rows(row, "resnet18:train:32:32,resnet18:infer:224:1", 4)
