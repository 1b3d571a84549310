from __future__ import annotations

import pytest

from reconciler.clients.dockerfile import Instruction, read_dockerfile
from reconciler.clients.dockerfile_stages import (
    Copied,
    Stages,
    copied,
    environment,
    exposed_ports,
    fill,
    mounts,
    variables,
)


def one(text: str) -> Instruction:
    return read_dockerfile(text).instructions[-1]


def stages(text: str, target: str = "", **args: str) -> Stages:
    return Stages.of(read_dockerfile(text), target, args)


@pytest.mark.parametrize(
    ("text", "sources", "origin"),
    [
        ("COPY a b /c/\n", ("a", "b"), ""),
        ("COPY --from=x --chown=1:1 --link a /c\n", ("a",), "x"),
        ('ADD ["a b", "c"]\n', ("a b",), ""),
        ('COPY "a b" c\n', ("a b",), ""),
        ("COPY <<EOF /c\nhello\nEOF\n", (), ""),
        ('COPY ["a", \n', (), ""),
    ],
)
def test_what_is_copied(text: str, sources: tuple[str, ...], origin: str) -> None:
    found = copied(one(text))
    assert (found.sources, found.origin) == (sources, origin)


def test_a_copy_as_a_whole() -> None:
    assert copied(one("COPY --from=0 a b c\n")) == Copied(("a", "b"), "c", "0", 1)


def test_what_is_mounted() -> None:
    text = "RUN --mount=type=cache,id=x,dst=/c --mount=source=a,target=b --network=none make\n"
    assert mounts(one(text)) == [
        {"type": "cache", "id": "x", "target": "/c"},
        {"type": "bind", "source": "a", "target": "b"},
    ]
    assert mounts(one("COPY a b\n")) == []


def test_variables_in_both_forms() -> None:
    assert variables(one("ENV A=1 B='x y' C=\n")) == [("A", "1"), ("B", "x y"), ("C", "")]
    assert variables(one("ENV A one two\n")) == [("A", "one two")]


@pytest.mark.parametrize(
    ("text", "filled"),
    [("$A/${B}", "1/${B}"), ("${A:-x}", "1"), ("$AB", "$AB"), ("a$", "a$"), ("${B:-x}", "${B:-x}")],
)
def test_only_what_is_known_is_filled_in(text: str, filled: str) -> None:
    assert fill(text, {"A": "1"}) == filled


TEXT = """\
ARG BASE=one
FROM ${BASE} AS Base
ENV A=1 B=1
EXPOSE 80/tcp $B x
FROM base AS mid
ENV B=2
EXPOSE 443 53/udp 80
FROM two AS end
COPY --from=MID /x /x
COPY --from=1 /x /x
COPY --from=three /x /x
"""


def test_a_stage_has_what_it_is_built_on() -> None:
    found = stages(TEXT, "mid")
    assert [each.base for each in found.final] == ["one", "Base".lower()]
    assert environment(found.final) == {"A": "1", "B": "2"}
    assert exposed_ports(found.final) == ("80", "2", "443", "53/udp")


def test_the_last_stage_is_wanted_where_no_other_is() -> None:
    assert [each.base for each in stages(TEXT).final] == ["two"]
    assert [each.base for each in stages(TEXT, "nowhere").final] == ["two"]


def test_images_are_those_that_are_no_stages() -> None:
    found = stages(TEXT, BASE="other")
    assert list(found.images()) == [("other", 2), ("two", 8)]
    assert list(found.borrowed_images()) == [("three", 11)]


def test_a_base_knows_only_the_arguments_before_the_first_stage() -> None:
    assert [one.base for one in stages("ARG A=one\nFROM $A\nARG A=two B=three\nFROM $A\nFROM $B\n").all] == [
        "one",
        "one",
        "$B",
    ]
