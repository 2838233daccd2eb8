"""What a fit can and cannot do for this person, in one sentence, by stated rules on the numbers of its report.

Words: by what part CoPe is less surprised than base by the person's own held-out words, in bits a token. It knows them
from KNOWN on, a little from HEARD on, else not. Apart: how often it ranks the person's text above one of base's. It
tells them apart from APART on, and better than base does. What is left, 2 to the power of the bits a token, is how many
equally likely tokens it still hesitates between.
"""

KNOWN, HEARD = 0.15, 0.03
"""Parts of base's bits a token that CoPe saves."""
APART = 0.75
"""The share of pairs that are ranked right; a coin has 0.5."""


def judge_fit(report: dict, whose: str) -> str:
    """The sentence. report: as report.json. whose: "your", or a name with its genitive."""
    bits, right = report["bits_per_token"], report["pairs_right"]
    saved = 1 - bits["cope"] / bits["base"]
    apart = right["cope"] >= APART and right["cope"] > right["base"]
    choices = round(2 ** bits["cope"])
    still = f"it cannot know what comes next: it still hesitates as between {choices} equally likely tokens"
    if saved >= KNOWN and apart:
        said = f"This fit writes with {whose} words and tells {whose} texts from base’s, but {still}"
    elif saved >= KNOWN:
        said = f"This fit knows {whose} words, but does not yet tell {whose} texts from base’s, and {still}"
    elif saved >= HEARD and apart:
        said = f"This fit tells {whose} texts from base’s and has picked up some of {whose} words, but {still}"
    elif saved >= HEARD:
        said = f"This fit has picked up some of {whose} words, but cannot tell {whose} texts from base’s, and {still}"
    elif apart:
        said = f"This fit tells {whose} texts from base’s, but it has not learned {whose} words, and {still}"
    else:
        said = f"This fit has not learned {whose} words and cannot tell {whose} texts from base’s; more texts may help"
    return f"{said}."
