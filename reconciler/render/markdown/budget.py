"""Gives out a budget by priority: a section gets as many of its items as fit, and a count in place of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from reconciler.frozen import frozen
from reconciler.render.markdown.marks import size

_TOO_LITTLE = 250
"""With less room than this it is not worth to go on looking for an item that fits."""
_MOST_MISSES = 20
"""Nor is it after so many that did not."""


@frozen
class Section:
    """Something with items. `least` stands in its place where nothing fits, `more` says how many items were left out.

    `share`: of what is left at its turn, at most so much.
    """

    priority: int
    items: Iterable[str]
    weights: Sequence[int]  # how many resources each item tells of
    opening: str = ""
    closing: str = ""
    least: str = ""
    more: Callable[[int], str] = lambda count: f"… and {count:,} more\n"
    share: float = 1.0

    def fitted(self, room: int) -> str:
        """As much of it as there is room for; never more."""
        total = sum(self.weights)
        left = room - size(self.opening) - size(self.closing) - size(self.more(total))
        taken: list[str] = []
        told = misses = 0
        for item, weight in zip(self.items, self.weights, strict=True):
            if left < _TOO_LITTLE or misses > _MOST_MISSES:
                break
            if (length := size(item)) <= left:
                taken.append(item)
                told += weight
                left -= length
            else:
                misses += 1
        if not taken:
            return self.least
        rest = self.more(total - told) if told < total else ""
        return f"{self.opening}{''.join(taken)}{rest}{self.closing}"


def fit(sections: Sequence[Section | str], limit: int) -> str:
    """The sections in their order; fixed texts always, the others by priority, together not longer than the limit."""
    fixed = sum(size(one) for one in sections if isinstance(one, str))
    flexible = [one for one in sections if isinstance(one, Section)]
    left = limit - fixed - sum(size(one.least) for one in flexible)
    fitted: dict[int, str] = {}
    for section in sorted(flexible, key=lambda one: one.priority):
        text = section.fitted(int(left * section.share) + size(section.least))
        left -= size(text) - size(section.least)
        fitted[id(section)] = text
    return "".join(one if isinstance(one, str) else fitted[id(one)] for one in sections)


def section(priority: int, items: Sequence[str], **other: Any) -> Section:
    """A section whose items tell of one thing each."""
    return Section(priority, items, [1] * len(items), **other)
