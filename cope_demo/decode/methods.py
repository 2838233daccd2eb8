"""Which columns a comparison can have: the three of METHODS always, and beside them what is asked for."""

from collections.abc import Sequence

from cope_demo.errors import CopeError

METHODS = ("greedy", "oppu", "cope")
"""The three columns in their order on the page."""

LABELS = {
    "base": "Base without task adapter",
    "rag": "RAG",
    "pag": "PAG",
    "oppu+cd": "OPPU with contrast",
    "oppu+dpo": "CoPe without contrast",
}
"""The columns that can be asked for, in their order: the bare model; the same with the person's texts in its prompt,
and with a profile of the person as well; and the ablation, contrast without DPO and DPO without contrast."""
MORE = tuple(LABELS)
OWN_PROMPT = ("rag", "pag")
"""The columns that put the person's history before the prompt."""
NO_HISTORY = "RAG and PAG need the person’s texts, and none are kept."


def with_more(names: Sequence[str] | None) -> tuple[str, ...]:
    """The three columns and these, in their order. Raises CopeError for anything but a list of names of MORE."""
    if not isinstance(names or [], (list, tuple)) or not all(isinstance(name, str) for name in names or []):
        raise CopeError(f"The columns must be a list of names; choose from {', '.join(MORE)}.")
    for name in names or []:
        if name not in MORE:
            raise CopeError(
                f"There is no further column {name!r}: choose from {', '.join(MORE)}; greedy (base with its task "
                "adapter, tam), oppu and cope are always there."
            )
    return (*METHODS, *(name for name in MORE if name in (names or [])))


def check_methods(methods: Sequence[str]) -> None:
    """Raises CopeError unless each of these can be a column."""
    for method in methods:
        if not isinstance(method, str) or method not in (*METHODS, *MORE):
            raise CopeError(f"There is no method {method!r}; choose one of {', '.join((*METHODS, *MORE))}.")
