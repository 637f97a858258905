"""`import rfguide` is light, and names that need more load it when first used (each in a fresh process)."""

import subprocess
import sys
from importlib.metadata import version

import pytest

HEAVY = ("torch", "numpy", "matplotlib", "click")


def fresh(code: str) -> str:
    """What a new Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    [
        "import rfguide",
        "from rfguide import Layer, output_size, receptive_fields",
        "import rfguide.networks; rfguide.receptive_fields(rfguide.networks.NET)",
        "import rfguide; dir(rfguide)",
    ],
)
def test_nothing_heavy_is_loaded(statement):
    loaded = fresh(f"{statement}\nimport sys; print(*sys.modules)").split()
    assert not set(HEAVY) & set(loaded)


def test_only_modules_of_the_core_are_loaded():
    loaded = fresh("import rfguide, sys; print(*sys.modules)").split()
    ours = {name for name in loaded if name.startswith("rfguide")}
    assert ours == {"rfguide", "rfguide.errors", "rfguide.fields", "rfguide.layers", "rfguide.sizes"}


@pytest.mark.parametrize("name", ["trace", "check", "probe", "plot"])
def test_late_names_load_on_first_use_and_stay(name):
    kind = fresh(f"import rfguide; a = rfguide.{name}; assert rfguide.{name} is a; print(type(a).__name__)")
    assert kind == ("function" if name in {"trace", "check"} else "module")


@pytest.mark.parametrize("first", ["rfguide.trace", "rfguide.probe", "rfguide.plot", "rfguide.torch_networks"])
def test_importing_a_submodule_first_changes_no_name(first):
    code = f"import importlib, rfguide; importlib.import_module({first!r}); print(type(rfguide.trace).__name__)"
    assert fresh(code) == "function"


def test_probing_needs_no_matplotlib():
    assert "matplotlib" not in fresh("import rfguide.probe, rfguide.trace, sys; print(*sys.modules)").split()


def test_a_trace_of_common_layers_loads_neither_torchs_compiler_nor_sympy():
    """Either takes longer than the trace; torch's own way to the shapes of these layers loads them."""
    code = """
import sys, torch
from torch import nn
import rfguide
resize = nn.Upsample(scale_factor=2, mode="bilinear")
body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), resize)
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = body, nn.Linear(4, 2)
    def forward(self, x):
        maps = self.body(x)
        return self.head((maps - maps.mean()).mean((2, 3))).softmax(1)
rfguide.trace(Model().eval(), (1, 3, 16, 16))
print(*sys.modules)
"""
    assert not {"torch._dynamo", "sympy"} & set(fresh(code).split())


def test_a_name_that_does_not_exist_is_an_attribute_error():
    code = "import rfguide\ntry: rfguide.nonsense\nexcept AttributeError as error: print(error)"
    assert fresh(code) == "module 'rfguide' has no attribute 'nonsense'"


def test_every_public_name_exists():
    import rfguide

    assert sorted(rfguide.__all__) == rfguide.__all__
    assert all(hasattr(rfguide, name) for name in rfguide.__all__)
    assert set(rfguide.__all__) <= set(dir(rfguide))


def test_the_version_is_the_installed_one():
    import rfguide

    assert rfguide.__version__ == version("rfguide")
