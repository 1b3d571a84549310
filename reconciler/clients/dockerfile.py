"""Reads a Dockerfile: its instructions with their lines, its stages, its arguments, and which of these look like secrets.

Pure, and judges nothing else. Parsed by `dockerfile-parse`, after the bodies of heredocs have been taken out.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.clients.secret_names import is_secret_name, is_secret_value
from reconciler.frozen import frozen

_HEREDOC = re.compile(r"(?:^|\s)\d*<<-?(?P<quote>[\"']?)(?P<end>[A-Za-z_]\w*)(?P=quote)(?=\s|$)")
_TAKES_HEREDOC = re.compile(r"\s*(?:RUN|COPY|ADD)\s", re.IGNORECASE)
_FLAG = re.compile(r"--\S+\s+")


@frozen
class Instruction:
    """One instruction; `keyword` in capitals, lines from 1."""

    keyword: str
    value: str
    line: int
    end_line: int


@frozen
class Stage:
    """What a `FROM` begins; `base` is as written, `name` is empty where it has none."""

    base: str
    name: str
    line: int


@frozen
class BuildArgument:
    """What an `ARG` declares; `default` is None where it has none."""

    name: str
    default: str | None
    line: int


@frozen
class Dockerfile:
    """A Dockerfile, read."""

    instructions: tuple[Instruction, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Its stages, in order."""
        return tuple(_stage(each) for each in self.instructions if each.keyword == "FROM")

    @property
    def arguments(self) -> tuple[BuildArgument, ...]:
        """The arguments that it declares, each time that it does."""
        return tuple(
            _argument(word, each.line)
            for each in self.instructions
            if each.keyword == "ARG"
            for word in _words(each.value)
        )


def read_dockerfile(text: str) -> Dockerfile:
    """Reads the text of a Dockerfile; what is no instruction is left out, since the builder will say so better."""
    from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]

    plain = "".join(_without_heredocs(text.removeprefix("\ufeff").splitlines(keepends=True)))
    found: list[dict[str, Any]] = DockerfileParser(fileobj=io.BytesIO(plain.encode())).structure
    return Dockerfile(
        tuple(
            Instruction(
                each["instruction"], each["value"].strip(), each["startline"] + 1, each["endline"] + 1
            )
            for each in found
            if each["instruction"] != "COMMENT"
        )
    )


def suspicious_args(
    dockerfile_text: str, args: Mapping[str, str], not_secret: Iterable[str] = ()
) -> list[tuple[str, int]]:
    """Names every build argument that looks like a secret, with the line of its `ARG`; 0 for one that is only given."""
    harmless = set(not_secret)
    lines = {name: 0 for name, value in args.items() if is_secret_name(name) or is_secret_value(value)}
    for argument in read_dockerfile(dockerfile_text).arguments:
        is_suspect = is_secret_name(argument.name) or is_secret_value(argument.default or "")
        if is_suspect or argument.name in lines:
            lines[argument.name] = lines.get(argument.name) or argument.line
    return sorted(
        ((name, line) for name, line in lines.items() if name not in harmless), key=lambda one: one[::-1]
    )


def _without_heredocs(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with those of heredocs made comments, so that every other line keeps its number."""
    ends: list[str] = []
    is_continued = takes_heredoc = False
    for line in lines:
        if ends:
            if line.strip() == ends[0]:
                ends.pop(0)
            yield "#\n"
            continue
        takes_heredoc = takes_heredoc if is_continued else _TAKES_HEREDOC.match(line) is not None
        is_continued = line.rstrip().endswith(("\\", "`")) or (is_continued and line.lstrip().startswith("#"))
        if takes_heredoc:
            ends = [found["end"] for found in _HEREDOC.finditer(line)]
        yield line


def _stage(instruction: Instruction) -> Stage:
    words = _FLAG.sub("", instruction.value).split()
    name = words[2] if len(words) > 2 and words[1].lower() == "as" else ""
    return Stage(words[0] if words else "", name, instruction.line)


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:  # quotes that are not closed
        return value.split()


def _argument(word: str, line: int) -> BuildArgument:
    name, equals, default = word.partition("=")
    return BuildArgument(name, default if equals else None, line)
