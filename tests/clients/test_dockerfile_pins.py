from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.dockerfile_pins import unpinned_images
from reconciler.clients.dockerfile_rules import DockerfileFacts, check_dockerfile

DIGEST = "sha256:" + "a" * 64


def pinned(text: str, **args: str) -> str:
    """The text with `@` and the line number written behind each name that can be pinned."""
    for one in reversed(unpinned_images(text, args)):
        if not one.problem:
            text = f"{text[: one.end]}@{one.line}{text[one.end :]}"
    return text


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("FROM python:3.14\n", "FROM python:3.14@1\n"),
        ("FROM debian AS debian\nFROM debian\n", "FROM debian@1 AS debian\nFROM debian\n"),
        ("from  --platform=linux/amd64\ta/b:1   as x # y\n", "from  --platform=linux/amd64\ta/b:1@1   as x # y\n"),
        ("# FROM a:1\r\nFROM a:1\r\n", "# FROM a:1\r\nFROM a:1@2\r\n"),
        ("FROM \\\n  a:1 \\\n  AS b\n", "FROM \\\n  a:1@2 \\\n  AS b\n"),
        ('ARG BASE="a:1"\nFROM ${BASE}\nFROM $BASE\n', 'ARG BASE="a:1@1"\nFROM ${BASE}\nFROM $BASE\n'),
        ("ARG A=1 BASE=a:1\nFROM ${BASE} AS a\n", "ARG A=1 BASE=a:1@1\nFROM ${BASE} AS a\n"),
        ("FROM a:1 AS b\nCOPY --from=c:2 --chown=1 c:2 /\n", "FROM a:1@1 AS b\nCOPY --from=c:2@2 --chown=1 c:2 /\n"),
        (
            "FROM a:1 AS b\nFROM b\nCOPY --from=b x /\nCOPY --from=0 x /\n",
            "FROM a:1@1 AS b\nFROM b\nCOPY --from=b x /\nCOPY --from=0 x /\n"),
        ("FROM scratch\nRUN --mount=type=bind,from=d:1,target=/d true\n", None),
        (f"FROM a:1@{DIGEST}\n", f"FROM a:1@{DIGEST}\n"),
        ("FROM from:1\nFROM a:10\nFROM a:1\n", "FROM from:1@1\nFROM a:10@2\nFROM a:1@3\n"),
        ("\ufeffFROM a:1\n", "\ufeffFROM a:1@1\n"),
        ("", ""),
    ],
)  # fmt: skip
def test_exactly_the_names_are_found(text: str, changed: str | None) -> None:
    assert pinned(text) == (changed or text.replace("d:1", "d:1@2"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FROM python:${VERSION}\n", "python:${VERSION} holds a variable; write it in full"),
        ("ARG BASE\nFROM ${BASE}\n", "${BASE} holds a variable; write it in full"),
        ("ARG BASE=a:1\nFROM $BASE\n", "BASE is set under `args` in the manifest; pin it there"),
    ],
)
def test_what_cannot_be_pinned_says_why(text: str, problem: str) -> None:
    args = {"BASE": "b:1"} if "manifest" in problem else {}
    [one] = unpinned_images(text, args)
    assert one.problem == problem


_LINES = [
    *("FROM a:1\n", "FROM --platform=x a:2 AS b\n", "FROM b\n", "FROM g:$V\n", "FROM \\\n  f\n"),
    *("ARG B=c:1\n", "FROM $B\n", "COPY --from=d:1 x y\n", "COPY --from=b x y\n", "# g:1\n"),
    "RUN --mount=type=bind,from=e:1 \\\n  true\n",
]


@given(st.lists(st.sampled_from(_LINES), max_size=8).map("".join))
def test_once_pinned_only_what_cannot_be_is_left(text: str) -> None:
    for one in reversed(unpinned_images(text)):
        if not one.problem:
            text = f"{text[: one.end]}@{DIGEST}{text[one.end :]}"
    left = unpinned_images(text)
    assert [one for one in left if not one.problem] == []
    broken = [one.line for one in check_dockerfile(DockerfileFacts(text)) if one.code == "K001"]
    assert sorted({one.line for one in left}) == sorted(set(broken))
