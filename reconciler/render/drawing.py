"""The graph of resources as SVG, without any other program: layers from left to right, each after what it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from reconciler.frozen import frozen
from reconciler.model.change import Action
from reconciler.render.graph import Actions, Edges, acts
from reconciler.render.harmless import harmless
from reconciler.render.layout import columns

_SIGN = 7.3
"""Width of a letter; monospaced letters of 12 px are no wider."""
_PAD, _HEIGHT, _GAP, _BETWEEN, _MARGIN = 12, 30, 14, 70, 16
_LONGEST = 60
_SWEEPS = 2
_STYLE = (
    "svg{font:12px ui-monospace,monospace;background:#fff}text{fill:#1f2328}.box{fill:#f6f8fa;stroke:#57606a}"
    ".edge{fill:none;stroke:#8c959f}.tip{fill:#8c959f}.create .box{fill:#dafbe1;stroke:#1a7f37}"
    ".update .box{fill:#fff8c5;stroke:#9a6700;stroke-dasharray:6 2}.replace .box{fill:#fbefff;stroke:#8250df;stroke-width:2}"
    ".delete .box,.refused .box{fill:#ffebe9;stroke:#cf222e;stroke-width:2;stroke-dasharray:2 2}"
    "@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.box{fill:#161b22;stroke:#8b949e}"
    ".create .box{fill:#12261e}.update .box{fill:#272115}.replace .box{fill:#231a36}.delete .box,.refused .box{fill:#25171c}}"
)


@frozen
class _Box:
    """Where a resource stands."""

    name: str
    label: str
    action: str
    x: float
    y: float
    width: float


def render_svg(edges: Edges, actions: Actions | None = None) -> str:
    """The graph as one SVG document; what changes says so in a word, a colour and a kind of line."""
    actions = actions or {}
    waits_for = {name: sorted(other for other in others if other in edges) for name, others in edges.items()}
    boxes, width, height = _placed(_layers(waits_for), actions)
    drawn = [_edge(boxes[other], boxes[name]) for name, others in waits_for.items() for other in others]
    drawn += [_box(box, waits_for[box.name]) for box in boxes.values()]
    changing = sum(bool(box.action) for box in boxes.values())
    about = f"{len(boxes)} resources, {changing} of them change" if actions else f"{len(boxes)} resources"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
        f' viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="title">\n'
        f'<title id="title">{about}; each stands to the right of what it waits for</title>\n'
        f"<style>{_STYLE}</style>\n" + "\n".join(drawn) + "\n</svg>\n"
    )


def _layers(waits_for: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Resources by the longest way to one that waits for nobody; those in a loop stand last."""
    waited_by: dict[str, list[str]] = {}
    for name, others in waits_for.items():
        for other in others:
            waited_by.setdefault(other, []).append(name)
    missing = {name: len(others) for name, others in waits_for.items()}
    ready = [name for name, count in missing.items() if not count]
    depth = dict.fromkeys(ready, 0)
    for name in ready:  # grows while it is walked
        for waiting in waited_by.get(name, ()):
            depth[waiting] = max(depth.get(waiting, 0), depth[name] + 1)
            missing[waiting] -= 1
            if not missing[waiting]:
                ready.append(waiting)
    last = 1 + max((depth[name] for name in ready), default=-1)
    layers: dict[int, list[str]] = {}
    for name in sorted(waits_for):
        layers.setdefault(last if missing[name] else depth[name], []).append(name)
    return _untangled([layers[number] for number in sorted(layers)], waits_for)


def _untangled(layers: list[list[str]], waits_for: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The layers so ordered that each stands about as high as what it waits for."""
    for _ in range(_SWEEPS):
        height = {name: at / len(layer) for layer in layers for at, name in enumerate(layer)}
        for layer in layers:
            layer.sort(key=lambda name: (_middle(waits_for[name], height, name), name))
            height |= {name: at / len(layer) for at, name in enumerate(layer)}
    return layers


def _middle(others: Sequence[str], height: Mapping[str, float], name: str) -> float:
    return sum(height[other] for other in others) / len(others) if others else height[name]


def _placed(layers: Sequence[Sequence[str]], actions: Actions) -> tuple[dict[str, _Box], float, float]:
    """A box for each, and how large the picture is."""
    tallest = max(map(len, layers), default=0) * (_HEIGHT + _GAP)
    boxes: dict[str, _Box] = {}
    left: float = _MARGIN
    for layer in layers:
        labels = {name: _label(name, actions) for name in layer}
        width = 2 * _PAD + _SIGN * max(map(columns, labels.values()))
        top = _MARGIN + (tallest - len(layer) * (_HEIGHT + _GAP)) / 2
        for at, (name, label) in enumerate(labels.items()):
            y = top + at * (_HEIGHT + _GAP)
            boxes[name] = _Box(name, label, acts(name, actions), left, y, width)
        left += width + _BETWEEN
    return boxes, max(left - _BETWEEN, _MARGIN) + _MARGIN, tallest + 2 * _MARGIN


def _label(name: str, actions: Actions) -> str:
    action = acts(name, actions)
    text = harmless(name) or '""'
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"{Action(action).symbol} {text}: {action}" if action else text


def _edge(first: _Box, then: _Box) -> str:
    """From the right side of what goes first to the left side of what waits, with a tip."""
    x1, y1 = first.x + first.width, first.y + _HEIGHT / 2
    x2, y2 = then.x - 6, then.y + _HEIGHT / 2
    bend = max(_BETWEEN / 2, (x2 - x1) / 2)
    curve = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
    tip = f"M{x2:g} {y2 - 4:g}L{then.x:g} {y2:g}L{x2:g} {y2 + 4:g}Z"
    return f'<path class="edge" d="{curve}"/><path class="tip" d="{tip}"/>'


def _box(box: _Box, others: Sequence[str]) -> str:
    text_x, text_y = box.x + _PAD, box.y + _HEIGHT / 2 + 4
    return "".join(
        [
            f'<g class="{box.action or "still"}"><title>{_text(_told(box, others))}</title>',
            f'<rect class="box" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{_HEIGHT}" rx="5"/>',
            f'<text x="{text_x:g}" y="{text_y:g}" xml:space="preserve">{_text(box.label)}</text></g>',
        ]
    )


def _told(box: _Box, others: Sequence[str]) -> str:
    return ", ".join(_sentence(box, others))


def _sentence(box: _Box, others: Sequence[str]) -> Iterator[str]:
    yield f"{harmless(box.name)}{f': {box.action}' if box.action else ''}"
    if others:
        yield f"waits for {', '.join(map(harmless, others))}"


def _text(text: str) -> str:
    return escape(text, quote=True)
