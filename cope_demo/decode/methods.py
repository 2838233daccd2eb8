"""The methods of writing: one row each, and everything that lists, names or decodes them reads its row.

The decoder takes from it who decides the next token, the evaluation what a method needs, the command line its name, and
the page its labels, which the wire carries to the browser. A new method is one new row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from cope_demo.errors import CopeError, quote


@dataclass(frozen=True)
class Method:
    """One way of writing.

    name: in options, files and traces. label: as people read it; brief: what writes, in a few words, for tables.
    about: one or two sentences for the head of its column; {who} is the person, {whose} their genitive. In label and
        about {other} is another person, where the method needs one.
    driver: what decides the next token: "base" (log pi_base), "user" (log pi_user), "contrast" (r_user inside V_head);
        "given" for a text that was not decoded.
    adapter: the personal adapter, "oppu" or "cope"; where base drives, the model that reads along.
    task_adapter: False where base is the bare model, without the task adapter that is otherwise part of it.
    amateur: what stands against the personal model: "base"; "other", another person's model; "others", base with the
        mean of other people's adapters of the same kind, so that what all of them share cancels.
    prompt: "" for the instruction alone; "rag" with the person's similar texts before it, "pag" with a profile as well.
    plain_amateur: whether the amateur reads the instruction alone, whatever the expert's prompt is.
    column: "always" beside the others, "optional" where it is asked for, "against" where another person is named, ""
        where it is no column.
    varies: the column that is always there and that this one is a variation of.
    scaled: whether its adapter is multiplied with DecodeConfig.scale.
    paper: False for a baseline or extension that the paper does not have; tables show such a one where it was measured.
    evaluated: whether `evaluate` measures it.
    """

    name: str
    label: str
    brief: str
    about: str
    driver: str
    adapter: str
    task_adapter: bool = True
    amateur: str = "base"
    prompt: str = ""
    plain_amateur: bool = False
    column: str = ""
    varies: str = ""
    scaled: bool = False
    paper: bool = True
    evaluated: bool = True

    @property
    def personal(self) -> bool:
        """Whether it writes by an adapter that was fitted on the person."""
        return self.driver in ("user", "contrast")

    @property
    def contrasts(self) -> bool:
        """Whether the amateur, base or another person, is subtracted."""
        return self.driver == "contrast"

    @property
    def reads_history(self) -> bool:
        """Whether it cannot do without the person's texts."""
        return self.personal or bool(self.prompt)


_bare_model = partial(Method, driver="base", adapter="cope", task_adapter=False, column="optional", varies="greedy")
"""A method of the bare model; CoPe's adapter reads along."""
_retrieving = partial(Method, driver="contrast", about="", prompt="rag", plain_amateur=True, paper=False)
"""A method whose expert has the person's similar texts in its prompt, and its amateur not; see docs/method.md."""
_ROWS = (
    Method(
        name="greedy",
        label="Base, greedy",
        brief="",
        about="The model before it saw {whose} texts. Each time it takes the word it finds likeliest.",
        driver="base",
        adapter="cope",
        column="always",
        evaluated=False,  # in a table it is `tam`, or `base` where the task has no adapter
    ),
    _bare_model(
        name="base",
        label="Base without task adapter",
        brief="the bare model",
        about="The bare model, without the task adapter that is part of base elsewhere. It takes its likeliest word.",
    ),
    _bare_model(
        name="rag",
        label="RAG",
        brief="similar texts in the prompt",
        about="The bare model, untrained, with {whose} most similar texts in its prompt. It takes its likeliest word.",
        prompt="rag",
    ),
    _bare_model(
        name="pag",
        label="PAG",
        brief="a profile and similar texts in the prompt",
        about="As RAG, and with a profile in its prompt that the model wrote from {whose} texts.",
        prompt="pag",
    ),
    Method(
        name="tam",
        label="TAM",
        brief="adapter of the task",
        about="",  # it is no column
        driver="base",
        adapter="cope",
    ),
    Method(
        name="oppu",
        label="OPPU",
        brief="adapter of the author",
        about="The model after training on {whose} texts. It takes its likeliest word.",
        driver="user",
        adapter="oppu",
        column="always",
    ),
    Method(
        name="oppu-scaled",
        label="OPPU, scaled",
        brief="the same, its adapter multiplied as contrast would, and no contrast",
        about="",  # it is no column
        driver="user",
        adapter="oppu",
        scaled=True,
        paper=False,
    ),
    Method(
        name="oppu+cd",
        label="OPPU with contrast",
        brief="the same, contrasted",
        about="The same adapter as OPPU’s; it writes by contrast.",
        driver="contrast",
        adapter="oppu",
        column="optional",
        varies="oppu",
    ),
    Method(
        name="oppu+dpo",
        label="CoPe without contrast",
        brief="continued by DPO",
        about="The same adapter as CoPe’s, without contrast. It takes its likeliest word.",
        driver="user",
        adapter="cope",
        column="optional",
        varies="oppu",
    ),
    Method(
        name="cope",
        label="CoPe",
        brief="DPO and contrast",
        about="Of the words plausible for {who}, the one {who} would choose and base would not.",
        driver="contrast",
        adapter="cope",
        column="always",
    ),
    Method(
        name="oppu+retrieval",
        label="OPPU with retrieval",
        brief="adapter of the author, and similar texts in the prompt",
        about="",  # it is no column
        driver="user",
        adapter="oppu",
        prompt="rag",
        paper=False,
    ),
    _retrieving(
        name="oppu+cd+retrieval",
        label="OPPU, context-aware contrast (ours)",
        brief="the same, contrasted with base without these texts (ours)",
        adapter="oppu",
    ),
    _retrieving(
        name="cope+retrieval",
        label="CoPe, context-aware contrast (ours)",
        brief="DPO, and contrast in which only the expert sees similar texts (ours)",
        adapter="cope",
    ),
    Method(
        name="against",
        label="CoPe against {other}",
        brief="DPO, and contrast with another author",
        about="Of the words plausible for {who}, the one {who} would choose and {other} would not.",
        driver="contrast",
        adapter="cope",
        amateur="other",
        column="against",
        varies="cope",
        paper=False,
    ),
    Method(
        name="against-mean",
        label="CoPe against the others",
        brief="DPO, and contrast with the mean of the other authors",
        about="",  # it is no column
        driver="contrast",
        adapter="cope",
        amateur="others",
        paper=False,
    ),
    Method(
        name="oppu-against-mean",
        label="OPPU against the others",
        brief="adapter of the author, contrasted with the mean of the other authors",
        about="",
        driver="contrast",
        adapter="oppu",
        amateur="others",
        paper=False,
    ),
)
_AS_GIVEN = "As it was given; nothing was decoded here."

METHODS: dict[str, Method] = {method.name: method for method in _ROWS}
"""Every method by its name, in the order in which tables list them."""
GIVEN: dict[str, Method] = {
    name: Method(name, label, "", about, driver="given", adapter="cope", evaluated=False)
    for name, label, about in (("score", "Your text", ""), ("a", "Text A", _AS_GIVEN), ("b", "Text B", _AS_GIVEN))
}
"""The columns of texts that were given and not decoded: their score is the reward."""
COLUMNS = tuple(method.name for method in _ROWS if method.column == "always")
"""The columns that are always there, in their order on the page."""
AGAINST = "against"
"""The column that contrasts with another person, where one is named."""
NOBODY_NAMED = "The column against contrasts with another person, and nobody is named; say against whom."
NO_HISTORY = "RAG and PAG need the person’s texts, and none are kept."


def check_columns(names: Iterable, against: str = "") -> None:
    """Raises CopeError that lists the names unless each of these can be a column.

    against: the other person; without one there is no column AGAINST.
    """
    known = (*COLUMNS, *list_optional(), *((AGAINST,) if against else ()))
    for name in names:
        if name == AGAINST and not against:
            raise CopeError(NOBODY_NAMED)
        if not isinstance(name, str) or name not in known:
            raise CopeError(f"There is no method {quote(name)}; choose one of {', '.join(known)}.")


def list_optional() -> tuple[str, ...]:
    """The columns that can be asked for beside COLUMNS, in their order."""
    return tuple(method.name for method in METHODS.values() if method.column == "optional")


def list_evaluated(paper: bool = False) -> tuple[str, ...]:
    """The methods that `evaluate` measures, or of these the paper's, in the order of its tables."""
    return tuple(method.name for method in METHODS.values() if method.evaluated and method.paper >= paper)


def order_columns(names: Sequence[str] | None, against: str = "") -> tuple[str, ...]:
    """COLUMNS, AGAINST where another person is named, and these optional ones, in their order.

    Raises CopeError for anything but a list of optional names.
    """
    optional = list_optional()
    if not isinstance(names or [], (list, tuple)) or not all(isinstance(name, str) for name in names or []):
        raise CopeError(f"The columns must be a list of names; choose from {', '.join(optional)}.")
    for name in names or []:
        if name not in optional:
            raise CopeError(
                f"There is no further column {quote(name)}: choose from {', '.join(optional)}; greedy (base with its "
                "task adapter, tam), oppu and cope are always there."
            )
    return (*COLUMNS, *([AGAINST] if against else []), *(name for name in optional if name in (names or [])))


def name_column(method: str, alpha: float) -> str:
    """What the events of a method's column are called where it is written at several alphas."""
    return f"{method} at {alpha!r}"


def describe_columns(names: Iterable[str], who: str, other: str = "") -> dict[str, dict]:
    """What the browser must know of these columns: name -> {"label", "about", "driver", "varies", "optional"}.

    who: how the page speaks of the person, "you" or a name; other: the same of the person to contrast with. Where a
    column's amateur is that person, it has "amateur" as well. What has no row, such as a lesson's column, is left out.
    """
    whose = "your" if who == "you" else f"{who}’s"
    rows = {name: METHODS.get(name) or GIVEN.get(name) for name in names}
    return {
        name: {
            "label": row.label.format(other=other),
            "about": row.about.format(who=who, whose=whose, other=other),
            "driver": row.driver,
            "varies": row.varies,
            "optional": row.column == "optional",
            **({"amateur": other} if other and (row.amateur == "other" or row.driver == "given") else {}),
        }
        for name, row in rows.items()
        if row
    }
