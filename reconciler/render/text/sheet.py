"""What every part of a plan's text is written on: the plan, how it is to look, and how its values are worded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model.plan import Plan, PlannedSource
from reconciler.render.harmless import harmless
from reconciler.render.layout import Page
from reconciler.render.values import Wording, wording_of
from reconciler.render.verdict import waves_of

HEADING = "1"
DANGER = "1;31"
COLOURS = {
    "delete": "31",
    "replace": "35",
    "update": "33",
    "create": "32",
    "adopt": "36",
    "run": "36",
    "refused": "31",
}


@frozen
class Style:
    """How wide, how detailed (`names`, `changes`, `full`), with or without colour and beyond ASCII; the file it was saved to."""

    width: int = 100
    detail: str = "changes"
    colour: bool = False
    ascii: bool = False
    plan_file: str = ""
    plan_hash: str = ""


@frozen
class Sheet:
    """The plan with all that its parts are written by."""

    plan: Plan
    style: Style
    page: Page
    wording: Wording
    waves: Mapping[str, int]

    @classmethod
    def of(cls, plan: Plan, style: Style) -> Sheet:
        """A fresh sheet for a plan."""
        page = Page(style.width, style.colour, style.ascii)
        is_full = style.detail == "full"
        wording = wording_of(plan, longest=0 if is_full else 2 * style.width, whole=is_full)
        return cls(plan, style, page, wording, waves_of(plan))

    @property
    def is_full(self) -> bool:
        """Whether nothing may be left out."""
        return self.style.detail == "full"

    @property
    def is_brief(self) -> bool:
        """Whether there is to be a line for each resource, and nothing beside the verdict, dangers and the command."""
        return self.style.detail == "names"

    def most(self, some: int) -> int:
        """How many members of a list are shown at most."""
        return 1_000_000_000 if self.is_full else some

    def said(self, text: str) -> str:
        """A message from elsewhere: harmless, and cut where nobody would read on."""
        length = len(text)
        text = harmless(text)
        most = self.wording.longest
        # Long words leave much of each line empty: half as many signs take up as many lines.
        if most and len(text) > most and any(len(word) > most // 6 for word in text[:most].split()):
            text = f"{text[: most // 2]}… ({length:,} characters)"
        return self.wording.cut(text, length)

    def why(self, reason: str) -> str:
        """The reason of a change, which is told twice: in a line or so."""
        shown = harmless(reason)
        if self.is_full or len(shown) <= self.style.width:
            return shown
        return f"{shown[: self.style.width]}… ({len(reason):,} characters)"

    def title(self, text: str, right: str = "", code: str = HEADING) -> str:
        """The title of a section."""
        return self.page.spread(text, right, code)

    def named(self, names: Sequence[str], most: int, first: str, indent: int) -> Iterator[str]:
        """A list of names, wrapped; those beyond the most are counted."""
        shown = names[: self.most(most)]
        more = len(names) - len(shown)
        text = ", ".join(shown) + (f" and {more:,} more (--detail full)" if more else "")
        yield from self.page.wrap(text, indent, first)


def place(source: PlannedSource) -> str:
    """`containers.yaml:41`."""
    return f"{harmless(source.file)}:{source.line}" if source.line else ""
