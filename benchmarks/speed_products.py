"""All weights of a decoding step once, for a few rows, by the ways in which a CPU can multiply them.

    python benchmarks/speed_products.py [--json] [--quick]

Every matrix is another one, so that caches do not flatter. In place: NF4 codes as they lie in memory
(model/packed_products.py). Unpacked: to float32, a chunk at a time, then by torch (model/products.py). bfloat16,
float32: torch's linear over weights that are kept unpacked. The first two are what model/calibration.py chooses
between.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from common import medians, table

from cope_demo.decode.forward import PARTS, Forward
from cope_demo.model.arithmetic import native_bfloat16
from cope_demo.model.base_model import load_base
from cope_demo.model.compiling import running_loops
from cope_demo.model.products import HeadProduct, Nf4Product
from cope_demo.system.passing_threads import run_in_passing_thread

ROWS = (6, 12, 24, 48, 120)


def list_products() -> list[Nf4Product | HeadProduct]:
    """Every product of a step of the embedded model."""
    forward = Forward(load_base(device="cpu").model, torch.float32)
    return [*(getattr(layer, part) for layer in forward.layers for part in PARTS), forward.head]


def make_ways(products: list[Nf4Product | HeadProduct], rows: int) -> dict:
    """name -> all products of that many rows, as a callable."""
    inputs = {product.width: torch.ones(rows, product.width) for product in products}
    exact = [product.unpack(0, len(product.weights)).clone() for product in products]
    kept = {"float32": exact}
    if native_bfloat16():
        kept["bfloat16"] = [weight.bfloat16() for weight in exact]
    ways = {
        "in place": lambda: [product.multiply_in_place(inputs[product.width]) for product in products],
        "unpacked": lambda: [product.multiply_unpacked(inputs[product.width]) for product in products],
    }
    for name, weights in kept.items():
        own = {width: x.to(weights[0].dtype) for width, x in inputs.items()}
        ways[name] = lambda weights=weights, own=own: [
            torch.nn.functional.linear(own[weight.shape[1]], weight) for weight in weights
        ]
    return ways


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows: milliseconds by way, for each number of rows."""
    products = run_in_passing_thread(list_products)
    for rows in ROWS[:2] if quick else ROWS:
        with running_loops(), torch.inference_mode():
            times = medians(make_ways(products, rows), 2 if quick else 7)
        yield {"rows": rows, **{f"{name}, ms": round(1000 * spent, 1) for name, spent in times.items()}}


if __name__ == "__main__":
    table("All weights of a step, once", measure)
