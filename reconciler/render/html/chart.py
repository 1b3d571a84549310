"""A rollout as a small chart over time: how many instances are new, and how many serve at worst meanwhile.

Where somebody asks for each step, or the plan says nothing of time, every step is as wide as the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from reconciler.frozen import frozen
from reconciler.render.details import Rollout, RolloutStep
from reconciler.render.html.elements import NOTHING, Html, element, empty, form, joined

_LEFT, _RIGHT = 34, 24
_TOP, _FLOOR = 20, 100
_TALL = _FLOOR - _TOP
_WIDEST = 420
_NARROWEST_STEP = 14
_RECT = form('<rect class="old" x="%s" y="%s" width="%s" height="%s"/>')
_PATH = form('<path class="%s" d="%s"/>')
_SCALE = form('<text class="scale" x="%s" y="%s">%s</text>')
_MARK = form('<text x="%s" y="%s">%s</text>')
_CHART = form(
    '<figure><svg class="chart" width="%s" viewBox="0 0 %s %s" role="img" aria-label="%s">%s</svg>%s</figure>'
)
_TABLE = form('<table class="steps"><thead>%s</thead><tbody>%s</tbody></table>')
_LABEL = 46
"""Labels nearer to each other than this would run into each other."""


@frozen
class _Span:
    """A step between two places of the chart, with how many instances were new before it."""

    step: RolloutStep
    begins: int
    ends: int
    fresh_before: int


def rollout_chart(rollout: Rollout, drawn_as: str = "") -> Html:
    """The chart, with its numbers in a table below; `drawn_as` names the drawing where it stands elsewhere."""
    if not rollout.is_drawn:
        return NOTHING
    drawn = empty("use", href=f"#{drawn_as}") if drawn_as else drawing(rollout)
    width, label = (
        f"{_spans(rollout)[-1].ends + _RIGHT}",
        f"Rollout in {len(rollout.steps)} steps, as in the table",
    )
    return _CHART(width, width, f"{_FLOOR + 20}", label, drawn, _table(rollout))


def drawing(rollout: Rollout, name: str | None = None) -> Html:
    """What is in the chart."""
    spans = _spans(rollout)
    right = spans[-1].ends
    parts = [
        _RECT(f"{_LEFT}", f"{_TOP}", f"{right - _LEFT}", f"{_TALL}"),
        _PATH("fresh", _fresh(rollout, spans)),
        _SCALE(f"{_LEFT - 6}", f"{_TOP + 5}", f"{rollout.instances}"),
        _SCALE(f"{_LEFT - 6}", f"{_FLOOR}", "0"),
        *_marks(rollout, spans),
    ]
    if rollout.worst_capacity is not None:
        parts.append(_PATH("serving", _serving(rollout, spans)))
    return element("g", *parts, class_="drawing", id=name)


def _spans(rollout: Rollout) -> list[_Span]:
    return _timed(rollout) or _even(rollout)


def _timed(rollout: Rollout) -> list[_Span]:
    """The steps by the time they take; nothing where it is not known."""
    total = rollout.seconds
    if rollout.is_manual or not total or any(step.ends_after is None for step in rollout.steps):
        return []
    spans, before, ended = [], 0, 0.0
    for step in rollout.steps:
        begins = ended if step.starts_after is None else step.starts_after
        ended = step.ends_after or 0.0
        spans.append(_Span(step, _across(begins / total), _across(ended / total), before))
        before = step.instances
    return spans


def _even(rollout: Rollout) -> list[_Span]:
    """The steps one beside the other."""
    pitch = max(_NARROWEST_STEP, min(90, _WIDEST // len(rollout.steps)))
    before = [0, *(step.instances for step in rollout.steps)]
    return [
        _Span(step, _LEFT + place * pitch, _LEFT + (place + 1) * pitch, before[place])
        for place, step in enumerate(rollout.steps)
    ]


def _across(share: float) -> int:
    return _LEFT + round(_WIDEST * max(0.0, min(share, 1.0)))


def _height(rollout: Rollout, instances: int) -> int:
    return _FLOOR - round(_TALL * max(0, min(instances, rollout.instances)) / rollout.instances)


def _fresh(rollout: Rollout, spans: Sequence[_Span]) -> str:
    """An area that rises during each step."""
    corners = [(_LEFT, _FLOOR)]
    for span in spans:
        corners.append((span.begins, _height(rollout, span.fresh_before)))
        corners.append((span.ends, _height(rollout, span.step.instances)))
    return f"M{'L'.join(f'{x} {y}' for x, y in dict.fromkeys(corners))}V{_FLOOR}Z"


def _serving(rollout: Rollout, spans: Sequence[_Span]) -> str:
    """A line that falls for as long as a step goes on; between steps all serve."""
    path, at, level = f"M{_LEFT} {_TOP}", _LEFT, _TOP
    for span in spans:
        if span.begins > at:
            path += f"V{_TOP}H{span.begins}"
            level = _TOP
        capacity = rollout.instances if span.step.capacity is None else span.step.capacity
        falls = _height(rollout, capacity)
        path += (f"V{falls}" if falls != level else "") + f"H{span.ends}"
        at, level = span.ends, falls
    return f"{path}V{_TOP}"


def _marks(rollout: Rollout, spans: Sequence[_Span]) -> Iterator[Html]:
    """Where each step ends, with its share above and the time below, as far as there is room."""
    if inner := "".join(f"M{span.ends} {_TOP}V{_FLOOR}" for span in spans[:-1]):
        yield _PATH("rule", inner)
    is_timed = bool(_timed(rollout))
    for span in _apart(spans):
        share = f"{span.step.percentage:g} %"
        yield _MARK(f"{span.ends}", f"{_TOP - 6}", share)
        if is_timed:
            yield _MARK(f"{span.ends}", f"{_FLOOR + 15}", _clock(span.step.ends_after))


def _apart(spans: Sequence[_Span]) -> list[_Span]:
    """The last one, and going back those that are far enough from the next."""
    kept = [spans[-1]]
    for span, _ in reversed(list(pairwise(spans))):
        if kept[-1].ends - span.ends >= _LABEL and span.ends - _LEFT >= _LABEL // 2:
            kept.append(span)
    return kept[::-1]


def _table(rollout: Rollout) -> Html:
    serving = rollout.worst_capacity is not None
    timed = bool(_timed(rollout))
    heads = ["Step", "Share", "New"]
    heads += ["Serving"] if serving else []
    heads += ["From", "To"] if timed else []
    rows = []
    for step in rollout.steps:
        cells = [f"{step.number}", f"{step.percentage:g} %", f"{step.instances} of {rollout.instances}"]
        cells += [f"{step.capacity}" if step.capacity is not None else ""] if serving else []
        cells += [_clock(step.starts_after), _clock(step.ends_after)] if timed else []
        rows.append(_row("td", len(cells))(*cells))
    return _TABLE(_row("th", len(heads))(*heads), joined(rows))


@lru_cache
def _row(cell: str, count: int) -> Callable[..., Html]:
    return form(f"<tr>{f'<{cell}>%s</{cell}>' * count}</tr>")


def _clock(seconds: float | None) -> str:
    """A time since the beginning: `30 s`, `3:30 min`, `1:05 h`."""
    whole = round(seconds or 0)
    if whole < 120:
        return f"{whole} s"
    over, rest = divmod(whole, 60) if whole < 7200 else divmod(whole // 60, 60)
    return f"{over}:{rest:02} {'min' if whole < 7200 else 'h'}"
