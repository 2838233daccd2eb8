"""Starts app.py as the platform does, with the package `spaces` itself: `python -m tests.zerogpu.platform [TIMES]`.

On a machine without a GPU, what `spaces` needs of CUDA stands here: a model that was moved to the imitated CUDA in
the parent is in a worker's memory at once. TIMES: how often app.py is run before it stays, without being launched.
"""

import runpy
import sys
from pathlib import Path

import torch

APP = Path(__file__).parents[2] / "app.py"
GPU = Path("/dev/nvidiactl")
"""There is a GPU where this is. CUDA cannot be asked: whoever did could not fork any more."""


def stand_in_for_cuda() -> None:
    """Gives a torch that finds no GPU what `spaces` looks for, and `spaces` a GPU that is the CPU."""
    import cope_demo.model.quiet_bitsandbytes  # noqa: F401, I001
    import bitsandbytes  # noqa: F401  now, as it would load CUDA later on

    torch.version.cuda = "12.8"
    torch._C._cuda_init = lambda: None
    torch.cuda._is_in_bad_fork = bool  # as a function: False

    import spaces.zero.torch as zero
    from spaces.zero.torch.patching import cuda_aliases

    def move(callback=None) -> None:
        for fake, original in list(cuda_aliases.items()):
            fake.data = original

    zero.pack, zero.size, zero.init, zero.move = lambda: 0, lambda: 0, lambda uuid: None, move


def main(times: int) -> None:
    """Runs the app."""
    if not GPU.exists():
        stand_in_for_cuda()
    for _ in range(times):
        runpy.run_path(str(APP), run_name="app")
    runpy.run_path(str(APP), run_name="__main__")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 0)
