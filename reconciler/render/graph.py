"""The graph of resources as text, DOT or Mermaid. SVG is DOT's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Edges = Mapping[str, Iterable[str]]


def render_text(edges: Edges) -> str:
    """Each resource with what it waits for, in an order in which everything comes after what it waits for."""
    lines = []
    for name, others in edges.items():
        lines.append(name)
        lines.extend(f"  waits for {other}" for other in sorted(others))
    return "\n".join(lines) + "\n"


def render_dot(edges: Edges, actions: Mapping[str, str] | None = None) -> str:
    """Graphviz; what changes is labelled with its action."""
    actions = actions or {}
    lines = ["digraph resources {", "  rankdir=LR;", "  node [shape=box];"]
    for name, others in edges.items():
        action = actions.get(name, "")
        label = f"{name}\\n{action}" if action and action != "no_op" else name
        lines.append(f'  "{_escaped(name)}" [label="{_escaped(label)}"];')
        lines.extend(f'  "{_escaped(name)}" -> "{_escaped(other)}";' for other in sorted(others))
    return "\n".join([*lines, "}"]) + "\n"


def _escaped(text: str) -> str:
    return text.replace('"', '\\"')


def render_mermaid(edges: Edges, actions: Mapping[str, str] | None = None) -> str:
    """Mermaid, as GitHub and GitLab draw it."""
    actions = actions or {}
    numbers = {name: f"n{number}" for number, name in enumerate(edges)}
    lines = ["flowchart LR"]
    for name in edges:
        action = actions.get(name, "")
        label = f"{name}<br/>{action}" if action and action != "no_op" else name
        lines.append(f'  {numbers[name]}["{label.replace(chr(34), "#quot;")}"]')
    for name, others in edges.items():
        lines.extend(
            f"  {numbers[name]} --> {numbers[other]}" for other in sorted(others) if other in numbers
        )
    return "\n".join(lines) + "\n"
