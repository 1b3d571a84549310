from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.errors import ManifestError
from reconciler.manifest.findings import Findings
from reconciler.manifest.layout import ORDER, formatted
from reconciler.manifest.reader import parse

UNTIDY = """\
# yaml-language-server: $schema=x
version: 1
applications:
    web:   # the front
        image: ${images.web}
        # how it is started
        command:
        - serve
        -  --fast
        entrypoint: |
            a
              b

    # nobody uses this one
# what is built
images:


  web: {archive: image}\x20\x20
project: shop
# the end
"""

TIDY = """\
# yaml-language-server: $schema=x
version: 1
project: shop

# what is built
images:

  web: {archive: image}

applications:
  web:   # the front
    image: ${images.web}
    # how it is started
    command:
      - serve
      -  --fast
    entrypoint: |
        a
          b

    # nobody uses this one

# the end
"""


def test_sections_are_ordered_and_levels_indented_by_two() -> None:
    assert formatted(UNTIDY) == TIDY


def test_a_formatted_text_stays_as_it_is() -> None:
    assert formatted(formatted(UNTIDY)) == formatted(UNTIDY)


@pytest.mark.parametrize(
    "text",
    [
        "project: shop\nversion: 1\nworkers: &w {a: {main: x}}\nimages: *w\n",
        '{"version": 1, "project": "shop"}\n',
        "version: 1\nproject: |+\n  shop\n\n\n",
        'version: 1\nproject: "a\\\n  b"\n',
    ],
)
def test_what_would_mean_something_else_is_left(text: str) -> None:
    before = tree(text)
    assert tree(formatted(text)) == before


def test_line_ends_stay() -> None:
    assert formatted("project: shop\r\nversion: 1  \r\n") == "version: 1\r\nproject: shop\r\n"


def test_what_stands_above_the_first_key_stays_above_unless_a_blank_line_parts_it() -> None:
    assert formatted("# a\nproject: shop\nversion: 1\n") == "# a\nversion: 1\nproject: shop\n"
    parted = "# a\n\n# of the project\nproject: shop\nversion: 1\n"
    assert formatted(parted) == "# a\n\nversion: 1\n# of the project\nproject: shop\n"


def test_a_mistake_is_told_with_its_line() -> None:
    with pytest.raises(ManifestError) as caught:
        formatted("version: 1\n\tproject: x\n")
    assert caught.value.diagnostics[0].source.line == 2


# the law

scalars = st.one_of(
    st.sampled_from(["a", "no", "1.10", "", "x: y", "# z", "two\nlines\n", " lead", "${images.a}", "- b"]),
    st.integers(-3, 3),
    st.booleans(),
    st.none(),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["k", "l", "m: n"]), inner, max_size=3)
    ),
    max_leaves=12,
)
keys = st.one_of(st.sampled_from(ORDER), st.sampled_from(["else", "other"]))
noise = st.sampled_from(["", "   ", "# note", "    # deeper", "  # here  "])


@st.composite
def texts(draw: st.DrawFn) -> str:
    yaml = YAML()
    yaml.default_flow_style = draw(st.sampled_from([False, None, True]))
    step = draw(st.integers(2, 5))
    yaml.indent(mapping=step, sequence=step, offset=draw(st.integers(0, step - 2)))
    stream = io.StringIO()
    yaml.dump(draw(st.dictionaries(keys, values, min_size=1, max_size=5)), stream)
    lines = stream.getvalue().split("\n")
    for at, line in draw(st.lists(st.tuples(st.integers(0, 30), noise), max_size=5)):
        lines.insert(min(at, len(lines)), line)
    return "\n".join(lines)


def tree(text: str) -> Any:
    findings = Findings()
    found = parse(text, "", findings)
    return None if findings.errors else repr(found)


@given(texts())
def test_formatting_changes_no_meaning_and_loses_no_line(text: str) -> None:
    before = tree(text)
    if before is None:
        return
    after = formatted(text)
    assert parse(after, "", Findings()) == parse(text, "", Findings())
    assert sorted(filter(None, map(str.strip, after.split("\n")))) == sorted(
        filter(None, map(str.strip, text.split("\n")))
    )
    assert formatted(after) == after
