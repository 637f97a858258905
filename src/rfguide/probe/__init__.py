"""Measuring receptive fields instead of computing them: probes, each with a note on how it lies, and a check.

`nan` finds which cells a unit depends on, `gradient` by how much on one input, `effective` on average over
many, and `check` holds `rfguide.trace` against the first.
"""

from rfguide.probe.checks import Difference, Report, check
from rfguide.probe.effective import Effective, effective
from rfguide.probe.gradients import gradient
from rfguide.probe.nans import nan

__all__ = ["Difference", "Effective", "Report", "check", "effective", "gradient", "nan"]
