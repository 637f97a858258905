"""Every named stack gives the numbers that its source, or whoever computed them from it, published."""

import csv
from pathlib import Path

import pytest

from rfguide import GeometryError, Layer, input_cells, output_sizes, receptive_fields
from rfguide.networks import NET, STACKS, causal, patchgan, resnet, vgg, wavenet

# The table's networks and ours; its end points are ours with scopes before them, and blocks end where ours do.
PUBLISHED_STACKS = {
    "alexnet_v2": "alexnet_v2",
    "vgg_a": "vgg11",
    "vgg_16": "vgg16",
    "mobilenet_v1": "mobilenet_v1",
    "resnet_v1_50": "resnet50_slim",
}
BLOCK_ENDS = {
    "block1": "layer1.2.conv3",
    "block2": "layer2.3.conv3",
    "block3": "layer3.5.conv3",
    "block4": "layer4.2.conv3",
}


def published():
    with (Path(__file__).parent / "data" / "published_fields.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            yield pytest.param(row, id=f"{row['network']} {row['end_point']}")


@pytest.mark.parametrize("row", list(published()))
def test_published_fields_come_out(row):
    layers = STACKS[PUBLISHED_STACKS[row["network"]]].layers
    end_point = row["end_point"].split("/")[-1]
    names = [layer.name for layer in layers]
    field = receptive_fields(layers)[names.index(BLOCK_ENDS.get(end_point, end_point))]
    assert (field.size, field.stride) == (int(row["receptive_field"]), int(row["effective_stride"]))
    # TensorFlow's "SAME" depends on the input size; there the table gives no padding.
    if row["effective_padding"]:
        assert field.padding == int(row["effective_padding"])


@pytest.mark.parametrize(
    ("name", "size", "stride", "maps"),
    [
        pytest.param("net", 10, 4, (32, 16, 16, 8), id="the article's Net, claims C20 to C42"),
        pytest.param("lenet5", 32, 4, (28, 14, 10, 5, 1), id="LeNet-5: C5 sees the whole 32×32, LeCun 1998 figure 2"),
        pytest.param("alexnet", 195, 32, (55, 27, 27, 13, 13, 13, 13, 6), id="AlexNet: 195 at pool5"),
        pytest.param("vgg16", 404, 32, None, id="VGG-16: fc6 sees 404 (Q1)"),
        pytest.param("resnet18", 435, 32, None, id="ResNet-18: 435"),
        pytest.param("resnet34", 899, 32, None, id="ResNet-34: 899"),
        pytest.param("resnet50", 427, 32, None, id="ResNet-50: 427 (Q7)"),
        pytest.param("resnet101", 971, 32, None, id="ResNet-101: 971"),
        pytest.param("resnet152", 1451, 32, None, id="ResNet-152: 1451"),
        pytest.param("resnet50_v1", 483, 32, None, id="ResNet-50 v1: 483 (Q7)"),
        pytest.param("resnet101_v1", 1027, 32, None, id="ResNet-101 v1: 1027"),
        pytest.param("resnet152_v1", 1507, 32, None, id="ResNet-152 v1: 1507"),
        pytest.param("mobilenet_v1", 315, 32, None, id="MobileNet v1: 315"),
        pytest.param("tinyvgg", 16, 4, (62, 60, 30, 28, 26, 13), id="CNN Explainer's TinyVGG: 16 of 64 pixels"),
        pytest.param("patchgan1", 16, 2, (128, 127, 126), id="PatchGAN n=1 (Q4)"),
        pytest.param("patchgan2", 34, 4, (128, 64, 63, 62), id="PatchGAN n=2 (Q4)"),
        pytest.param("patchgan3", 70, 8, (128, 64, 32, 31, 30), id="PatchGAN n=3: pix2pix's 70×70 (Q4)"),
        pytest.param("patchgan4", 142, 16, (128, 64, 32, 16, 15, 14), id="PatchGAN n=4 (Q4)"),
        pytest.param("patchgan5", 286, 32, (128, 64, 32, 16, 8, 7, 6), id="PatchGAN n=5 (Q4)"),
        pytest.param("dncnn", 35, 1, (40,) * 17, id="DnCNN: 35 with 17 layers (Q2)"),
        pytest.param("wavenet1", 1024, 1, (16_000,) * 10, id="WaveNet: 1024 a stack (Q14)"),
        pytest.param("wavenet2", 2047, 1, None, id="WaveNet, two stacks"),
        pytest.param("wavenet3", 3070, 1, None, id="WaveNet, three stacks (Q14)"),
        pytest.param("tcn", 61, 1, (784,) * 8, id="TCN k=3, four blocks: 61"),
        pytest.param("wav2vec2", 400, 320, (3199, 1599, 799, 399, 199, 99, 49), id="wav2vec 2.0: 49 frames (Q15)"),
        pytest.param("unet_down", 140, 16, None, id="U-Net 2015: 140 at the bottleneck (Q10)"),
    ],
)
def test_each_stack_has_its_known_field(name, size, stride, maps):
    stack = STACKS[name]
    field = receptive_fields(stack.layers)[-1]
    assert (field.size, field.stride) == (size, stride)
    if maps is not None:
        assert output_sizes(stack.input_size, stack.layers) == maps


def test_unet_maps_are_those_of_the_paper():
    layers = STACKS["unet_down"].layers
    sizes = dict(zip([layer.name for layer in layers], output_sizes(572, layers), strict=True))
    assert [sizes[f"conv{level}_2"] for level in range(1, 6)] == [568, 280, 136, 64, 28]


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        pytest.param("resnet50", (35, 91, 267, 427), id="torchvision: 35 91 267 427"),
        pytest.param("resnet50_v1", (35, 99, 291, 483), id="paper: 35 99 291 483"),
        pytest.param("resnet50_slim", (35, 99, 291, 483), id="TF-slim: 35 99 291 483"),
    ],
)
def test_resnet50_stage_by_stage(name, ends):
    fields = dict(
        zip([layer.name for layer in STACKS[name].layers], receptive_fields(STACKS[name].layers), strict=True)
    )
    assert tuple(fields[end].size for end in BLOCK_ENDS.values()) == ends


def test_vgg16_pool_by_pool():
    """Chapter 3 (Q1): doubling at each pool, as a tool once shipped, would give 308 at pool5."""
    layers = STACKS["vgg16"].layers
    pools = [f.size for f, layer in zip(receptive_fields(layers), layers, strict=True) if layer.name.startswith("pool")]
    assert pools == [6, 16, 44, 100, 212]
    doubled = 1
    for layer in layers[:-1]:
        doubled = doubled * 2 if layer.name.startswith("pool") else doubled + layer.kernel_size - 1
    assert doubled == 308


def test_vgg11_starts_as_the_articles_net_does():
    numbers = [(layer.kernel_size, layer.stride, layer.padding, layer.dilation) for layer in NET]
    start = STACKS["vgg11"].layers[:4]
    assert numbers == [(layer.kernel_size, layer.stride, layer.padding, layer.dilation) for layer in start]


@pytest.mark.parametrize(
    ("layers", "size"),
    [
        pytest.param(
            causal(4, [2**i for i in range(7)], convolutions=2), 763, id="TCN k=4, d=1…64, two per block (Q13)"
        ),
        pytest.param(causal(4, [2**i for i in range(7)]), 382, id="the same with one convolution per block"),
        pytest.param(causal(8, [1, 2, 4, 8] * 3, convolutions=2), 631, id="keras-tcn's question: 631, not 192 (Q13)"),
        pytest.param(causal(3, [2**i for i in range(12)], convolutions=2), 16_381, id="r ≥ 10,000 with k=3: 12 blocks"),
        pytest.param((Layer(2, padding=(1, 0)), *wavenet(3)), 3071, id="WaveNet with its first causal convolution"),
    ],
)
def test_one_dimensional_stacks(layers, size):
    assert receptive_fields(layers)[-1].size == size


@pytest.mark.parametrize("name", ["wavenet3", "tcn"])
def test_causal_stacks_see_no_future_sample(name):
    """Chapter 8: a unit's last cell is its own place."""
    field = receptive_fields(STACKS[name].layers)[-1]
    assert all(field.region(unit)[1] == unit for unit in range(5))
    assert max(input_cells(STACKS["tcn"].layers, 100)) == 100


def test_wav2vec2_needs_400_samples_and_centres_its_first_frame_on_199_5():
    """Chapter 8 (Q15): 399 samples give no frame, 400 give one."""
    layers = STACKS["wav2vec2"].layers
    assert output_sizes(400, layers)[-1] == 1
    with pytest.raises(GeometryError, match=r"^layer conv6: kernel_size=2, dilation=1 spans 2 cells; input_size=1, "):
        output_sizes(399, layers)
    assert float(receptive_fields(layers)[-1].center(0)) == 199.5


def test_a_video_network_has_one_field_per_axis():
    """Chapter 8: time and height 3, 3 → 3, 4 → 5, 8 → 6, 10 when the first pool spares time."""
    time = (NET[0], Layer(1), NET[2], NET[3])
    pairs = zip(receptive_fields(time), receptive_fields(NET), strict=True)
    assert [(t.size, h.size) for t, h in pairs] == [(3, 3), (3, 4), (5, 8), (6, 10)]


def test_parameters_saved_by_small_kernels_at_64_channels():
    """Chapter 2: same field, fewer weights."""

    def weights(*kernels: int) -> int:
        return sum(64 * 64 * k * k for k in kernels)

    for one, many in ((7, (3, 3, 3)), (5, (3, 3))):
        assert receptive_fields([Layer(k) for k in many])[-1] == receptive_fields([Layer(one)])[-1]
    assert (weights(7), weights(3, 3, 3), weights(5), weights(3, 3)) == (200_704, 110_592, 102_400, 73_728)


@pytest.mark.parametrize("stack", STACKS.values(), ids=lambda stack: stack.name)
def test_every_stack_is_complete(stack):
    assert STACKS[stack.name] is stack
    names = [layer.name for layer in stack.layers]
    assert all(names)
    assert len(set(names)) == len(names)
    assert output_sizes(stack.input_size, stack.layers)[-1] >= 1
    assert len(stack.source) > 30


def test_the_builders_make_what_the_registry_names():
    assert receptive_fields(vgg([2, 2, 4, 4, 4]))[-1].size == 404 + 2 * (4 + 8 + 16)  # VGG-19: one more in three blocks
    assert receptive_fields(patchgan(0))[-1].size == 7
    assert len([layer for layer in resnet([3, 4, 6, 3], bottleneck=True) if layer.kernel_size == 3]) == 17


def test_an_unknown_stride_place_is_refused():
    message = r"^stride_in='2x2' must be one of '3x3', '1x1', 'last'$"
    with pytest.raises(GeometryError, match=message):
        resnet([3, 4, 6, 3], bottleneck=True, stride_in="2x2")
