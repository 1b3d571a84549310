"""What every part of the page is made with: the plan, its changes in numbered groups, how values are worded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model.change import Action
from reconciler.model.plan import Plan, PlannedHazard, PlannedSource
from reconciler.render.folding import Group, Wave, waves
from reconciler.render.html.elements import NOTHING, Html, element
from reconciler.render.values import Wording, wording_of
from reconciler.render.verdict import waves_of

_FEW, _LONGEST_OF_FEW, _LONGEST_OF_MANY = 100, 4000, 240
_APART = -1


@frozen
class Sheet:
    """The plan with all that its parts are made with; `numbers` says under which number an address is shown."""

    plan: Plan
    wording: Wording
    waves: Sequence[Wave]
    wave_of: Mapping[str, int]
    numbers: Mapping[str, int]
    count: int

    @classmethod
    def of(cls, plan: Plan) -> Sheet:
        """A fresh sheet for a plan."""
        longest = _LONGEST_OF_FEW if len(plan.changes) <= _FEW else _LONGEST_OF_MANY
        shown = (*waves(plan), *_apart(plan))
        groups = [group for wave in shown for group in wave.groups]
        numbers = {change.address: number for number, group in enumerate(groups) for change in group.changes}
        return cls(plan, wording_of(plan, longest=longest), shown, waves_of(plan), numbers, len(groups))

    def number(self, group: Group) -> int:
        """The number that a group is shown under."""
        return self.numbers[group.first.address]

    def cut(self, text: str) -> str:
        """A message, cut where nobody would read on."""
        return self.wording.cut(text, len(text))

    def link(self, address: str) -> Html:
        """An address that leads to its change, where it has one."""
        number = self.numbers.get(address)
        name = element("code", address)
        return name if number is None else element("a", name, href=f"#c{number}")

    def hazard(self, hazard: PlannedHazard) -> Html:
        """A danger as an item of a list."""
        blocked = element("span", "blocked: ", class_="blocked") if hazard.severity == "blocked" else NOTHING
        return element("li", element("code", hazard.code), " ", blocked, self.cut(hazard.message))


def _apart(plan: Plan) -> Iterator[Wave]:
    refused = [Group((change,)) for change in plan.changes if change.action == Action.REFUSED]
    if refused:
        yield Wave(_APART, tuple(refused), len(refused))


def wave_title(wave: Wave) -> str:
    """What a wave is called."""
    if wave.number == _APART:
        return "Refused, left alone"
    return f"Wave {wave.number}" if wave.number else "In memory only, nothing is sent"


def place(source: PlannedSource) -> Html:
    """`containers.yaml:41`, small."""
    return element("span", f" {source.file}:{source.line}", class_="where") if source.line else NOTHING
