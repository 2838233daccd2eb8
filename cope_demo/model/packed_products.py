"""Products of a batch of rows with a weight matrix on a CPU, with the weights as they are stored.

y[n, o] = sum over i of x[n, i] * w[o, i], where w is NF4 (Dettmers et al., "QLoRA", NeurIPS 2023) or bfloat16 and all
sums are float32, so nothing but the order of a sum differs from float32 weights of the same values; and that order is
the same for any number of rows.

torch's own ways unpack NF4 to memory first, or round to bfloat16. Here weights become numbers in registers
(vector_loops.py), once for each tile of few rows, or once for all of many by a panel in the second nearest cache. What
numba compiled is kept on disk. benchmarks/speed_products.py measures it.
"""

import numpy as np
import torch
from numba import prange

from .compiling import compile_parallel
from .vector_loops import BLOCK, KIND, ORDER, make_tile, make_unpack

TILES = (6, 4, 2)
"""Rows that one reading of the weights serves: as many as the registers hold, and what may be left of a batch."""
OUTS = 2
"""Outputs of one tile."""
PANEL_ROWS, PANEL_OUTS = (6, 4) if KIND == "AVX512" else (4, 3)
"""Rows and outputs of a tile whose weights were unpacked before, which leaves registers free."""
PANEL = 2 * PANEL_OUTS if KIND == "AVX512" else 4 * PANEL_OUTS
"""Outputs that are unpacked at once: while a tile of rows stays in the nearest cache, their weights pass by it."""
MANY, SOME, FEW = TILES
_multiply_many, _multiply_some, _multiply_few = (make_tile(rows, OUTS) for rows in TILES)
_multiply_panel, _multiply_rest = make_tile(PANEL_ROWS, PANEL_OUTS), make_tile(1, PANEL_OUTS)
_unpack_row = make_unpack()


@compile_parallel
def _multiply(x, weights, scales, y):
    """Few rows, an even number: the weights become numbers in registers."""
    outs = len(weights)
    for group in prange((outs + OUTS - 1) // OUTS):
        out = min(OUTS * group, outs - OUTS)
        whole = len(x) - len(x) % MANY
        for row in range(0, whole, MANY):
            _multiply_many(weights, scales, x, y, out, out, row)
        if len(x) - whole == SOME:
            _multiply_some(weights, scales, x, y, out, out, whole)
        elif len(x) - whole == FEW:
            _multiply_few(weights, scales, x, y, out, out, whole)


@compile_parallel
def _multiply_by_panels(x, weights, scales, y):
    """More rows: the weights of some outputs are unpacked once, to memory that stays in a cache."""
    outs = len(weights)
    for group in prange((outs + PANEL - 1) // PANEL):
        out = min(PANEL * group, outs - PANEL)
        panel = np.empty((PANEL, x.shape[1]), np.float32)
        for k in range(PANEL):
            _unpack_row(weights, scales, panel, out + k, k)
        whole = len(x) - len(x) % PANEL_ROWS
        for row in range(0, whole, PANEL_ROWS):
            for k in range(0, PANEL, PANEL_OUTS):
                _multiply_panel(panel, panel, x, y, k, out + k, row)
        for row in range(whole, len(x)):
            for k in range(0, PANEL, PANEL_OUTS):
                _multiply_rest(panel, panel, x, y, k, out + k, row)


@compile_parallel
def _unpack(weights, scales, out):
    for row in prange(len(weights)):
        _unpack_row(weights, scales, out, row, row)


_NO_SCALES = np.zeros((1, 1), np.float32)


def fits(width: int, outs: int) -> bool:
    """Whether a matrix of that shape can be multiplied here."""
    return width % BLOCK == 0 and outs >= OUTS


def multiply_nf4(x: torch.Tensor, codes: np.ndarray, scales: np.ndarray) -> torch.Tensor:
    """x W^T in float32. x: (N, in) float32; codes: uint8 (out, in / 2) of `pack_nf4`; scales: float32
    (out, in / 64)."""
    return _run(x, codes, scales)


def multiply_bfloat16(x: torch.Tensor, weights: np.ndarray) -> torch.Tensor:
    """x W^T in float32. x: (N, in) float32; weights: uint16 (out, in), the bits of bfloat16 numbers."""
    return _run(x, weights, _NO_SCALES)


def _run(x: torch.Tensor, weights: np.ndarray, scales: np.ndarray) -> torch.Tensor:
    rows = len(x)
    if rows % FEW:
        x = torch.nn.functional.pad(x, (0, 0, 0, FEW - rows % FEW))
    y = np.empty((len(x), len(weights)), np.float32)
    multiply = _multiply if rows <= MANY or len(weights) < PANEL else _multiply_by_panels
    multiply(x.contiguous().numpy(), weights, scales, y)
    return torch.from_numpy(y)[:rows]


def pack_nf4(codes: np.ndarray) -> np.ndarray:
    """Codes of 0 to 15, uint8 (out, in), two in a byte as vector_loops.py reads them: uint8 (out, in / 2)."""
    blocks = codes.reshape(len(codes), -1, BLOCK)[:, :, ORDER]
    pairs = blocks[:, :, : BLOCK // 2] | (blocks[:, :, BLOCK // 2 :] << 4)
    return np.ascontiguousarray(pairs.reshape(len(codes), -1))


def unpack_nf4(codes: np.ndarray, scales: np.ndarray, out: np.ndarray) -> None:
    """Writes the NF4 values of all weights to `out`, float32 (out, in)."""
    _unpack(codes, scales, out)


def unpack_bfloat16(weights: np.ndarray, out: np.ndarray) -> None:
    """Writes all weights to `out`, float32 (out, in)."""
    _unpack(weights, _NO_SCALES, out)
