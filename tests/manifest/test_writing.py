from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.findings import Findings
from reconciler.manifest.layout import formatted
from reconciler.manifest.reader import parse
from reconciler.manifest.starting import Place, slug
from reconciler.manifest.writing import written

values = st.recursive(
    st.one_of(
        st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))), st.integers(-9, 9), st.booleans()
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab:#'\"{}[]- ", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["images", "workers", "x"]), values, min_size=1))
def test_what_is_written_is_read_as_it_was(document: dict[str, Any]) -> None:
    findings = Findings()
    assert parse(written(document, {}), "", findings) == document
    assert findings.errors == []


@pytest.mark.parametrize(
    "text", ["no", "1.10", "0123", "2026-10-01", "null", "~", "a: b", "# c", "- d", "", "a:", "*x", "@y"]
)
def test_a_text_stays_a_text(text: str) -> None:
    assert parse(written({"k": text}, {}), "", Findings()) == {"k": text}


def test_comments_stand_above_what_they_are_about() -> None:
    document = {"version": 1, "images": {"a": {"archive": "x"}}}
    notes = {(): ["top"], ("images", "a"): ["about a", "more\nlines\x1b[0m"]}
    text = "# top\nversion: 1\n\nimages:\n  # about a\n  # more\n  # lines [0m\n  a:\n    archive: x\n"
    assert written(document, notes) == text
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@scope/my-shop", "my-shop"),
        ("MyApp", "my-app"),
        ("a_b.c", "a-b-c"),
        ("-", "app"),
        ("x" * 90, "x" * 40),
    ],
)
def test_a_name_becomes_one_that_keys_may_have(text: str, name: str) -> None:
    assert slug(text) == name


def test_paths_are_said_from_where_the_manifest_lies(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "app", "shop")
    assert place.beside("./src/index.js") == "app/src/index.js"
    assert place.build("docker/Dockerfile") == {"context": "app/docker", "dockerfile": "Dockerfile"}
    assert place.build("docker/Dockerfile", ".") == {"context": "app", "dockerfile": "docker/Dockerfile"}
