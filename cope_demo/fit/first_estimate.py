"""How long a fit takes on a host that has done none: its work in token passes, at the speed of a pass of base there.

A service measures that speed when its model is loaded (service.measure_pass). It tells a slow host from a fast one, and
no more: training may compute in another type than decoding, and a machine that runs both stages shares its cores. So it
serves for a warning and for nothing else; once a fit has ended, speeds.py knows better.
"""

from collections.abc import Sequence

from cope_demo.config import FitConfig
from cope_demo.texts.tasks import Sample

from .eta import estimate_work
from .gpu_seconds import count_example


def estimate_first_fit(samples: Sequence[Sample], config: FitConfig, pass_seconds: float) -> float:
    """Seconds of a fit of these texts. pass_seconds: of a token in a forward pass of many."""
    texts = [count_example(sample, config) for sample in samples]
    held_out = texts[: config.holdout]
    return pass_seconds * sum(estimate_work(texts[config.holdout :], held_out, config).values())
