"""The torch modules are the networks they are named after: shapes, names and published parameter counts."""

import pytest
import torch

from rfguide import Layer, input_cells, output_sizes
from rfguide.networks import NET, STACKS
from rfguide.torch_networks import Net, ResNet, YOLOv3


def parameters(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def calls(net: Net, image: torch.Tensor) -> list[tuple[torch.nn.Module, torch.Tensor]]:
    """Each module as it is called, with what it returned."""
    seen = []
    hooks = [m.register_forward_hook(lambda m, _, out: seen.append((m, out))) for m in net.children()]
    net(image)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("size", [4, 32, 33, 224])
def test_every_call_of_net_has_the_size_of_its_layer(size):
    seen = calls(Net(), torch.zeros(1, 3, size, size))
    assert [out.shape[2:] for _, out in seen] == [(n, n) for n in output_sizes(size, NET)]


def test_every_call_of_net_has_the_geometry_of_its_layer():
    for (module, _), layer in zip(calls(Net(), torch.zeros(1, 3, 32, 32)), NET, strict=True):
        numbers = (module.kernel_size, module.stride, module.padding, module.dilation)
        kernel_size, stride, padding, dilation = (n if isinstance(n, int) else n[0] for n in numbers)
        assert layer == Layer(kernel_size, stride=stride, padding=padding, dilation=dilation, name=layer.name)


def test_shapes_and_parameters_of_net_are_those_of_the_article():
    """Claims C42, C50: 16×32×32, 16×16×16, 32×16×16, 32×8×8; 448 and 4,640 parameters; one pool, called twice (C8)."""
    net = Net()
    seen = calls(net, torch.randn(2, 3, 32, 32))
    assert [tuple(out.shape) for _, out in seen] == [(2, 16, 32, 32), (2, 16, 16, 16), (2, 32, 16, 16), (2, 32, 8, 8)]
    assert [parameters(module) for module, _ in seen] == [448, 0, 4640, 0]
    assert [module for module, _ in seen].count(net.pool) == 2


def test_a_nan_in_one_pixel_reaches_the_units_that_the_stack_says():
    """Chapter 0: the second pool's unit (4, 4) sees rows and columns 13 to 22, 100 pixels."""
    net = Net()
    rows = []
    for row in range(32):
        image = torch.zeros(1, 3, 32, 32)
        image[..., row, 16] = torch.nan
        if net(image)[0, :, 4, 4].isnan().any():
            rows.append(row)
    assert tuple(rows) == input_cells(NET, 4, input_size=32) == tuple(range(13, 23))


# torchvision's documented counts, less the dense layer of 1000 classes (512 or 2048 inputs, and the bias).
@pytest.mark.parametrize(
    ("depth", "documented", "features"),
    [
        pytest.param(18, 11_689_512, 512, id="torchvision resnet18"),
        pytest.param(34, 21_797_672, 512, id="torchvision resnet34"),
        pytest.param(50, 25_557_032, 2048, id="torchvision resnet50"),
        pytest.param(101, 44_549_160, 2048, id="torchvision resnet101"),
        pytest.param(152, 60_192_808, 2048, id="torchvision resnet152"),
    ],
)
def test_resnet_has_torchvisions_parameters(depth, documented, features):
    with torch.device("meta"):
        model = ResNet(depth).eval()
        shape = model(torch.empty(1, 3, 224, 224)).shape
    assert parameters(model) == documented - 1000 * (features + 1)
    assert tuple(shape) == (1, features, 7, 7)
    assert output_sizes(224, STACKS[f"resnet{depth}"].layers)[-1] == 7


@pytest.mark.parametrize("v1", [False, True], ids=["stride in the 3x3", "stride in the 1x1"])
def test_a_resnet_bottleneck_strides_where_its_stack_does(v1):
    with torch.device("meta"):
        names = dict(ResNet(50, stride_in_1x1=v1).named_modules())
    for layer in STACKS["resnet50_v1" if v1 else "resnet50"].layers:
        module = names[layer.name]
        stride = module.stride if isinstance(module.stride, int) else module.stride[0]
        assert (layer.name, stride) == (layer.name, layer.stride)


def test_resnet_has_torchvisions_names():
    with torch.device("meta"):
        names = set(ResNet(18).state_dict())
    assert {"conv1.weight", "bn1.running_mean", "layer1.1.conv2.weight", "layer2.0.downsample.0.weight"} <= names


def test_yolov3_has_the_parameters_of_its_paper_and_three_heads():
    with torch.device("meta"):
        model = YOLOv3().eval()
        shapes = [tuple(head.shape[1:]) for head in model(torch.empty(1, 3, 416, 416))]
    assert parameters(model) == 61_949_149  # yolov3.cfg with 80 classes
    assert shapes == [(255, 13, 13), (255, 26, 26), (255, 52, 52)]
