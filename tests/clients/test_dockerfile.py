from __future__ import annotations

import pytest

from reconciler.clients.dockerfile import BuildArgument, Stage, read_dockerfile, suspicious_args
from reconciler.clients.secret_names import is_secret_name, is_secret_value

DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG BASE=python:3.14-slim-trixie
from --platform=$BUILDPLATFORM ${BASE} AS build
ARG APP \\
    MODE="two words"
RUN <<EOF
ARG HIDDEN_TOKEN
FROM nowhere
EOF
# a comment
FROM build
RUN --mount=type=cache,target=/root/.cache \\
    # in between
    echo $((1<<A)) <<<word && \\
    make
COPY <<'one' <<-two /etc/
FROM first
one
FROM second
	two
USER 1000
"""


def test_instructions_have_their_lines() -> None:
    found = [(each.keyword, each.line, each.end_line) for each in read_dockerfile(DOCKERFILE).instructions]
    assert found == [
        ("ARG", 2, 2),
        ("FROM", 3, 3),
        ("ARG", 4, 5),
        ("RUN", 6, 6),
        ("FROM", 11, 11),
        ("RUN", 12, 15),
        ("COPY", 16, 16),
        ("USER", 21, 21),
    ]


def test_stages() -> None:
    assert read_dockerfile(DOCKERFILE).stages == (Stage("${BASE}", "build", 3), Stage("build", "", 11))


def test_arguments() -> None:
    assert read_dockerfile(DOCKERFILE).arguments == (
        BuildArgument("BASE", "python:3.14-slim-trixie", 2),
        BuildArgument("APP", None, 4),
        BuildArgument("MODE", "two words", 4),
    )


def test_another_escape_sign() -> None:
    text = "# escape=`\nFROM a\nARG A `\n  B\nRUN dir C:\\\nARG C\n"
    assert [each.name for each in read_dockerfile(text).arguments] == ["A", "B", "C"]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment", "FROM", "\ufeff", "ARG 'open", "RUN \\", "\0", "RUN <<EOF"]
)
def test_whatever_it_is_it_can_be_read(text: str) -> None:
    read_dockerfile(text)


def test_suspicious_arguments_have_the_line_of_their_declaration() -> None:
    text = "FROM a\nARG NPM_TOKEN\nARG APP=web\nARG DB_PASSWORD=x OTHER=1\nFROM b\nARG NPM_TOKEN\n"
    args = {"API_KEY": "1", "NPM_TOKEN": "2", "APP": "x"}
    assert suspicious_args(text, args) == [("API_KEY", 0), ("NPM_TOKEN", 2), ("DB_PASSWORD", 4)]
    assert suspicious_args(text, args, ["NPM_TOKEN", "API_KEY"]) == [("DB_PASSWORD", 4)]


def test_a_value_can_give_a_secret_away() -> None:
    text = "FROM a\nARG URL\nARG OTHER=postgres://me:hunter2@db/x\n"
    args = {"URL": "ghp_" + "a" * 36}
    assert suspicious_args(text, args) == [("URL", 2), ("OTHER", 3)]


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("PASSWORD", True),
        ("dbPassword", True),
        ("SECRET_KEY_BASE", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("ssh_private_key", True),
        ("NETRC", True),
        ("TOKEN_URL", False),
        ("SECRET_NAME", False),
        ("MONKEY", False),
        ("TOKENIZER", False),
        ("PUBLIC_KEY", False),
        ("CACHE_KEY", False),
    ],
)
def test_names(name: str, is_secret: bool) -> None:
    assert is_secret_name(name) is is_secret


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("AKIA" + "A" * 16, True),
        ("https://example.com/a:b@c", False),
        ("3.14", False),
    ],
)
def test_values(value: str, is_secret: bool) -> None:
    assert is_secret_value(value) is is_secret
