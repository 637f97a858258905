"""Networks as stacks of layers along one axis: the article's, and those that tutorials and papers quote.

Each stack is written from the source it names. A network with branches is given by its longest
path: skip connections and 1×1 shortcuts see less and change neither its size nor its stride.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rfguide.errors import MOST_LAYERS, GeometryError, at_least, at_most, series, shown
from rfguide.layers import Layer

# The network of the article this site sets right, on 3×32×32. Its one pooling module is called twice.
NET = (
    Layer(3, padding=1, name="conv1"),
    Layer(2, stride=2, name="pool1"),
    Layer(3, padding=1, name="conv2"),
    Layer(2, stride=2, name="pool2"),
)


@dataclass(frozen=True, slots=True)
class Stack:
    """A named stack of layers, with the place where it is defined.

    Args:
        name: Key in `STACKS`.
        layers: The stack, first layer first; layers carry their source's own names.
        input_size: Input cells along one axis in the source.
        source: Paper or code that the numbers were read from.
    """

    name: str
    layers: tuple[Layer, ...]
    input_size: int
    source: str


def vgg(convolutions: Sequence[int]) -> tuple[Layer, ...]:
    """Return VGG's blocks, so many 3×3 convolutions each, and its first dense layer (fc6) as the 7×7 it is.

    Raises:
        GeometryError: If a number is negative or there are too many layers.
        TypeError: If they are no integers.

    Examples:
        >>> from rfguide import receptive_fields
        >>> receptive_fields(vgg([2, 2, 3, 3, 3]))[-1].size
        404
    """
    counts = series(0, convolutions=convolutions)
    at_most(MOST_LAYERS, convolutions=sum(counts))
    layers = []
    for block, count in enumerate(counts, start=1):
        layers += [Layer(3, padding=1, name=f"conv{block}_{number}") for number in range(1, count + 1)]
        layers += [Layer(2, stride=2, name=f"pool{block}")]
    return (*layers, Layer(7, name="fc6"))


# Where a bottleneck stage takes its stride of 2: (the block's place in its stage, the convolution in that block).
_BOTTLENECK_STRIDE = {"3x3": (0, 2), "1x1": (0, 1), "last": (-1, 2)}


def resnet(blocks: Sequence[int], *, bottleneck: bool, stride_in: str = "3x3") -> tuple[Layer, ...]:
    """Return the longest path of a ResNet's trunk, from the image to the end of layer4.

    Args:
        blocks: Blocks in layer1 to layer4.
        bottleneck: Blocks of 1×1, 3×3, 1×1 (ResNet-50 and deeper) instead of 3×3, 3×3.
        stride_in: Where a bottleneck stage takes its stride: `"3x3"` of its first block (torchvision, "v1.5"),
            `"1x1"` of its first block (the paper), or `"last"`: the 3×3 of the stage's last block (TF-slim,
            where layer4 keeps its stride of 1).

    Raises:
        GeometryError: If there are not four counts of at least 1, or `stride_in` is no such place.
        TypeError: If the counts are no integers or `bottleneck` is no truth value.

    Examples:
        >>> from rfguide import receptive_fields
        >>> [receptive_fields(resnet([3, 4, 6, 3], bottleneck=True, stride_in=s))[-1].size for s in ("3x3", "1x1")]
        [427, 483]
    """
    counts = series(1, blocks=blocks)
    if len(counts) != 4:
        raise GeometryError(f"blocks={shown(blocks)} has {len(counts)} numbers; a ResNet has four stages")
    at_most(MOST_LAYERS, blocks=sum(counts))
    if not isinstance(bottleneck, bool):
        raise TypeError(f"bottleneck={shown(bottleneck)} must be True or False, not {type(bottleneck).__name__}")
    stage_strides = (2, 2, 2, 1) if stride_in == "last" else (1, 2, 2, 2)
    kernels = (1, 3, 1) if bottleneck else (3, 3)
    if not isinstance(stride_in, str) or stride_in not in _BOTTLENECK_STRIDE:
        raise GeometryError(f"stride_in={shown(stride_in)} must be one of {', '.join(map(repr, _BOTTLENECK_STRIDE))}")
    place, convolution = _BOTTLENECK_STRIDE[stride_in] if bottleneck else (0, 1)
    layers = [Layer(7, stride=2, padding=3, name="conv1"), Layer(3, stride=2, padding=1, name="maxpool")]
    for stage, (count, stage_stride) in enumerate(zip(counts, stage_strides, strict=True), start=1):
        for block in range(count):
            for number, kernel_size in enumerate(kernels, start=1):
                strided = block == place % count and number == convolution
                layers.append(
                    Layer(
                        kernel_size,
                        stride=stage_stride if strided else 1,
                        padding=kernel_size // 2,
                        name=f"layer{stage}.{block}.conv{number}",
                    )
                )
    return tuple(layers)


def mobilenet_v1() -> tuple[Layer, ...]:
    """Return MobileNet v1: a 3×3 convolution, then 13 pairs of depthwise 3×3 and pointwise 1×1.

    Padding is 1 on both sides, as in torch ports; TensorFlow's `SAME` shifts with the input size.
    """
    layers = [Layer(3, stride=2, padding=1, name="Conv2d_0")]
    for number, stride in enumerate((1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1), start=1):
        layers.append(Layer(3, stride=stride, padding=1, name=f"Conv2d_{number}_depthwise"))
        layers.append(Layer(1, name=f"Conv2d_{number}_pointwise"))
    return tuple(layers)


def patchgan(n: int) -> tuple[Layer, ...]:
    """Return pix2pix's patch discriminator with `n` strided 4×4 convolutions, then two of stride 1.

    Raises:
        GeometryError: If `n` is negative or too large.
        TypeError: If it is no integer.

    Examples:
        >>> from rfguide import receptive_fields
        >>> [receptive_fields(patchgan(n))[-1].size for n in range(1, 6)]
        [16, 34, 70, 142, 286]
    """
    (n,) = at_least(0, n=n)
    at_most(MOST_LAYERS, n=n)
    strides = [2] * n + [1, 1]
    return tuple(Layer(4, stride=stride, padding=1, name=f"conv{i}") for i, stride in enumerate(strides, start=1))


def causal(kernel_size: int, dilations: Sequence[int], *, convolutions: int = 1) -> tuple[Layer, ...]:
    """Return causal dilated convolutions: all padding comes before, so no unit sees a later input cell.

    Args:
        kernel_size: Taps of every convolution.
        dilations: One dilation per block.
        convolutions: Convolutions per block, all with its dilation.

    Raises:
        GeometryError: If a number is below 1 or there are too many layers.
        TypeError: If one is no integer.

    Examples:
        >>> from rfguide import receptive_fields
        >>> receptive_fields(causal(3, [1, 2, 4, 8], convolutions=2))[-1]
        ReceptiveField(size=61, stride=1, padding=60)
    """
    kernel_size, convolutions = at_least(1, kernel_size=kernel_size, convolutions=convolutions)
    dilations = series(1, dilations=dilations)
    at_most(MOST_LAYERS, layers=convolutions * len(dilations))
    return tuple(
        Layer(kernel_size, padding=(dilation * (kernel_size - 1), 0), dilation=dilation, name=f"block{block}.conv{i}")
        for block, dilation in enumerate(dilations, start=1)
        for i in range(1, convolutions + 1)
    )


def wavenet(stacks: int) -> tuple[Layer, ...]:
    """Return WaveNet's dilated layers: kernel 2, dilations 1, 2, 4, … 512, the whole stack repeated.

    Raises:
        GeometryError: If `stacks` is below 1 or too large.
        TypeError: If it is no integer.

    Examples:
        >>> from rfguide import receptive_fields
        >>> [receptive_fields(wavenet(stacks))[-1].size for stacks in (1, 2, 3)]
        [1024, 2047, 3070]
    """
    (stacks,) = at_least(1, stacks=stacks)
    at_most(MOST_LAYERS, layers=10 * stacks)
    return causal(2, [2**i for i in range(10)] * stacks)


LENET5 = (
    Layer(5, name="C1"),
    Layer(2, stride=2, name="S2"),
    Layer(5, name="C3"),
    Layer(2, stride=2, name="S4"),
    Layer(5, name="C5"),
)

ALEXNET = (
    Layer(11, stride=4, padding=2, name="conv1"),
    Layer(3, stride=2, name="pool1"),
    Layer(5, padding=2, name="conv2"),
    Layer(3, stride=2, name="pool2"),
    Layer(3, padding=1, name="conv3"),
    Layer(3, padding=1, name="conv4"),
    Layer(3, padding=1, name="conv5"),
    Layer(3, stride=2, name="pool5"),
)

# TF-slim's layout differs in one number: its first convolution has no padding.
ALEXNET_V2 = (Layer(11, stride=4, name="conv1"), *ALEXNET[1:])

TINYVGG = (
    Layer(3, name="conv_1_1"),
    Layer(3, name="conv_1_2"),
    Layer(2, stride=2, name="max_pool_1"),
    Layer(3, name="conv_2_1"),
    Layer(3, name="conv_2_2"),
    Layer(2, stride=2, name="max_pool_2"),
)

DNCNN = tuple(Layer(3, padding=1, name=f"conv{i}") for i in range(1, 18))

WAV2VEC2 = tuple(
    Layer(kernel_size, stride=stride, name=f"conv{i}")
    for i, (kernel_size, stride) in enumerate([(10, 5), *[(3, 2)] * 4, *[(2, 2)] * 2])
)

# Two unpadded 3×3 convolutions per level, a pooling between levels: the way down to the 28×28 maps.
UNET_DOWN = tuple(
    layer
    for level in range(1, 6)
    for layer in (
        *([Layer(2, stride=2, name=f"pool{level - 1}")] if level > 1 else []),
        Layer(3, name=f"conv{level}_1"),
        Layer(3, name=f"conv{level}_2"),
    )
)

_VGG_PAPER = "Simonyan, Zisserman: Very Deep Convolutional Networks, 2014, arXiv:1409.1556, table 1, configuration"
_RESNET_PAPER = "He, Zhang, Ren, Sun: Deep Residual Learning, 2015, arXiv:1512.03385, table 1"
_TORCHVISION_RESNET = f"{_RESNET_PAPER}; stride in the 3×3 as in torchvision.models.resnet ('ResNet v1.5')"
_PIX2PIX = (
    "Isola, Zhu, Zhou, Efros: Image-to-Image Translation with Conditional Adversarial Networks, 2016, "
    "arXiv:1611.07004, appendix 6.1.2; NLayerDiscriminator in pytorch-CycleGAN-and-pix2pix, models/networks.py"
)
_WAVENET_PAPER = (
    "van den Oord et al.: WaveNet, 2016, arXiv:1609.03499, section 2.1; without the first causal convolution"
)

# Every stack with its source; `STACKS["resnet50"].layers` is what the other functions take.
STACKS: dict[str, Stack] = {
    stack.name: stack
    for stack in (
        Stack("net", NET, 32, "The article's Net; rfguide.torch_networks.Net is the torch module"),
        Stack(
            "lenet5",
            LENET5,
            32,
            "LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition, "
            "Proc. IEEE 86(11), 1998, figure 2",
        ),
        Stack(
            "alexnet",
            ALEXNET,
            224,
            "Krizhevsky: One weird trick for parallelizing convolutional neural networks, 2014, arXiv:1404.5997; "
            "torchvision.models.alexnet",
        ),
        Stack("alexnet_v2", ALEXNET_V2, 224, "TensorFlow Models, research/slim/nets/alexnet.py, alexnet_v2"),
        # VGG's smallest configuration starts with the layers of NET.
        Stack("vgg11", vgg([1, 1, 2, 2, 2]), 224, f"{_VGG_PAPER} A"),
        Stack("vgg16", vgg([2, 2, 3, 3, 3]), 224, f"{_VGG_PAPER} D"),
        Stack("resnet18", resnet([2, 2, 2, 2], bottleneck=False), 224, _RESNET_PAPER),
        Stack("resnet34", resnet([3, 4, 6, 3], bottleneck=False), 224, _RESNET_PAPER),
        Stack("resnet50", resnet([3, 4, 6, 3], bottleneck=True), 224, _TORCHVISION_RESNET),
        Stack("resnet101", resnet([3, 4, 23, 3], bottleneck=True), 224, _TORCHVISION_RESNET),
        Stack("resnet152", resnet([3, 8, 36, 3], bottleneck=True), 224, _TORCHVISION_RESNET),
        Stack("resnet50_v1", resnet([3, 4, 6, 3], bottleneck=True, stride_in="1x1"), 224, _RESNET_PAPER),
        Stack("resnet101_v1", resnet([3, 4, 23, 3], bottleneck=True, stride_in="1x1"), 224, _RESNET_PAPER),
        Stack("resnet152_v1", resnet([3, 8, 36, 3], bottleneck=True, stride_in="1x1"), 224, _RESNET_PAPER),
        Stack(
            "resnet50_slim",
            resnet([3, 4, 6, 3], bottleneck=True, stride_in="last"),
            224,
            "TensorFlow Models, research/slim/nets/resnet_v1.py, resnet_v1_50",
        ),
        Stack(
            "mobilenet_v1",
            mobilenet_v1(),
            224,
            "Howard et al.: MobileNets, 2017, arXiv:1704.04861, table 1; "
            "TensorFlow Models, research/slim/nets/mobilenet_v1.py",
        ),
        Stack(
            "tinyvgg",
            TINYVGG,
            64,
            "Wang et al.: CNN Explainer, 2020, arXiv:2004.15004; poloclub/cnn-explainer, tiny-vgg/tiny-vgg.py",
        ),
        *(Stack(f"patchgan{n}", patchgan(n), 256, _PIX2PIX) for n in range(1, 6)),
        Stack(
            "dncnn",
            DNCNN,
            40,
            "Zhang, Zuo, Chen, Meng, Zhang: Beyond a Gaussian Denoiser, 2016, arXiv:1608.03981, III.A",
        ),
        *(Stack(f"wavenet{stacks}", wavenet(stacks), 16_000, _WAVENET_PAPER) for stacks in (1, 2, 3)),
        Stack(
            "tcn",
            causal(3, [1, 2, 4, 8], convolutions=2),
            784,
            "Bai, Kolter, Koltun: An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence "
            "Modeling, 2018, arXiv:1803.01271, figure 1 and section 3.3; two convolutions per residual block",
        ),
        Stack(
            "wav2vec2",
            WAV2VEC2,
            16_000,
            "Baevski, Zhou, Mohamed, Auli: wav2vec 2.0, 2020, arXiv:2006.11477, section 4.2; "
            "fairseq, conv_feature_layers of wav2vec2.py",
        ),
        Stack(
            "unet_down",
            UNET_DOWN,
            572,
            "Ronneberger, Fischer, Brox: U-Net, 2015, arXiv:1505.04597, figure 1, contracting path",
        ),
    )
}
