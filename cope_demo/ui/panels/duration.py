"""How long a fit takes, before it has begun."""

from cope_demo.texts.tasks import Sample

START_SECONDS, SECONDS_PER_TOKEN = 15, 0.04
"""On two cores with the embedded model; docs/speed.md has a measured fit."""
INSTRUCTION_TOKENS = 20


def estimate(samples: list[Sample]) -> float:
    """Seconds that a fit of these texts will take, by their number and length."""
    tokens = sum(len(sample.response) / 4 + INSTRUCTION_TOKENS for sample in samples)
    return START_SECONDS + SECONDS_PER_TOKEN * tokens


def format_duration(seconds: float) -> str:
    """A duration as one says it."""
    if seconds < 45:
        return "less than a minute"
    if seconds < 75:
        return "about a minute"
    return f"about {round(seconds / 60)} minutes" if seconds >= 105 else "about one and a half minutes"
