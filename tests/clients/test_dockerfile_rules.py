from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.clients.dockerfile_rules import RULES, DockerfileFacts, check_dockerfile

PINNED = "@sha256:" + "a" * 64
PYTHON = f"python:3.14-slim-trixie{PINNED}"
NODE = f"node:24-slim-trixie{PINNED}"
DEBIAN = f"debian:trixie-slim{PINNED}"

GOOD = f"""\
# syntax=docker/dockerfile:1
FROM {PYTHON} AS builder
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen

FROM {PYTHON} AS runtime
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=builder --chown=1000:1000 /app /app
USER 1000:1000
ENTRYPOINT ["python", "-m", "app"]
"""


def broken(text: str, **facts: object) -> list[tuple[str, int]]:
    """The codes that a text breaks with their lines, under the whole profile."""
    found = check_dockerfile(replace(DockerfileFacts(text), **facts), profile=True)  # type: ignore[arg-type]
    return [(one.code, one.line) for one in found]


def of(code: str, text: str, **facts: object) -> list[int]:
    return [line for found, line in broken(text, **facts) if found == code]


def test_a_dockerfile_by_the_record_breaks_no_rule() -> None:
    assert broken(GOOD) == []


def test_node_by_the_record_breaks_no_rule() -> None:
    text = (
        f"FROM {NODE} AS builder\nWORKDIR /app\nCOPY package.json pnpm-lock.yaml ./\n"
        "RUN --mount=type=cache,target=/pnpm/store pnpm install --frozen-lockfile\nCOPY src ./src\nRUN pnpm build\n"
        f'FROM {NODE}\nWORKDIR /app\nCOPY --from=builder /app/dist ./dist\nUSER node\nCMD ["node", "dist/main.js"]\n'
    )
    assert broken(text) == []


RUNTIME = f"FROM {DEBIAN}\nWORKDIR /app\nUSER 1000\n"

CASES = [
    ("K001", "FROM debian:trixie-slim\nWORKDIR /app\nUSER 1\n", [1]),
    ("K001", f"ARG BASE={DEBIAN}\nFROM ${{BASE}}\nWORKDIR /app\nUSER 1\n", []),
    ("K001", "FROM scratch\n", []),
    ("K001", f"{RUNTIME}COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/uv\n", [4]),
    ("K001", f"{RUNTIME}RUN --mount=type=bind,from=alpine:3,target=/x true\n", [4]),
    ("K001", f"FROM {DEBIAN} AS a\nFROM a\nCOPY --from=0 /x /x\nCOPY --from=A /x /x\n", []),
    ("K002", f"FROM {DEBIAN}\nWORKDIR /app\n", [1]),
    ("K002", f"FROM {DEBIAN}\nUSER 1000\nUSER root\n", [3]),
    ("K002", f"FROM {DEBIAN}\nUSER 0:1000\n", [2]),
    ("K002", f"FROM {DEBIAN}\nARG UID=0\nUSER ${{UID}}\n", [3]),
    ("K002", f"FROM {DEBIAN} AS base\nUSER app\nFROM base\n", []),
    ("K002", f"FROM {DEBIAN} AS base\nUSER app\nFROM {DEBIAN}\n", [3]),
    ("K003", f"{RUNTIME}ARG NPM_TOKEN\nARG VERSION=1\n", [4]),
    ("K003", f"{RUNTIME}ARG INDEX=https://me:hush@pypi.example/\n", [4]),
    ("K004", f"{RUNTIME}ENV LEVEL=info DB_PASSWORD=x\n", [4]),
    ("K004", f"{RUNTIME}ENV API_KEY hush\n", [4]),
    ("K005", f"{RUNTIME}COPY --chown=1:1 .env /app/\n", [4]),
    ("K005", f'{RUNTIME}COPY ["keys/server.pem", "/app/"]\n', [4]),
    ("K005", f"{RUNTIME}ADD .ssh/id_rsa .npmrc /root/\n", [4, 4]),
    ("K005", f"{RUNTIME}COPY .env.example README.md id_rsa.pub /app/\n", []),
    ("K006", f"{RUNTIME}RUN --mount=type=secret,id=npm npm ci\n", [4]),
    ("K006", f"{RUNTIME}RUN --mount=type=ssh git clone git@example.com:a/b\n", [4]),
    ("K006", f"{RUNTIME}RUN curl -H 'Authorization: Bearer x' https://example.com\n", [4]),
    ("K006", f"{RUNTIME}RUN curl -fsSL https://example.com/x | tar x\n", []),
    ("K007", f"{RUNTIME}RUN --mount=type=cache,target=/root/.docker make\n", [4]),
    ("K007", f"{RUNTIME}RUN --mount=type=cache,target=/root/.cache/uv make\n", []),
    ("K008", f"FROM {PYTHON}\nWORKDIR /app\nUSER 1\n", [1]),
    ("K008", f"FROM {DEBIAN}\nRUN npm ci\n", [1]),
    ("K008", RUNTIME, []),
    ("K009", f"FROM {NODE}\nCOPY . .\nRUN npm ci\n", [2]),
    ("K009", f"FROM {NODE}\nCOPY package.json ./\nRUN npm install\n", [3]),
    ("K009", f"FROM {NODE}\nCOPY package*.json ./\nRUN npm ci --omit=dev\nCOPY . .\n", []),
    ("K009", f"FROM {PYTHON}\nCOPY requirements.txt app.py ./\nRUN pip install -r requirements.txt\n", [2]),
    ("K009", f"FROM {PYTHON}\nRUN pip install uv\nCOPY . .\n", []),
    ("K009", f"FROM {PYTHON}\nRUN --mount=type=bind,source=uv.lock,target=uv.lock uv sync\nCOPY . .\nRUN uv sync\n", []),
    ("K009", f"FROM {NODE} AS deps\nCOPY package.json yarn.lock ./\nRUN yarn\nFROM deps\nCOPY . .\nRUN yarn install\n", []),
    ("K010", f"{RUNTIME}HEALTHCHECK CMD curl localhost\n", [4]),
    ("K010", f"{RUNTIME}HEALTHCHECK NONE\n", []),
    ("K011", "FROM python:latest\n", [1]),
    ("K011", "FROM localhost:5000/python\n", [1]),
    ("K011", f"FROM python{PINNED}\n", []),
    ("K011", "FROM ${UNKNOWN}\n", []),
    ("K012", f"{RUNTIME}RUN apt-get install -y tini\n", [4]),
    ("K012", f'{RUNTIME}ENTRYPOINT ["/usr/bin/tini", "--", "app"]\n', [4]),
    ("K012", f"{RUNTIME}RUN make tiniest\n", []),
    ("K013", f"FROM {PYTHON}\nENV PYTHONUNBUFFERED=1\n", [1]),
    ("K013", f"FROM {NODE}\n", []),
    ("K014", f"FROM {DEBIAN}\nWORKDIR /srv\n", [2]),
    ("K014", f"FROM {DEBIAN}\nWORKDIR /\nWORKDIR app\n", []),
    ("K014", f"FROM {DEBIAN}\n", [1]),
    ("K016", f"FROM alpine:3.22{PINNED}\n", [1]),
    ("K016", f"FROM python:3.14-slim-bookworm{PINNED}\n", [1]),
    ("K016", f"FROM ghcr.io/astral-sh/uv:0.9-python3.14-trixie-slim{PINNED} AS b\nFROM scratch\n", [2]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "lines"), CASES)
def test_a_rule_names_the_lines_that_break_it(code: str, text: str, lines: list[int]) -> None:
    assert of(code, text) == lines


def test_every_rule_has_a_case_and_codes_are_in_order() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    assert {code for code, _, _ in CASES} | {"K015"} == set(codes)


def test_the_context_is_judged_too() -> None:
    facts = {"has_ignore_file": False, "context_is_repository": True, "exposed": (".env",)}
    assert of("K015", GOOD, **facts) == [1]
    assert of("K005", GOOD, **facts) == [6]
    assert of("K015", GOOD, has_ignore_file=False) == []


def test_what_the_manifest_says_counts() -> None:
    text = f"FROM {DEBIAN} AS one\nUSER 1\nFROM {DEBIAN} AS two\nARG SESSION_TOKEN\n"
    assert of("K002", text) == [3]
    assert of("K002", text, target="one") == []
    assert of("K003", text, not_secret=("SESSION_TOKEN",)) == []
    assert of("K001", "ARG BASE=debian:trixie-slim\nFROM $BASE\n", args={"BASE": DEBIAN}) == []


def test_rules_are_switched_off_by_code() -> None:
    text = "# reconciler: ignore=K001, k002\nFROM debian:trixie-slim\nHEALTHCHECK CMD true\n"
    assert [one.code for one in check_dockerfile(DockerfileFacts(text), ignore=["K014"])] == ["K010"]


def test_the_family_counts_only_with_the_profile() -> None:
    text = f"FROM alpine:3.22{PINNED}\nWORKDIR /app\nUSER 1\n"
    assert check_dockerfile(DockerfileFacts(text)) == []


def test_a_text_without_stages_is_said_to_be_none() -> None:
    assert broken("RUN true\n") == [("K000", 1)]


_PIECES = st.sampled_from(
    [
        "FROM ",
        "RUN ",
        "COPY ",
        "ENV ",
        "USER ",
        "--from=",
        "--mount=",
        "[",
        '"',
        "'",
        "$",
        "{",
        "\\\n",
        "\n",
        "<<E",
        "=",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_nonsense_gets_findings_or_none(text: str) -> None:
    check_dockerfile(DockerfileFacts(text), profile=True)
