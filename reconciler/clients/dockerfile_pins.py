"""Where in a Dockerfile images are named by a tag alone: in FROM, in COPY --from, in mounts, in the ARG that a FROM stands on.

Pure: gives places in the text, so that whoever pins them changes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate

from reconciler.clients.dockerfile import Instruction, read_dockerfile
from reconciler.clients.dockerfile_stages import Stages, copied, mounts
from reconciler.frozen import frozen

_ONE_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))")


@frozen
class NamedImage:
    """An image's name as written, and where; `problem` says why it cannot be pinned there."""

    name: str
    line: int
    start: int = 0
    end: int = 0
    problem: str = ""


def unpinned_images(text: str, args: Mapping[str, str] | None = None) -> list[NamedImage]:
    """Every image that is named without a digest, in the order of the text; each place once."""
    dockerfile = read_dockerfile(text)
    lines = text.splitlines(keepends=True)
    starts = [0, *accumulate(len(line) for line in lines)]
    found: dict[tuple[int, int, int], NamedImage] = {}
    for each, name, defining in _names(Stages.of(dockerfile), dockerfile.instructions):
        one = _placed(name, each, defining, args or {}, text, starts)
        if "@" not in one.name:
            found.setdefault((one.line, one.start, one.end), one)
    return sorted(found.values(), key=lambda one: (one.line, one.start))


Named = tuple[Instruction, str, Mapping[str, Instruction]]


def _names(stages: Stages, instructions: tuple[Instruction, ...]) -> Iterator[Named]:
    """Each instruction that names an image, with the name, and the ARGs that a FROM may refer to."""
    defining: dict[str, Instruction] = {}
    number = -1
    for each in instructions:
        if each.keyword == "FROM":
            number += 1
            base = stages.all[number].stage.base
            if base not in ("", "scratch") and stages.number_of(base, number) is None:
                yield each, base, defining
        elif each.keyword == "ARG" and number < 0:
            defining |= {word.partition("=")[0]: each for word in each.value.split() if "=" in word}
        else:
            origins = [copied(each).origin] if each.keyword == "COPY" else []
            for origin in origins or [mount.get("from", "") for mount in mounts(each)]:
                if origin and not origin.isdigit() and stages.number_of(origin, number) is None:
                    yield each, origin, {}


def _placed(
    name: str,
    each: Instruction,
    defining: Mapping[str, Instruction],
    args: Mapping[str, str],
    text: str,
    starts: list[int],
) -> NamedImage:
    variable = _ONE_VARIABLE.fullmatch(name)
    key = (variable["braced"] or variable["plain"]) if variable else ""
    if key in args:
        return NamedImage(name, each.line, problem=f"{key} is set under `args` in the manifest; pin it there")
    if key in defining:
        each = defining[key]
        name = _default_of(key, each)
    elif "$" in name:
        return NamedImage(name, each.line, problem=f"{name} holds a variable; write it in full")
    begin, end = starts[each.line - 1], starts[min(each.end_line, len(starts) - 1)]
    sign = r"[\w./:@$-]"
    found = re.compile(rf"(?<!{sign}){re.escape(name)}(?!{sign})").search(
        text, begin + len(each.keyword), end
    )
    if not name or found is None:
        return NamedImage(name, each.line, problem=f"{name} is written in a way that cannot be changed here")
    line = each.line + text.count("\n", begin, found.start())
    return NamedImage(name, line, found.start(), found.end())


def _default_of(key: str, instruction: Instruction) -> str:
    word = next(word for word in instruction.value.split() if word.partition("=")[0] == key)
    return word.partition("=")[2].strip("\"'")
