"""The rollouts of a page: what each change shows of its own; what several show is drawn once, and referred to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.frozen import frozen
from reconciler.model.plan import PlannedChange
from reconciler.render.details import Rollout, rollout_of
from reconciler.render.html.chart import drawing, rollout_chart
from reconciler.render.html.elements import NOTHING, Html, element, form

_ROLLOUT = form("<p>Rollout: %s</p>%s")


@frozen
class Rollouts:
    """By address what is shown, the drawings that it refers to, and what they all mean."""

    shown: Mapping[str, Html]
    drawings: Html
    key: Html

    @classmethod
    def of(cls, changes: Iterable[PlannedChange]) -> Rollouts:
        """The rollouts of some changes."""
        alike: dict[Rollout, list[str]] = {}
        for change in changes:
            if rollout := rollout_of(change):
                alike.setdefault(rollout, []).append(change.address)
        names = {one: f"r{at}" for at, one in enumerate(alike) if len(alike[one]) > 1 and one.is_drawn}
        shown = {
            address: html
            for one, addresses in alike.items()
            for html in [_shown(one, names.get(one, ""))]
            for address in addresses
        }
        return cls(shown, _drawings(names), _key(alike))


def _shown(rollout: Rollout, name: str) -> Html:
    return _ROLLOUT(rollout.headline(), rollout_chart(rollout, name))


def _drawings(names: Mapping[Rollout, str]) -> Html:
    if not names:
        return NOTHING
    drawn = (drawing(rollout, name) for rollout, name in names.items())
    return element("svg", element("defs", *drawn), class_="drawings", aria_hidden="true")


def _key(rollouts: Iterable[Rollout]) -> Html:
    """What the charts of a page show and rest on, said once."""
    if not rollouts:
        return NOTHING
    key = "In the charts of rollouts, filled: new instances; dashed: instances that serve, at worst."
    assumed = dict.fromkeys(one.assumes for one in rollouts if one.assumes)
    return element("p", key, *(f" Assumed: {text}." for text in assumed), class_="soft")
