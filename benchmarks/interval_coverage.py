"""How often a 95 % interval over few authors holds the truth: python -m benchmarks.interval_coverage

Made-up authors, all alike or with a long tail, many times; a percentile bootstrap over authors as in the tables of
docs/RESULTS.md, and Student's t as in those of docs/controls.md.
"""

import numpy

from cope_demo.evaluation import significance
from cope_demo.evaluation.replicates import estimate_mean

TIMES = 2000
SHAPES = {
    "normal": (lambda random, size: random.normal(0, 1, size), 0.0),
    "log-normal": (lambda random, size: random.lognormal(0, 0.75, size), float(numpy.exp(0.75**2 / 2))),
}
"""How authors are drawn, and their true mean."""


def measure_coverage(authors: int, shape: str, times: int = TIMES) -> tuple[float, float]:
    """The shares of intervals that hold the true mean: of the bootstrap, of Student's t."""
    draw, truth = SHAPES[shape]
    random = numpy.random.default_rng(0)
    held = numpy.zeros(2)
    for _ in range(times):
        values = draw(random, authors)
        boot = significance.Bootstrap({"any": {str(n): [value] for n, value in enumerate(values)}})
        for kind, (low, high) in enumerate((boot.interval("any"), estimate_mean([values]).ends)):
            held[kind] += low < truth < high
    return tuple((held / times).tolist())


def main() -> None:
    """Prints the table."""
    significance.DRAWS = 1000
    print("| authors | drawn | percentile bootstrap | Student's t |\n|---|---|---|---|")
    for authors in (12, 16):
        for shape in SHAPES:
            boot, student = measure_coverage(authors, shape)
            print(f"| {authors} | {shape} | {boot:.1%} | {student:.1%} |")


if __name__ == "__main__":
    main()
