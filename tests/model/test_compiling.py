"""Compiled loops are kept apart for each kind of CPU that torch makes of this one."""

import os
import subprocess
import sys

from cope_demo.model.compiling import numba
from cope_demo.model.vector_loops import LANES
from cope_demo.paths import ROOT

CODE = (
    "from cope_demo.model.compiling import numba; from cope_demo.model.vector_loops import LANES; "
    "print(LANES, numba.config.CACHE_DIR)"
)


def test_a_process_held_down_to_avx2_keeps_loops_of_its_own():
    """What was compiled for vectors of 8 lanes would else be taken where there are 16, and the other way round."""
    environment = os.environ | {"ATEN_CPU_CAPABILITY": "avx2"}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, cwd=ROOT, env=environment)
    lanes, folder = done.stdout.split()
    assert lanes == "8" and (folder == numba.config.CACHE_DIR) == (LANES == 8)


def test_loops_leave_torch_as_many_cores_as_it_was_given():
    code = "import torch; from cope_demo.model.compiling import running_loops\nwith running_loops(): pass\n"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code + "print(torch.get_num_threads())"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.stdout.strip() == "1"
