"""What a Dockerfile's instructions come to: which stages make up an image, and what COPY, ENV, RUN and USER say in them.

Pure, and judges nothing; the text is read by `dockerfile`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import field

from reconciler.clients.dockerfile import Dockerfile, Instruction, Stage
from reconciler.frozen import frozen

_FLAG = re.compile(r"\s*--(?P<name>[a-z-]+)(?:=(?P<value>\"[^\"]*\"|\S+))?(?=\s|$)")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?[-+?][^}]*)?\}|(?P<plain>\w+))")


@frozen
class StageText:
    """One stage with its instructions; `base` has its arguments filled in as far as they are known."""

    stage: Stage
    base: str
    instructions: tuple[Instruction, ...]


@frozen
class Copied:
    """What a COPY or ADD takes, and from where; `origin` is the stage or image after `--from`."""

    sources: tuple[str, ...]
    target: str
    origin: str
    line: int


@frozen
class Stages:
    """All stages of a Dockerfile, and the one whose image is wanted."""

    all: tuple[StageText, ...] = ()
    wanted: int = -1
    _numbers: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, dockerfile: Dockerfile, target: str = "", args: Mapping[str, str] | None = None) -> Stages:
        """Sorts the instructions into stages; a target that is not there counts as the last stage."""
        # A FROM knows the arguments that stand before the first one, and no others.
        first = min((stage.line for stage in dockerfile.stages), default=0)
        known = {
            one.name: one.default
            for one in dockerfile.arguments
            if one.default is not None and one.line < first
        }
        found = [
            StageText(stage, fill(stage.base, {**known, **(args or {})}), tuple(inside))
            for stage, inside in zip(dockerfile.stages, _sections(dockerfile), strict=True)
        ]
        numbers = {one.stage.name.lower(): number for number, one in enumerate(found) if one.stage.name}
        return cls(tuple(found), numbers.get(target.lower(), len(found) - 1), numbers)

    def number_of(self, name: str, before: int) -> int | None:
        """Which stage above the given one has that name; None where it is an image."""
        number = self._numbers.get(name.lower())
        return number if number is not None and number < before else None

    def lineage(self, number: int) -> tuple[StageText, ...]:
        """A stage, after those that it is built on."""
        found: list[StageText] = []
        at: int | None = number
        while at is not None and 0 <= at < len(self.all):
            found.insert(0, self.all[at])
            at = self.number_of(self.all[at].base, at)
        return tuple(found)

    @property
    def final(self) -> tuple[StageText, ...]:
        """The wanted image: its stage, after those that it is built on."""
        return self.lineage(self.wanted)

    def images(self) -> Iterator[tuple[str, int]]:
        """Every image that stages are built on, with its line; `scratch` is none."""
        for number, one in enumerate(self.all):
            is_stage = self.number_of(one.base, number) is not None
            if one.base and one.base != "scratch" and not is_stage:
                yield one.base, one.stage.line

    def borrowed_images(self) -> Iterator[tuple[str, int]]:
        """Every image that files are taken out of, by COPY or by a mount, with its line."""
        for number, one in enumerate(self.all):
            for each in one.instructions:
                for name in _origins(each):
                    if not name.isdigit() and self.number_of(name, number) is None:
                        yield name, each.line


def _sections(dockerfile: Dockerfile) -> list[list[Instruction]]:
    sections: list[list[Instruction]] = []
    for each in dockerfile.instructions:
        if each.keyword == "FROM":
            sections.append([])
        elif sections:
            sections[-1].append(each)
    return sections


def _origins(instruction: Instruction) -> list[str]:
    if instruction.keyword == "COPY":
        origin = copied(instruction).origin
        return [origin] if origin else []
    return [mount["from"] for mount in mounts(instruction) if mount.get("from")]


def fill(text: str, known: Mapping[str, str]) -> str:
    """A text with the variables that are known filled in."""
    return _VARIABLE.sub(lambda found: known.get(found["braced"] or found["plain"], found[0]), text)


def flags_of(instruction: Instruction) -> tuple[list[tuple[str, str]], str]:
    """The flags of an instruction, and what comes after them."""
    flags, rest = [], instruction.value
    while found := _FLAG.match(rest):
        flags.append((found["name"], (found["value"] or "").strip('"')))
        rest = rest[found.end() :]
    return flags, rest.strip()


def mounts(instruction: Instruction) -> list[dict[str, str]]:
    """What a RUN mounts, each as its options; `src` and `dst` have their long names."""
    if instruction.keyword != "RUN":
        return []
    found = []
    for name, value in flags_of(instruction)[0]:
        if name == "mount":
            pairs = dict(option.partition("=")[::2] for option in value.split(","))
            longer = {"src": "source", "dst": "target", "destination": "target"}
            found.append({"type": "bind"} | {longer.get(key, key): text for key, text in pairs.items()})
    return found


def copied(instruction: Instruction) -> Copied:
    """What a COPY or ADD says; files that stand in the Dockerfile itself are no sources."""
    flags, rest = flags_of(instruction)
    words = [word for word in _list_or_words(rest) if not word.startswith("<<")]
    return Copied(
        tuple(words[:-1]), words[-1] if words else "", dict(flags).get("from", ""), instruction.line
    )


def _list_or_words(text: str) -> list[str]:
    if text.startswith("["):
        try:
            return [str(word) for word in json.loads(text)]
        except ValueError:
            pass
    return words_of(text)


def words_of(text: str) -> list[str]:
    """The words of a text as a shell would take them; of one with an open quote, what stands between blanks."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def variables(instruction: Instruction) -> list[tuple[str, str]]:
    """Names and values of an ENV, in both of its forms."""
    words = words_of(instruction.value)
    if words and "=" not in words[0]:
        return [(words[0], " ".join(words[1:]))]
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


def environment(stages: tuple[StageText, ...]) -> dict[str, str]:
    """The variables that an image ends up with, as far as its Dockerfile sets them."""
    found: dict[str, str] = {}
    for each in instructions(stages, "ENV"):
        found.update(variables(each))
    return found


def instructions(stages: tuple[StageText, ...], *keywords: str) -> Iterator[Instruction]:
    """The instructions with these keywords, in order."""
    return (each for one in stages for each in one.instructions if each.keyword in keywords)


def exposed_ports(stages: tuple[StageText, ...]) -> tuple[str, ...]:
    """The ports that an image exposes, as far as they are plain numbers; tcp is not said."""
    known = environment(stages)
    words = [word for each in instructions(stages, "EXPOSE") for word in fill(each.value, known).split()]
    ports = dict.fromkeys(word.removesuffix("/tcp") for word in words)
    return tuple(port for port in ports if re.fullmatch(r"[0-9]+(?:/udp)?", port))
