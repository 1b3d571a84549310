from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.render.compose_text import yaml_text

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_TREES = st.dictionaries(
    _TEXTS, _TEXTS | st.lists(_TEXTS) | st.dictionaries(_TEXTS, _TEXTS | st.lists(_TEXTS))
)


def test_plain_texts_stay_plain_and_others_are_quoted() -> None:
    tree = {"a": "./b", "list": ["yes", "1", "8080:8080", "-x"], "empty": {}, "none": []}
    assert yaml_text(tree) == (
        'a: ./b\nlist:\n  - "yes"\n  - "1"\n  - "8080:8080"\n  - "-x"\nempty: {}\nnone: []\n'
    )


@given(_TREES)
def test_a_reader_finds_what_was_written(tree: dict[str, Any]) -> None:
    assert (YAML(typ="safe", pure=True).load(yaml_text(tree)) or {}) == tree


@pytest.mark.parametrize(
    "text",
    [
        "\x80",
        "\u2028",
        "\ufeff",
        "\x7f",
        "😀",
        "a: b",
        "#",
        "'",
        '"',
        "\\",
        "\n",
        "null",
        "~",
        ".",
        ".0",
        ".inf",
        "_1",
        "0o7",
        "12e3",
    ],
)
def test_odd_texts_come_back(text: str) -> None:
    assert YAML(typ="safe", pure=True).load(yaml_text({"a": text, "b": [text]})) == {"a": text, "b": [text]}
