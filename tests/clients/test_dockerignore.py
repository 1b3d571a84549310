from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.dockerignore import IgnoreRules
from reconciler.errors import ReconcilerError

PATHS = [
    ".env", "a.md", "README.md", "docs", "docs/a.md", "docs/README.md", "src", "src/app.py", "src/deep", "src/deep/app.pyc",
    "src/node_modules", "src/node_modules/x.js", "node_modules", "node_modules/keep.txt", "node_modules/a/b.js", "foo.bar", "[x]",
]  # fmt: skip


def left_out(text: str) -> list[str]:
    rules = IgnoreRules.parse(text)
    return [path for path in PATHS if rules.leaves_out(path)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# .env\n\n   \n", []),
        (".env", [".env"]),
        ("/.env\r\n", [".env"]),
        ("./docs/../.env", [".env"]),
        ("*.md", ["a.md", "README.md"]),
        ("*/*.md", ["docs/a.md", "docs/README.md"]),
        ("**/*.md", ["a.md", "README.md", "docs/a.md", "docs/README.md"]),
        ("**/*.md\n!README.md", ["a.md", "docs/a.md", "docs/README.md"]),
        ("!README.md\n**/README.md", ["README.md", "docs/README.md"]),
        ("docs/", ["docs", "docs/a.md", "docs/README.md"]),
        ("docs/**", ["docs/a.md", "docs/README.md"]),
        ("docs\n!docs/a.md", ["docs", "docs/README.md"]),
        ("**/deep", ["src/deep", "src/deep/app.pyc"]),
        ("src/**/*.pyc", ["src/deep/app.pyc"]),
        ("**/*.py[co]", ["src/deep/app.pyc"]),
        ("?ocs/?.md", ["docs/a.md"]),
        ("[^a-z]*", [".env", "README.md", "[x]"]),
        ("\\[x\\]", ["[x]"]),
        ("foo.ba?", ["foo.bar"]),
        ("foo?bar", ["foo.bar"]),
        ("fooxbar", []),
        ("\ufeff.env", [".env"]),
        ("  .env  ", [".env"]),
        ("! README.md\n*.md\n!README.md", ["a.md"]),
        ("node_modules\n!node_modules/keep.txt", ["node_modules", "node_modules/a/b.js"]),
        (
            "**/node_modules",
            ["src/node_modules", "src/node_modules/x.js", "node_modules", "node_modules/keep.txt", "node_modules/a/b.js"],
        ),
    ],
)  # fmt: skip
def test_what_a_build_does_not_see(text: str, expected: list[str]) -> None:
    assert left_out(text) == expected


def test_everything_but_some() -> None:
    seen = [path for path in PATHS if not IgnoreRules.parse("*\n!src\nsrc/node_modules").leaves_out(path)]
    assert seen == ["src", "src/app.py", "src/deep", "src/deep/app.pyc"]


@pytest.mark.parametrize(
    ("text", "line"), [("a\n[z", 2), ("a\\", 1), ("!", 1), ("\n\n![b-a]", 3), ("[]", 1), ("!/", 1)]
)
def test_what_is_no_pattern_is_named_with_its_line(text: str, line: int) -> None:
    with pytest.raises(
        ReconcilerError, match=rf"web/\.dockerignore:{line}: .* is no pattern; correct the line"
    ):
        IgnoreRules.parse(text, "web/.dockerignore")


@pytest.mark.parametrize(
    ("text", "folder", "may"),
    [
        ("a", "a", False),
        ("a\n!a/b/c", "a", True),
        ("a\n!a/b/c", "a/b", True),
        ("a\n!a/b/c", "a/d", False),
        ("a\n!a/b/c", "b", False),
        ("*\n!src/**/*.py", "src/deep", True),
        ("*\n!src/**/*.py", "docs", False),
        ("*\n!**/*.py", "anything", True),
        ("*\n!a/*.py", "a", True),
    ],
)
def test_folders_are_pruned_unless_something_may_come_back(text: str, folder: str, may: bool) -> None:
    assert IgnoreRules.parse(text).may_return(folder) is may


_PARTS = st.sampled_from(["a", "b", "ab", "a.b", "*", "**", "?", "a*", "*b", "[ab]"])
_PATTERNS = st.builds(
    lambda back, parts: back + "/".join(parts),
    st.sampled_from(["", "", "!"]),
    st.lists(_PARTS, min_size=1, max_size=3),
)
_PATHS = st.lists(st.sampled_from(["a", "b", "ab", "a.b"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(_PATTERNS, max_size=6), _PATHS)
def test_nothing_comes_back_out_of_a_folder_that_is_pruned(patterns: list[str], path: str) -> None:
    rules = IgnoreRules.parse("\n".join(patterns))
    folders = [path[:end] for end, sign in enumerate(path) if sign == "/"]
    if any(rules.leaves_out(folder) and not rules.may_return(folder) for folder in folders):
        assert rules.leaves_out(path)


@given(st.lists(_PATTERNS, max_size=4), _PATTERNS.filter(lambda text: not text.startswith("!")), _PATHS)
def test_the_last_word_counts(patterns: list[str], last: str, path: str) -> None:
    alone = IgnoreRules.parse(last).leaves_out(path)
    together = IgnoreRules.parse("\n".join([f"!{path}", last])).leaves_out(path)
    assert together is alone
    assert IgnoreRules.parse("\n".join([*patterns, f"!{path}"])).leaves_out(path) is False
