"""A rollout as a small chart: how many instances are new after each step, and how many serve at worst meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.render.details import Rollout, RolloutStep, duration
from reconciler.render.html.elements import Html, element, empty, joined

_HEIGHT = 110
_FLOOR = 88
_TALLEST = 74
_LEFT = 34
_WIDEST = 420


def rollout_chart(rollout: Rollout) -> Html:
    """The chart, with its numbers in a table below."""
    if not rollout.steps or not rollout.instances:
        return joined([])
    key = "Bars: new instances after each step."
    key += " Dashed: instances that serve meanwhile, at worst." if rollout.worst_capacity is not None else ""
    caption = element("figcaption", key, class_="soft")
    return element("figure", _chart(rollout), caption, _table(rollout))


def _chart(rollout: Rollout) -> Html:
    steps = rollout.steps
    pitch = max(14, min(90, _WIDEST // len(steps)))
    width = _LEFT + pitch * len(steps) + 12
    parts = [
        element("text", f"{rollout.instances}", x=4, y=_FLOOR - _TALLEST + 4),
        element("text", "0", x=4, y=_FLOOR + 4),
        *(part for place, step in enumerate(steps) for part in _bar(rollout, step, place, pitch)),
        empty("path", class_="axis", d=f"M{_LEFT - 4} {_FLOOR}H{width - 6}"),
    ]
    if serving := _serving(rollout, pitch):
        parts.append(empty("path", class_="serving", d=serving))
    return element(
        "svg",
        *parts,
        class_="chart",
        width=width,
        height=_HEIGHT,
        viewBox=f"0 0 {width} {_HEIGHT}",
        role="img",
        aria_label=f"Rollout in {len(steps)} steps: {rollout.headline()}. The numbers are in the table below.",
    )


def _bar(rollout: Rollout, step: RolloutStep, place: int, pitch: int) -> Iterator[Html]:
    x, width = _LEFT + place * pitch, pitch - 4
    tall = _tall(rollout, step.instances)
    yield empty("rect", class_="old", x=x, y=_FLOOR - _TALLEST, width=width, height=_TALLEST)
    yield empty("rect", class_="fresh", x=x, y=_FLOOR - tall, width=width, height=tall)
    label = duration(step.ends_after) if step.ends_after is not None else f"{step.percentage:g} %"
    if pitch >= 34:
        yield element("text", label, x=x + 2, y=_FLOOR + 15)


def _tall(rollout: Rollout, instances: int) -> int:
    return round(_TALLEST * max(0, min(instances, rollout.instances)) / rollout.instances)


def _serving(rollout: Rollout, pitch: int) -> str:
    """A line that is level during each step."""
    path = ""
    for place, step in enumerate(rollout.steps):
        if step.capacity is None:
            return ""
        x, y = _LEFT + place * pitch, _FLOOR - _tall(rollout, step.capacity)
        path += f"{'L' if path else 'M'}{x} {y}H{x + pitch - 4}"
    return path


def _table(rollout: Rollout) -> Html:
    serving = rollout.worst_capacity is not None
    timed = any(step.ends_after is not None for step in rollout.steps)
    heads = ["Step", "Share", "New instances"]
    heads += ["Serving at worst"] if serving else []
    heads += ["After"] if timed else []
    head = element("thead", element("tr", *(element("th", one, scope="col") for one in heads)))
    rows = []
    for step in rollout.steps:
        cells = [f"{step.number}", f"{step.percentage:g} %", f"{step.instances} of {rollout.instances}"]
        cells += [f"{step.capacity}" if step.capacity is not None else ""] if serving else []
        cells += [duration(step.ends_after) if step.ends_after is not None else ""] if timed else []
        rows.append(element("tr", *(element("td", one, class_="number") for one in cells)))
    return element("table", head, element("tbody", *rows))
