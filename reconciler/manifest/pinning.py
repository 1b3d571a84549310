"""Where in a manifest's text images are named by a tag alone, under `images` of the base and of each environment.

Gives places in the text, so that whoever pins them leaves comments and layout as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.frozen import frozen


@frozen
class WrittenImage:
    """An image's name, and the place to write to: `name@digest` goes there, or `prefix` and the digest alone.

    `problem` says why it cannot be pinned there.
    """

    name: str
    line: int
    start: int
    end: int
    prefix: str = ""
    problem: str = ""


def unpinned_images(text: str) -> list[WrittenImage]:
    """Every `images.<key>.image` without a digest, in the order of the text; what an alias repeats counts once."""
    found = {one.start: one for node in _image_values(_composed(text)) for one in _read(node, text)}
    return [found[start] for start in sorted(found)]


def _composed(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML().compose(text)


def _image_values(root: Any) -> Iterator[Any]:
    """The value of each `image` key, but of those whose block has a digest already."""
    environments = [inner for _, inner in _pairs(_child(root, "environments"))]
    for holder in (root, *environments):
        for _, block in _pairs(_child(holder, "images")):
            image = _child(block, "image")
            if image is not None and _child(block, "digest") is None:
                yield image


def _pairs(node: Any) -> list[tuple[str, Any]]:
    if node is None or node.id != "mapping":
        return []
    return [(key.value, value) for key, value in node.value if key.id == "scalar"]


def _child(node: Any, key: str) -> Any:
    return next((value for name, value in _pairs(node) if name == key), None)


def _read(node: Any, text: str) -> Iterator[WrittenImage]:
    if node.id == "mapping":
        yield from _parts(node, text)
    elif node.id == "scalar" and node.value and "@" not in node.value:
        yield _whole(node, text)


def _whole(node: Any, text: str) -> WrittenImage:
    name, line = node.value, node.start_mark.line + 1
    at = text.find(name, node.start_mark.index, node.end_mark.index)
    if problem := _problem(name, at):
        return WrittenImage(name, line, node.start_mark.index, node.end_mark.index, problem=problem)
    return WrittenImage(name, line, at, at + len(name))


def _problem(name: str, at: int = 0) -> str:
    if "${" in name:
        return f"{name} holds a reference; write it in full"
    if "://" in name:
        return f"{name} is pulled by a protocol of Cloudflare's; ask whoever serves it"
    return f"{name} is written in a way that cannot be changed here" if at < 0 else ""


def _parts(node: Any, text: str) -> Iterator[WrittenImage]:
    """The form `{name, tag}`: the digest becomes a key of its own, after the last one."""
    parts = dict(_pairs(node))
    if "digest" in parts or not parts or "name" not in parts:
        return
    tag = f":{parts['tag'].value}" if "tag" in parts else ""
    name, line = f"{parts['name'].value}{tag}", node.start_mark.line + 1
    last = node.value[-1]
    if node.flow_style:
        yield WrittenImage(
            name, line, last[1].end_mark.index, last[1].end_mark.index, ", digest: ", _problem(name)
        )
        return
    end = text.find("\n", last[1].end_mark.index)
    end = len(text) if end < 0 else end
    indent = " " * last[0].start_mark.column
    yield WrittenImage(name, line, end, end, f"\n{indent}digest: ", _problem(name))
