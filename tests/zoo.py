"""Real architectures from packages that need torch alone: who builds them, and the input they are asked about."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from torch import nn

# pytorchcv 0.0.74: family (its module), model (its function). The last pooling would leave one unit; it is taken out.
PYTORCHCV = [
    "alexnet.alexnet",
    "vgg.vgg11",
    "vgg.vgg16",
    "vgg.bn_vgg16",
    "zfnet.zfnet",
    "resnet.resnet10",
    "resnet.resnet18",
    "resnet.resnet50",
    "resnet.resnet50b",
    "preresnet.preresnet18",
    "resnext.resnext50_32x4d",
    "wrn.wrn50_2",
    "seresnet.seresnet18",
    "bamresnet.bam_resnet18",
    "cbamresnet.cbam_resnet18",
    "airnet.airnet50_1x64d_r2",
    "resattnet.resattnet56",
    "diracnetv2.diracnet18v2",
    "drn.drnc26",
    "drn.drnd22",
    "bagnet.bagnet9",
    "bagnet.bagnet17",
    "bagnet.bagnet33",
    "densenet.densenet121",
    "condensenet.condensenet74_c4_g4",
    "sparsenet.sparsenet121",
    "peleenet.peleenet",
    "hardnet.hardnet39ds",
    "vovnet.vovnet39",
    "dla.dla34",
    "hrnet.hrnet_w18_small_v1",
    "selecsls.selecsls42",
    "dpn.dpn68",
    "bninception.bninception",
    "nasnet.nasnet_4a1056",
    "squeezenet.squeezenet_v1_1",
    "squeezenet.squeezeresnet_v1_1",
    "mobilenet.mobilenet_w1",
    "mobilenetv2.mobilenetv2_w1",
    "mobilenetv3.mobilenetv3_small_w1",
    "mnasnet.mnasnet_b1",
    "mixnet.mixnet_s",
    "proxylessnas.proxylessnas_cpu",
    "fbnet.fbnet_cb",
    "spnasnet.spnasnet",
    "igcv3.igcv3_w1",
    "shufflenet.shufflenet_g1_w1",
    "shufflenetv2.shufflenetv2_wd2",
    "menet.menet108_8x1_g3",
    "ghostnet.ghostnet",
    "efficientnet.efficientnet_b0",
    "regnet.regnetx002",
    "regnet.regnety002",
    "darknet.darknet_ref",
    "darknet.darknet_tiny",
    "darknet53.darknet53",
    "inceptionv3.inceptionv3",
    "xception.xception",
    "octresnet.octresnet10_ad2",
    "sharesnet.sharesnet18",
    "squeezenext.sqnxt23_w1",
    "resneta.resneta10",
    "scnet.scnet50",
]
PYTORCHCV_CIFAR = [
    "resnet_cifar.resnet20_cifar10",
    "densenet_cifar.densenet40_k12_cifar10",
    "pyramidnet_cifar.pyramidnet110_a48_cifar10",
    "nin_cifar.nin_cifar10",
    "rir_cifar.rir_cifar10",
    "shakeshakeresnet_cifar.shakeshakeresnet20_2x16d_cifar10",
]
# Segmentation: the whole model, for its input size.
PYTORCHCV_CITYSCAPES = [
    "lednet.lednet_cityscapes",
    "edanet.edanet_cityscapes",
    "cgnet.cgnet_cityscapes",
    "espcnet.espcnet_cityscapes",
    "linknet.linknet_cityscapes",
    "unet.unet_cityscapes",
    "sqnet.sqnet_cityscapes",
]
# Inputs that a model insists on or that give it three units.
LARGER = {"inceptionv3": 299, "xception": 299, "dpn68": 160, "bninception": 160}

# MONAI 1.6.1: the class, its arguments, the input.
MONAI = {
    "UNet": (
        {
            "spatial_dims": 2,
            "in_channels": 1,
            "out_channels": 2,
            "channels": (4, 8, 16),
            "strides": (2, 2),
            "num_res_units": 2,
        },
        (1, 1, 64, 64),
    ),
    "BasicUNet": (
        {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "features": (4, 4, 8, 8, 16, 4)},
        (1, 1, 64, 64),
    ),
    "AttentionUnet": (
        {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "channels": (4, 8, 16), "strides": (2, 2)},
        (1, 1, 64, 64),
    ),
    "SegResNet": ({"spatial_dims": 2, "init_filters": 8, "in_channels": 1, "out_channels": 2}, (1, 1, 64, 64)),
    "VNet": ({"spatial_dims": 3, "in_channels": 1, "out_channels": 1}, (1, 1, 32, 32, 32)),
    "HighResNet": ({"spatial_dims": 3, "in_channels": 1, "out_channels": 2}, (1, 1, 24, 24, 24)),
    "DynUNet": (
        {
            "spatial_dims": 2,
            "in_channels": 1,
            "out_channels": 2,
            "kernel_size": (3, 3, 3),
            "strides": (1, 2, 2),
            "upsample_kernel_size": (2, 2),
            "filters": (4, 8, 16),
            "norm_name": "batch",
        },
        (1, 1, 64, 64),
    ),
    "DenseNet121": ({"spatial_dims": 2, "in_channels": 1, "out_channels": 2}, (1, 1, 128, 128)),
}


@dataclass(frozen=True)
class Entry:
    """One model of the zoo; `build` makes its trunk in evaluation mode."""

    package: str
    family: str
    name: str
    input_size: tuple[int, ...]
    build: Callable[[], nn.Module]


def _pytorchcv(path: str, size: int) -> Entry:
    family, name = path.split(".")

    def build() -> nn.Module:
        trunk = getattr(import_module(f"pytorchcv.models.{family}"), name)(pretrained=False).features
        for part in (trunk, getattr(trunk, "final_block", trunk)):
            for pooling in ("final_pool", "pool") if part is not trunk else ("final_pool",):
                if hasattr(part, pooling):
                    setattr(part, pooling, nn.Identity())
        return trunk.eval()

    return Entry("pytorchcv", family, name, (1, 3, size, size), build)


def _cityscapes(path: str, size: int) -> Entry:
    family, name = path.split(".")

    def build() -> nn.Module:
        make = getattr(import_module(f"pytorchcv.models.{family}"), name)
        return make(pretrained=False, in_size=(size, size)).eval()

    return Entry("pytorchcv", family, name, (1, 3, size, size), build)


def _monai(name: str) -> Entry:
    arguments, input_size = MONAI[name]

    def build() -> nn.Module:
        model = getattr(import_module("monai.networks.nets"), name)(**arguments).eval()
        return model.features if name.startswith("DenseNet") else model

    return Entry("monai", name, name, input_size, build)


ENTRIES = [
    *(_pytorchcv(path, LARGER.get(path.split(".")[1], 128)) for path in PYTORCHCV),
    *(_pytorchcv(path, 32) for path in PYTORCHCV_CIFAR),
    *(_cityscapes(path, 128) for path in PYTORCHCV_CITYSCAPES),
    *(_monai(name) for name in MONAI),
]
