"""The graph of resources as text, DOT or Mermaid: what goes first stands on the left. SVG is drawn in `drawing`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.change import Action
from reconciler.render.harmless import harmless

Edges = Mapping[str, Iterable[str]]
Actions = Mapping[str, str]
"""What a plan does to whom; empty for a graph that is of no plan."""


def acts(name: str, actions: Actions) -> str:
    """What is done to a resource; "" where nothing is."""
    action = actions.get(name, "")
    return "" if action == Action.NO_OP else action


def render_text(edges: Edges, actions: Actions | None = None) -> str:
    """Each resource with what it waits for, in an order in which everything comes after what it waits for."""
    lines = []
    for name, others in edges.items():
        lines.append(_line(name, actions or {}))
        lines.extend(f"  waits for {harmless(other)}" for other in sorted(others))
    return "\n".join(lines) + "\n"


def _line(name: str, actions: Actions) -> str:
    if action := acts(name, actions):
        return f"{Action(action).symbol} {harmless(name)}: {action}"
    return harmless(name)


def render_dot(edges: Edges, actions: Actions | None = None) -> str:
    """Graphviz; what changes is labelled with its action. Lines lead from what waits to what it waits for."""
    lines = ["digraph resources {", "  rankdir=RL;", "  node [shape=box];"]
    for name, others in edges.items():
        lines.append(f"  {_quoted(name)} [label={_quoted(*_label(name, actions or {}))}];")
        lines.extend(f"  {_quoted(name)} -> {_quoted(other)};" for other in sorted(others))
    return "\n".join([*lines, "}"]) + "\n"


def _label(name: str, actions: Actions) -> tuple[str, ...]:
    action = acts(name, actions)
    return (name, action) if action else (name,)


def _quoted(*lines: str) -> str:
    """A text of DOT, its lines parted by DOT's own line end."""
    parts = (harmless(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(parts) + '"'


def render_mermaid(edges: Edges, actions: Actions | None = None) -> str:
    """Mermaid, as GitHub and GitLab draw it."""
    numbers = {name: f"n{number}" for number, name in enumerate(edges)}
    lines = ["flowchart RL"]
    for name in edges:
        label = "<br/>".join(map(_entity, _label(name, actions or {})))
        lines.append(f'  {numbers[name]}["{label}"]')
    for name, others in edges.items():
        lines.extend(
            f"  {numbers[name]} --> {numbers[other]}" for other in sorted(others) if other in numbers
        )
    return "\n".join(lines) + "\n"


def _entity(text: str) -> str:
    """A text of Mermaid: whatever could end it, or mean something in it, by its number."""
    return "".join(
        sign if sign.isalnum() or sign in " ._-/:" else f"#{ord(sign)};" for sign in harmless(text)
    )
