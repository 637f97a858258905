"""The article's network as a torch module, ready to copy (needs torch)."""

import torch
from torch import Tensor, nn


class Net(nn.Module):
    """Two 3×3 convolutions, each followed by ReLU and the same 2×2 max pooling: `rfguide.networks.NET` in torch.

    It has one pooling module but calls it twice, which is where tools that count modules go wrong.

    Shape:
        Input: `(N, 3, H, W)`. Output: `(N, 32, H // 4, W // 4)`.

    Examples:
        >>> import torch
        >>> from rfguide.torch_networks import Net
        >>> tuple(Net()(torch.zeros(1, 3, 32, 32)).shape)
        (1, 32, 8, 8)
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, stride=1, padding=1)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the 32 maps after the second pooling."""
        x = self.pool(torch.relu(self.conv1(x)))
        output: Tensor = self.pool(torch.relu(self.conv2(x)))
        return output
