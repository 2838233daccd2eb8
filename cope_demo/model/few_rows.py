"""Products of few rows with a weight matrix on a CPU: each weight is read once, as it is stored, for all rows.

y[n, o] = sum over i of x[n, i] * w[o, i], where w is NF4 (Dettmers et al., "QLoRA", NeurIPS 2023) or bfloat16 and all
sums are float32, so nothing but the order of a sum differs from float32 weights of the same values.

torch's own ways unpack NF4 to memory first, or round to bfloat16. Here a vector of 4-bit codes becomes weights in a
register, by a permutation of the table of 16 levels, and serves a tile of rows at once. The inner loop is written in
LLVM's language, as its vectorizer does not find that permutation by itself; numba compiles it for the CPU at hand
without a compiler on the machine, and keeps the result on disk. benchmarks/speed_products.py measures it.
"""

import llvmlite.ir as ir
import numpy as np
import torch
from bitsandbytes.functional import get_4bit_type
from numba import prange, types
from numba.core.cgutils import unpack_tuple
from numba.extending import intrinsic

from .compiling import compile_parallel

LANES = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
"""float32 numbers of a vector register."""
TILES = (6, 2)
"""Rows that one reading of the weights serves: as many as the registers hold, and the least."""
OUTS = 2
"""Outputs that share a reading of the rows."""
BLOCK = 64
"""Weights under one NF4 scale, and the step of the inner loop."""
AHEAD = 2048
"""Bytes that are asked of memory before they are needed."""

_FLOAT, _I8, _I16, _I32, _I64 = ir.FloatType(), ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64)


def _vector(kind, lanes=LANES):
    return ir.VectorType(kind, lanes)


def _fill(kind, value, lanes=LANES):
    return ir.Constant(_vector(kind, lanes), [value] * lanes)


def _at(builder, pointer, offset):
    """The address `offset` bytes further (a number, or a value of the program)."""
    return builder.gep(pointer, [ir.Constant(_I64, offset) if isinstance(offset, int) else offset])


def _load(builder, pointer, kind, align):
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()))
    value.align = align
    return value


def _call(builder, name, result, *args):
    kind = ir.FunctionType(result, [arg.type for arg in args])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, args)


def _look_up(builder, levels, codes):
    """levels[codes], a vector: LLVM makes a permutation of registers of it where the CPU has one."""

    def permute(table, at):
        source, out = ir.Constant(_vector(_FLOAT, len(table)), table), ir.Constant(_vector(_FLOAT), ir.Undefined)
        for lane in range(LANES):
            where = ir.Constant(_I32, lane)
            out = builder.insert_element(
                out, builder.extract_element(source, builder.extract_element(at, where)), where
            )
        return out

    if LANES == 16:
        return permute(levels, codes)
    low = builder.and_(codes, _fill(_I32, 7))
    upper = builder.icmp_unsigned(">", codes, _fill(_I32, 7))
    return builder.select(upper, permute(levels[8:], low), permute(levels[:8], low))


class _Nf4:
    """Weights as NF4: blocks of 64 codes in 32 bytes (codes 0 to 31 in the lower halves) and a float32 scale each."""

    bytes = BLOCK // 2

    def __init__(self, levels):
        self.levels = levels

    def vectors(self, builder, pointer, scale):
        """The block's weights, a vector at a time."""
        scale = builder.insert_element(ir.Constant(_vector(_FLOAT), ir.Undefined), scale, ir.Constant(_I32, 0))
        scale = builder.shuffle_vector(scale, ir.Constant(_vector(_FLOAT), ir.Undefined), _fill(_I32, 0))
        for half in range(2):
            for start in range(0, self.bytes, LANES):
                codes = builder.zext(_load(builder, _at(builder, pointer, start), _vector(_I8), 1), _vector(_I32))
                codes = builder.lshr(codes, _fill(_I32, 4)) if half else builder.and_(codes, _fill(_I32, 15))
                yield builder.fmul(_look_up(builder, self.levels, codes), scale)


class _Bfloat16:
    """Weights as bfloat16: the upper halves of float32 numbers. The scales are not read."""

    bytes = 2 * BLOCK

    def vectors(self, builder, pointer, scale):
        """The block's weights, a vector at a time."""
        for start in range(0, self.bytes, 2 * LANES):
            upper = builder.zext(_load(builder, _at(builder, pointer, start), _vector(_I16), 2), _vector(_I32))
            yield builder.bitcast(builder.shl(upper, _fill(_I32, 16)), _vector(_FLOAT))


def _make_tile(tile):
    """A numba function (weights, scales, x, y, o, r): y[r : r + tile, o : o + OUTS], as inlined LLVM code."""

    def generate(context, builder, signature, args):
        arrays = [
            context.make_array(kind)(context, builder, arg)
            for kind, arg in zip(signature.args[:4], args[:4], strict=True)
        ]
        weights, scales, x, y = arrays
        out, row = args[4:]
        widths = [unpack_tuple(builder, array.shape)[1] for array in arrays]

        def address(array, width, size, number):
            start = builder.mul(builder.mul(number, width), ir.Constant(_I64, size))
            return _at(builder, builder.bitcast(array.data, _I8.as_pointer()), start)

        def after(number, more):
            return builder.add(number, ir.Constant(_I64, more))

        form, size = (_Nf4(LEVELS.tolist()), 1) if signature.args[0].dtype == types.uint8 else (_Bfloat16(), 2)
        sources = [address(weights, widths[0], size, after(out, k)) for k in range(OUTS)]
        factors = [address(scales, widths[1], 4, after(out, k)) for k in range(OUTS)]
        rows = [address(x, widths[2], 4, after(row, k)) for k in range(tile)]
        blocks = builder.udiv(widths[2], ir.Constant(_I64, BLOCK))
        sums = _add_blocks(builder, form, blocks, sources, factors, rows)
        for k in range(OUTS):
            for j in range(tile):
                total = _call(
                    builder, f"llvm.vector.reduce.fadd.v{LANES}f32", _FLOAT, ir.Constant(_FLOAT, -0.0), sums[k][j]
                )
                total.fastmath.add("reassoc")
                target = address(y, widths[3], 4, after(row, j))
                target = _at(builder, target, builder.mul(after(out, k), ir.Constant(_I64, 4)))
                builder.store(total, builder.bitcast(target, _FLOAT.as_pointer()))
        return context.get_dummy_value()

    @intrinsic
    def add_tile(typing, weights, scales, x, y, out, row):
        return types.void(weights, scales, x, y, types.intp, types.intp), generate

    return add_tile


def _add_blocks(builder, form, blocks, sources, factors, rows):
    """The loop over a row's blocks; returns the sums as vectors, [output][row]."""
    entry, body = builder.block, builder.append_basic_block("block")
    builder.branch(body)
    builder.position_at_end(body)
    number = builder.phi(_I64)
    number.add_incoming(ir.Constant(_I64, 0), entry)
    starts = [[builder.phi(_vector(_FLOAT)) for _ in rows] for _ in sources]
    for many in starts:
        for one in many:
            one.add_incoming(_fill(_FLOAT, 0.0), entry)
    sums = [list(many) for many in starts]
    generators = []
    for source, factor in zip(sources, factors, strict=True):
        pointer = _at(builder, source, builder.mul(number, ir.Constant(_I64, form.bytes)))
        for line in range(0, form.bytes, 64):
            ask = (_at(builder, pointer, AHEAD + line), *(ir.Constant(_I32, flag) for flag in (0, 3, 1)))
            _call(builder, "llvm.prefetch.p0", ir.VoidType(), *ask)
        scale = _load(builder, _at(builder, factor, builder.mul(number, ir.Constant(_I64, 4))), _FLOAT, 4)
        generators.append(form.vectors(builder, pointer, scale if isinstance(form, _Nf4) else None))
    for part, vectors in enumerate(zip(*generators, strict=True)):
        offset = builder.add(builder.mul(number, ir.Constant(_I64, 4 * BLOCK)), ir.Constant(_I64, 4 * LANES * part))
        for j, row in enumerate(rows):
            x = _load(builder, _at(builder, row, offset), _vector(_FLOAT), 4)
            for k, weights in enumerate(vectors):
                sums[k][j] = _call(builder, f"llvm.fma.v{LANES}f32", _vector(_FLOAT), x, weights, sums[k][j])
    further = builder.add(number, ir.Constant(_I64, 1))
    number.add_incoming(further, builder.block)
    for many, reached in zip(starts, sums, strict=True):
        for one, value in zip(many, reached, strict=True):
            one.add_incoming(value, builder.block)
    done = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_unsigned("<", further, blocks), body, done)
    builder.position_at_end(done)
    return sums


LEVELS = np.array(get_4bit_type("nf4", device="cpu").tolist(), np.float32)
"""The 16 values of a code, by bitsandbytes."""
MANY, FEW = TILES
_multiply_many, _multiply_few = _make_tile(MANY), _make_tile(FEW)


@compile_parallel
def _multiply(x, weights, scales, y):
    outs = len(weights)
    for group in prange((outs + OUTS - 1) // OUTS):
        out = min(OUTS * group, outs - OUTS)
        whole = len(x) - len(x) % MANY
        for row in range(0, whole, MANY):
            _multiply_many(weights, scales, x, y, out, row)
        for row in range(whole, len(x), FEW):
            _multiply_few(weights, scales, x, y, out, row)


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
    if rows % TILES[-1]:
        x = torch.nn.functional.pad(x, (0, 0, 0, TILES[-1] - rows % TILES[-1]))
    y = np.empty((len(x), len(weights)), np.float32)
    _multiply(x.contiguous().numpy(), weights, scales, y)
    return torch.from_numpy(y)[:rows]


def pack_nf4(codes: np.ndarray) -> np.ndarray:
    """Codes of 0 to 15, uint8 (out, in), two in a byte as this file reads them: uint8 (out, in / 2)."""
    blocks = codes.reshape(len(codes), -1, BLOCK)
    return (blocks[:, :, : BLOCK // 2] | (blocks[:, :, BLOCK // 2 :] << 4)).reshape(len(codes), -1)
