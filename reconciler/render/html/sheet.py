"""What every part of the page is made with: the plan, its changes in numbered groups, how values are worded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model.change import Action
from reconciler.model.plan import Plan, PlannedHazard, PlannedSource
from reconciler.render.folding import Group, Wave, waves
from reconciler.render.html.elements import NOTHING, Html, element, form
from reconciler.render.html.rollouts import Rollouts
from reconciler.render.values import Wording, wording_of
from reconciler.render.verdict import waves_of

_FEW, _LONGEST_OF_FEW, _LONGEST_OF_MANY = 100, 4000, 240
_APART = -1
_HAZARD = form("<li><code>%s</code> %s%s</li>")
_LINK = form('<a href="#c%s"><code>%s</code></a>')
_WHERE = form('<span class="where">%s</span>')


@frozen
class Sheet:
    """The plan with all that its parts are made with.

    `numbers` says under which number an address is shown.
    """

    plan: Plan
    wording: Wording
    waves: Sequence[Wave]
    wave_of: Mapping[str, int]
    numbers: Mapping[str, int]
    rollouts: Rollouts
    count: int

    @classmethod
    def of(cls, plan: Plan) -> Sheet:
        """A fresh sheet for a plan."""
        longest = _LONGEST_OF_FEW if len(plan.changes) <= _FEW else _LONGEST_OF_MANY
        shown = (*waves(plan), *_apart(plan))
        groups = [group for wave in shown for group in wave.groups]
        numbers = {change.address: number for number, group in enumerate(groups) for change in group.changes}
        rollouts = Rollouts.of(group.first for group in groups)
        wording = wording_of(plan, longest=longest)
        return cls(plan, wording, shown, waves_of(plan), numbers, rollouts, len(groups))

    def number(self, group: Group) -> int:
        """The number that a group is shown under."""
        return self.numbers[group.first.address]

    def cut(self, text: str) -> str:
        """A message, cut where nobody would read on."""
        return self.wording.cut(text, len(text))

    def link(self, address: str) -> Html:
        """An address that leads to its change, where it has one."""
        number = self.numbers.get(address)
        return element("code", address) if number is None else _LINK(f"{number}", address)

    def hazard(self, hazard: PlannedHazard) -> Html:
        """A danger as an item of a list."""
        blocked = element("span", "blocked: ", class_="blocked") if hazard.severity == "blocked" else NOTHING
        return _HAZARD(hazard.code, blocked, self.cut(hazard.message))


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
    return _WHERE(f" {source.file}:{source.line}") if source.line else NOTHING
