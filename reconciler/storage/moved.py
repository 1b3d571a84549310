"""A state that was moved elsewhere: the mark that it leaves, and the refusal of whoever looks for it here."""

from __future__ import annotations

from reconciler.errors import StateMismatchError


class MovedStateError(StateMismatchError):
    """The state was moved; `where` says where."""

    def __init__(self, here: str, where: str) -> None:
        super().__init__(
            f"the state at {here} was moved to {where}",
            fix="point `state:` in the manifest there (or say its environment), or bring it back with `state migrate`",
        )
        self.where = where
