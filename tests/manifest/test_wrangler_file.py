from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.manifest.wrangler_file import _without_comments, read_wrangler


def read(folder: Path, text: str, name: str = "wrangler.jsonc") -> dict[str, Any]:
    path = folder / name
    path.write_text(text)
    return read_wrangler(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        ('// x\n{"a": 1, /* y */ "b": 2,}', {"a": 1, "b": 2}),
        ('{"a": "// no comment", "b": "/* nor this */"}', {"a": "// no comment", "b": "/* nor this */"}),
        ('{"a": [1, 2, // last\n ],}', {"a": [1, 2]}),
        ('{"a": "\\" // ,}"}', {"a": '" // ,}'}),
        ('\ufeff{"a": 1}', {"a": 1}),
    ],
)
def test_comments_and_trailing_commas_are_passed_by(tmp_path: Path, text: str, found: Any) -> None:
    assert read(tmp_path, text) == found


def test_toml_is_read_too(tmp_path: Path) -> None:
    text = 'name = "x"\n[[containers]]\nclass_name = "A"\n'
    assert read(tmp_path, text, "wrangler.toml") == {"name": "x", "containers": [{"class_name": "A"}]}


@pytest.mark.parametrize("text", ['{"a": }', "[1]", "", "{" * 100_000])
def test_what_is_no_configuration_is_an_error_with_its_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReconcilerError, match=r"wrangler\.jsonc"):
        read(tmp_path, text)


def test_a_mistake_keeps_its_line(tmp_path: Path) -> None:
    with pytest.raises(ReconcilerError, match="line 3"):
        read(tmp_path, '// one\n{"a": 1, // two\n "b" 2}')


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_is_json(value: Any) -> None:
    assert json.loads(_without_comments(json.dumps(value, ensure_ascii=False))) == value
