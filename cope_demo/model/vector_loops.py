"""The inner loops of packed_products.py in LLVM's language: weights become numbers in registers, and rows are added up.

numba compiles them for the CPU at hand without a compiler on the machine. They are written out because its vectorizer
does not find by itself that a vector of 4-bit codes is a permutation of the table of 16 levels.
"""

import llvmlite.ir as ir
import numpy as np
import torch
from numba import types
from numba.core.cgutils import for_range, unpack_tuple
from numba.extending import intrinsic

from .quiet_bitsandbytes import get_4bit_type

KIND = torch.backends.cpu.get_cpu_capability()
LANES = 16 if KIND == "AVX512" else 8
"""float32 numbers of a vector register."""
BLOCK = 64
"""Weights under one NF4 scale, and the step of the inner loop."""
AHEAD = 2048
"""Bytes that are asked of memory before they are needed."""
LEVELS = np.array(get_4bit_type("nf4", device="cpu").tolist(), np.float32)
"""The 16 values of a code, by bitsandbytes."""

_PLACES = np.arange(BLOCK).reshape(2, 4, 2, 4)  # halves of a block, vectors, their two lanes, numbers
ORDER = (_PLACES.transpose(0, 2, 1, 3) if KIND == "AVX2" else _PLACES).ravel()
"""Which weight of a block each of its 64 codes is; AVX2 interleaves bytes in each lane of a register by itself."""

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


def _interleave(builder, one, other):
    """Elements of two vectors in turn, in each 16 bytes by themselves: their first and their second halves, as two
    vectors of elements twice as wide."""
    count, bits = one.type.count, one.type.element.width
    lane, found = count // 2, []
    for start in (0, lane // 2):
        pairs = [(at, at + count) for first in (start, start + lane) for at in range(first, first + lane // 2)]
        places = ir.Constant(_vector(_I32, count), [place for pair in pairs for place in pair])
        mixed = builder.shuffle_vector(one, other, places)
        found.append(builder.bitcast(mixed, _vector(ir.IntType(2 * bits), lane)))
    return found


def _look_up_by_bytes(builder, levels, codes):
    """levels[codes] of 32 codes as four vectors, by AVX2: it looks up bytes of 32 codes at once, but numbers of 8 codes
    and 8 levels only. So each of a number's four bytes is looked up by itself."""
    bytes_of = np.array(levels, np.float32).view(np.uint8).reshape(len(levels), 4).T
    tables = [ir.Constant(codes.type, [*one, *one]) for one in bytes_of.tolist()]  # a table for each 16 bytes
    one, two, three, four = (_call(builder, "llvm.x86.avx2.pshuf.b", codes.type, table, codes) for table in tables)
    pairs = zip(_interleave(builder, one, two), _interleave(builder, three, four), strict=True)
    return [builder.bitcast(part, _vector(_FLOAT)) for pair in pairs for part in _interleave(builder, *pair)]


class _Nf4:
    """Weights as NF4: blocks of 64 codes in 32 bytes (codes 0 to 31 in the lower halves) and a float32 scale each."""

    bytes = BLOCK // 2
    outs = 1 if KIND == "AVX2" else 2
    """Outputs that share a reading of the rows. AVX2 has 16 registers, and the levels of two take more than is left."""

    def __init__(self, levels):
        self.levels = levels

    def vectors(self, builder, pointer, scale):
        """The block's weights, a vector at a time."""
        scale = builder.insert_element(ir.Constant(_vector(_FLOAT), ir.Undefined), scale, ir.Constant(_I32, 0))
        scale = builder.shuffle_vector(scale, ir.Constant(_vector(_FLOAT), ir.Undefined), _fill(_I32, 0))
        if KIND == "AVX2":
            both = _load(builder, pointer, _vector(_I8, self.bytes), 1)
            for split, by in ((builder.and_, 15), (builder.lshr, 4)):
                for levels in _look_up_by_bytes(builder, self.levels, split(both, _fill(_I8, by, self.bytes))):
                    yield builder.fmul(levels, scale)
            return
        for split, by in ((builder.and_, 15), (builder.lshr, 4)):
            for start in range(0, self.bytes, LANES):
                codes = builder.zext(_load(builder, _at(builder, pointer, start), _vector(_I8), 1), _vector(_I32))
                yield builder.fmul(_look_up(builder, self.levels, split(codes, _fill(_I32, by))), scale)


class _Float32:
    """Weights as float32, such as a panel of unpacked ones. The scales are not read."""

    bytes = 4 * BLOCK
    outs = 4

    def vectors(self, builder, pointer, scale):
        """The block's weights, a vector at a time."""
        for start in range(0, self.bytes, 4 * LANES):
            yield _load(builder, _at(builder, pointer, start), _vector(_FLOAT), 4)


class _Bfloat16:
    """Weights as bfloat16: the upper halves of float32 numbers. The scales are not read."""

    bytes = 2 * BLOCK
    outs = 2

    def vectors(self, builder, pointer, scale):
        """The block's weights, a vector at a time."""
        for start in range(0, self.bytes, 2 * LANES):
            upper = builder.zext(_load(builder, _at(builder, pointer, start), _vector(_I16), 2), _vector(_I32))
            yield builder.bitcast(builder.shl(upper, _fill(_I32, 16)), _vector(_FLOAT))


def _choose_form(kind):
    """The form of weights of this numba type, and the bytes of one element."""
    if kind == types.uint8:
        return _Nf4(LEVELS.tolist()), 1
    return (_Bfloat16(), 2) if kind == types.uint16 else (_Float32(), 4)


class _Arrays:
    """Addresses in the arrays that an intrinsic was given. kinds, values: numba's types and LLVM's values of them."""

    def __init__(self, context, builder, kinds, values):
        self._builder = builder
        self._arrays = [
            context.make_array(kind)(context, builder, value) for kind, value in zip(kinds, values, strict=True)
        ]
        self.widths = [unpack_tuple(builder, array.shape)[1] for array in self._arrays]

    def find(self, number, size, row, more=0):
        """The address of row `row + more` of an array whose elements have `size` bytes."""
        builder = self._builder
        row = builder.add(row, ir.Constant(_I64, more))
        start = builder.mul(builder.mul(row, self.widths[number]), ir.Constant(_I64, size))
        return _at(builder, builder.bitcast(self._arrays[number].data, _I8.as_pointer()), start)


def make_tile(tile, outs):
    """A numba function (weights, scales, x, y, first, out, row) as inlined LLVM code, which multiplies the rows of x
    from `row` with those of weights from `first`: y[row : row + tile, out : out + outs].

    As many outputs as the form of the weights has registers for share a reading of the rows.
    """

    def generate(context, builder, signature, args):
        arrays = _Arrays(context, builder, signature.args[:4], args[:4])
        first, out, row = args[4:]
        form, size = _choose_form(signature.args[0].dtype)
        sources = [arrays.find(0, size, first, k) for k in range(outs)]
        factors = [arrays.find(1, 4, first, k) for k in range(outs)]
        rows = [arrays.find(2, 4, row, k) for k in range(tile)]
        blocks = builder.udiv(arrays.widths[2], ir.Constant(_I64, BLOCK))
        for start in range(0, outs, form.outs):
            own = slice(start, start + form.outs)
            sums = _add_blocks(builder, form, blocks, sources[own], factors[own], rows)
            for k, many in enumerate(sums, start):
                for j, lanes in enumerate(many):
                    total = _call(
                        builder, f"llvm.vector.reduce.fadd.v{LANES}f32", _FLOAT, ir.Constant(_FLOAT, -0.0), lanes
                    )
                    total.fastmath.add("reassoc")
                    column = builder.mul(builder.add(out, ir.Constant(_I64, k)), ir.Constant(_I64, 4))
                    target = _at(builder, arrays.find(3, 4, row, j), column)
                    builder.store(total, builder.bitcast(target, _FLOAT.as_pointer()))
        return context.get_dummy_value()

    @intrinsic
    def multiply_tile(typing, weights, scales, x, y, first, out, row):
        return types.void(weights, scales, x, y, types.intp, types.intp, types.intp), generate

    return multiply_tile


def make_unpack():
    """A numba function (weights, scales, panel, row, at) as inlined LLVM code: panel[at] = weights[row] in float32."""

    def generate(context, builder, signature, args):
        arrays = _Arrays(context, builder, signature.args[:3], args[:3])
        row, at = args[3:]
        form, size = _choose_form(signature.args[0].dtype)
        source, factor, target = arrays.find(0, size, row), arrays.find(1, 4, row), arrays.find(2, 4, at)
        blocks = builder.udiv(arrays.widths[2], ir.Constant(_I64, BLOCK))
        with for_range(builder, blocks, intp=_I64) as loop:
            start = _at(builder, target, builder.mul(loop.index, ir.Constant(_I64, 4 * BLOCK)))
            for part, weights in enumerate(_read_block(builder, form, loop.index, source, factor)):
                pointer = builder.bitcast(_at(builder, start, 4 * LANES * part), _vector(_FLOAT).as_pointer())
                builder.store(weights, pointer).align = 4
        return context.get_dummy_value()

    @intrinsic
    def unpack_row(typing, weights, scales, panel, row, at):
        return types.void(weights, scales, panel, types.intp, types.intp), generate

    return unpack_row


def _read_block(builder, form, number, source, factor):
    """The weights of a row's block, a vector at a time. source, factor: where the row's weights and scales begin."""
    pointer = _at(builder, source, builder.mul(number, ir.Constant(_I64, form.bytes)))
    if not isinstance(form, _Float32):  # a panel is in the cache already
        for line in range(0, form.bytes, 64):
            ask = (_at(builder, pointer, AHEAD + line), *(ir.Constant(_I32, flag) for flag in (0, 3, 1)))
            _call(builder, "llvm.prefetch.p0", ir.VoidType(), *ask)
    scale = None
    if isinstance(form, _Nf4):
        scale = _load(builder, _at(builder, factor, builder.mul(number, ir.Constant(_I64, 4))), _FLOAT, 4)
    return form.vectors(builder, pointer, scale)


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
    generators = [
        _read_block(builder, form, number, source, factor) for source, factor in zip(sources, factors, strict=True)
    ]
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
