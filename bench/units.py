"""Do units stay places over all models of torchvision and timm? Needs both packages, and a while.

    python bench/units.py [--shard 0/2] [--real] [--seconds 60] [pattern …]

A unit is one place over all channels. Which dimension holds the channels is known by hand, from the class of the
module that returned the map: the second after a convolution, a pooling or a batch norm, the last after a linear
layer or a layer norm. All others, except the batch, count units. Models are built on the meta device, without
weights (`--real`: with random ones). Prints a line for each model, then the counts.
"""

import argparse
import fnmatch
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch import nn

import rfguide
from rfguide.trace import Map, Trace

# Classes of modules whose maps have their channels second, and last.
SECOND = """
Conv1d Conv2d Conv3d Conv2dSame ScaledStdConv2d ScaledStdConv2dSame StdConv2d StdConv2dSame ConvTranspose2d
BatchNorm1d BatchNorm2d BatchNorm3d BatchNormAct2d FrozenBatchNorm2d FrozenBatchNormAct2d GroupNorm GroupNorm1
GroupNormAct InstanceNorm2d LayerNorm2d LayerNormAct2d LayerNorm2dFp32 RmsNorm2d SimpleNorm2d MaxPool2d MaxPool3d
AvgPool2d AvgPool3d AvgPool2dSame MaxPool2dSame BlurPool2d PixelShuffle PixelUnshuffle Upsample UpsamplingBilinear2d
ConvNormAct ConvNorm ConvBNAct Conv2dNormActivation Conv3dNormActivation InvertedResidual EdgeResidual
DepthwiseSeparableConv UniversalInvertedResidual Bottleneck BasicBlock Bottle2neck BottleneckBlock
ResBottleneckBlock Fire Inception InceptionA InceptionB InceptionC InceptionD InceptionE DenseLayer DenseBlock
DenseTransition _DenseLayer _DenseBlock _Transition DlaTree DlaRoot OsaBlock GhostBottleneck GhostModule DarkBlock
EdgeBlock CrossStage CrossStage3 DualPathBlock SelecSlsBlock NormFreeBlock RegStage RepVggBlock MobileOneBlock
ByobNet ConvNeXtBlock ConvNeXtStage CNBlock MBConv MbConvBlock ASPP ASPPConv DeepLabHead FCNHead
FeaturePyramidNetwork ResidualBlock SEModule SqueezeExcite SqueezeExcitation EcaModule ShuffleAttn
"""
LAST = """
Linear LayerNorm LayerNormFp32 RMSNorm RmsNorm SwinTransformerBlock ShiftedWindowAttention WindowAttention
"""
CHANNELS = dict.fromkeys(SECOND.split(), 1) | dict.fromkeys(LAST.split(), -1)
# Names of layers that are used otherwise: linear ones over places, as mixers have; poolings of heads in the
# batch, norms of each head.
OTHERWISE = (
    *("mlp_tokens", "linear_tokens", "spatial", "gate.proj"),
    *("attn.pool_", "attn.norm_", "q_norm", "k_norm", "v_norm", "sub_norm"),
)


def torchvision_models() -> Iterator[tuple[str, Callable[[], nn.Module], object]]:
    """Yield name, builder and input of each model of torchvision."""
    from torchvision import models

    for name in models.list_models():
        module = models.get_model_builder(name).__module__
        if ".quantization" in module:
            continue
        size: tuple[int, ...] = (1, 3, 224, 224)
        options = {"weights": None}
        if ".video" in module:
            size = (1, 3, 16, 224, 224)
        elif ".segmentation" in module:
            options["weights_backbone"] = None
        elif ".optical_flow" in module:
            yield f"torchvision {name}", lambda n=name: models.get_model(n, weights=None), ((1, 3, 128, 128),) * 2
            continue
        elif ".detection" in module:
            options["weights_backbone"] = None
            yield (
                f"torchvision {name}.backbone",
                lambda n=name, o=options: models.get_model(n, **o).backbone,
                (1, 3, 320, 320),
            )
            continue
        elif "inception" in name:
            size = (1, 3, 299, 299)
        yield f"torchvision {name}", lambda n=name, o=options: models.get_model(n, **o), size


def timm_models() -> Iterator[tuple[str, Callable[[], nn.Module], object]]:
    """Yield name, builder and input of each model of timm."""
    import timm

    for name in timm.list_models():
        yield f"timm {name}", lambda n=name: timm.create_model(n, pretrained=False), None


def input_of(model: nn.Module) -> tuple[int, ...]:
    """Return the input of a model of timm: as its configuration says."""
    return (1, *model.pretrained_cfg["input_size"])


def channels_of(m: Map) -> int | None:
    """Return the dimension that holds a map's channels, by what returned it; None if that alone does not say."""
    known = len(m.shape) > 2 and m.op in CHANNELS and not any(word in m.name for word in OTHERWISE)
    return CHANNELS[m.op] % len(m.shape) if known else None


def strays(traced: Trace) -> list[str]:
    """Return the maps whose units are no places."""
    found = []
    for m in traced.values():
        channels = channels_of(m)
        if channels is None:
            continue
        batch = m.shape[0] == 1  # windows that were put into the batch are places
        places = tuple(n for d, n in enumerate(m.shape) if d != channels and not (d == 0 and batch))
        if m.units != places:
            found.append(f"{m.name} ({m.op}) {tuple(m.shape)}: units {m.units}, places {places}")
    return found


def on_alarm(*_: object) -> None:
    """End what takes too long."""
    raise TimeoutError


def reason(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {error}"[:300].replace("\n", " ")


def one(name: str, build: Callable[[], nn.Module], size: object, *, real: bool) -> tuple[str, str]:
    """Return what becomes of one model: a word, and more about it."""
    try:
        with nullcontext() if real or "regnet" in name else torch.device("meta"):  # those read values as they are built
            model = build().eval()
    except TimeoutError:
        return "slow", "to build"
    except Exception as error:
        return "unbuilt", reason(error)
    try:
        traced = rfguide.trace(model, input_of(model) if size is None else size)
    except TimeoutError:
        return "slow", "to trace"
    except rfguide.TraceError as error:
        return ("slow", "to trace") if "TimeoutError" in str(error) else ("refused", reason(error))
    except Exception as error:
        return "broken", reason(error)
    found = strays(traced)
    return ("stray", f"{len(found)}: {found[0]}") if found else ("traced", f"{len(traced)} maps")


def main() -> int:
    """Run over the models; return 1 if units of any are no places."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    place, count = map(int, options.shard.split("/"))
    entries = [*torchvision_models(), *timm_models()]
    random.Random(0).shuffle(entries)
    wanted = [e for e in entries if not options.patterns or any(fnmatch.fnmatch(e[0], p) for p in options.patterns)]
    counts: Counter[str] = Counter()
    signal.signal(signal.SIGALRM, on_alarm)
    for name, build, size in wanted[place::count]:
        start = time.perf_counter()
        signal.alarm(options.seconds)
        word, more = one(name, build, size, real=options.real)
        signal.alarm(0)
        counts[word] += 1
        print(f"{word:8} {name} ({time.perf_counter() - start:.1f} s) {more}", flush=True)
    print(dict(counts), file=sys.stderr)
    return 1 if counts["stray"] or counts["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
