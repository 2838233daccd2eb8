"""RMS norms of a batch's rows, with the addition that comes before them: on a CPU in float32 as one compiled pass.

Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019. Of few rows an operation of torch takes longer
to begin than to compute, and a step has two for each of two norms a layer.
"""

import numpy as np
import torch

from cope_demo.model.compiling import compile_serial


def add_and_normalize(rows: torch.Tensor, more: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """rows + more, which is kept in `rows` (N, width), divided by its root mean square and multiplied with `weight`."""
    if rows.device.type != "cpu" or rows.dtype != torch.float32:
        return torch.nn.functional.rms_norm(rows.add_(more), rows.shape[-1:], weight, epsilon)
    out = torch.empty_like(rows)
    _add_and_normalize(rows.numpy(), more.numpy(), weight.numpy(), np.float32(epsilon), out.numpy())
    return out


@compile_serial
def _add_and_normalize(rows, more, weight, epsilon, out):
    width = rows.shape[1]
    for n in range(len(rows)):
        row, added, total = rows[n], more[n], np.float32(0)
        for i in range(width):
            row[i] += added[i]
            total += row[i] * row[i]
        factor = np.float32(1) / np.sqrt(total / np.float32(width) + epsilon)
        for i in range(width):
            out[n, i] = row[i] * factor * weight[i]
