"""The graph of resources as text, DOT or Mermaid. SVG is DOT's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.render.harmless import harmless

Edges = Mapping[str, Iterable[str]]


def render_text(edges: Edges) -> str:
    """Each resource with what it waits for, in an order in which everything comes after what it waits for."""
    lines = []
    for name, others in edges.items():
        lines.append(harmless(name))
        lines.extend(f"  waits for {harmless(other)}" for other in sorted(others))
    return "\n".join(lines) + "\n"


def render_dot(edges: Edges, actions: Mapping[str, str] | None = None) -> str:
    """Graphviz; what changes is labelled with its action."""
    lines = ["digraph resources {", "  rankdir=LR;", "  node [shape=box];"]
    for name, others in edges.items():
        lines.append(f"  {_quoted(name)} [label={_quoted(*_label(name, actions))}];")
        lines.extend(f"  {_quoted(name)} -> {_quoted(other)};" for other in sorted(others))
    return "\n".join([*lines, "}"]) + "\n"


def _label(name: str, actions: Mapping[str, str] | None) -> tuple[str, ...]:
    action = (actions or {}).get(name, "")
    return (name, action) if action and action != "no_op" else (name,)


def _quoted(*lines: str) -> str:
    """A text of DOT, its lines parted by DOT's own line end."""
    parts = (harmless(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(parts) + '"'


def render_mermaid(edges: Edges, actions: Mapping[str, str] | None = None) -> str:
    """Mermaid, as GitHub and GitLab draw it."""
    numbers = {name: f"n{number}" for number, name in enumerate(edges)}
    lines = ["flowchart LR"]
    for name in edges:
        label = "<br/>".join(map(_entity, _label(name, actions)))
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
