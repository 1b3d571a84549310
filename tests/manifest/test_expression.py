"""The language inside `${...}`."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.expression import ExpressionError, Index, Reference, parts_of, written


def ref(root: str, *steps: str | Index, text: str) -> Reference:
    return Reference(root, steps, text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("",)),
        ("plain", ("plain",)),
        ("$x {y} $ {z}", ("$x {y} $ {z}",)),
        ("$${literal}", ("${literal}",)),
        ("a$${b}c", ("a${b}c",)),
        ("$$$${b}", ("$$${b}",)),
        ("${project}", (ref("project", text="${project}"),)),
        ("${ env.A }", (ref("env", "A", text="${ env.A }"),)),
        ("${images.api.ref}", (ref("images", "api", "ref", text="${images.api.ref}"),)),
        ('${a.w["eu.1"].id}', (ref("a", "w", Index("eu.1"), "id", text='${a.w["eu.1"].id}'),)),
        ("${a.w['eu']}", (ref("a", "w", Index("eu"), text="${a.w['eu']}"),)),
        ("${var.list[0]}", (ref("var", "list", Index("0"), text="${var.list[0]}"),)),
        (
            "${a.w[each.key]}",
            (ref("a", "w", Index(ref("each", "key", text="${each.key}")), text="${a.w[each.key]}"),),
        ),
        ("a${x.y}b${z}", ("a", ref("x", "y", text="${x.y}"), "b", ref("z", text="${z}"))),
        ("$${a}${b}", ("${a}", ref("b", text="${b}"))),
    ],
)
def test_a_text_is_literals_and_references(text: str, parts: tuple[object, ...]) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    ("text", "fallback"),
    [
        ("${env.A:-}", ("",)),
        ("${env.A:-b c}", ("b c",)),
        ("${env.A:-http://x:80/}", ("http://x:80/",)),
        ("${env.A:-$${x}}", ("${x}",)),
    ],
)
def test_a_fallback_is_a_text_of_its_own(text: str, fallback: tuple[object, ...]) -> None:
    (found,) = parts_of(text)
    assert isinstance(found, Reference)
    assert found.fallback == fallback


def test_a_fallback_may_hold_a_reference_with_a_fallback() -> None:
    (outer,) = parts_of("${env.A:-x${env.B:-c}}")
    assert isinstance(outer, Reference)
    assert outer.fallback is not None
    inner = outer.fallback[1]
    assert isinstance(inner, Reference)
    assert (inner.text, inner.fallback) == ("${env.B:-c}", ("c",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${a", "has no closing brace"),
        ("x ${a ${b}", "has no closing brace"),
        ("${}", "names nothing"),
        ("${.a}", "names nothing"),
        ("${a..b}", 'cannot be read from "..b" on'),
        ("${a.b[}", 'cannot be read from "[" on'),
        ('${a.b["x}', "cannot be read"),
        ("${a b}", 'cannot be read from " b" on'),
        ("${a.b[each.key[x]]}", "cannot be read"),
        ("${var.a:-b}", "only env takes a fallback"),
        ("${env.A:?needed}", "cannot be read"),
        ("${env.A:-" * 30 + "}" * 30, "nested too deep"),
    ],
)
def test_what_cannot_be_read_says_so(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message.replace("[", r"\[")):
        parts_of(text)


@given(st.text(alphabet="ab.$${}[]\"':- ", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ExpressionError):
        parts = parts_of(text)
        assert (
            "".join(part if isinstance(part, str) else part.text for part in parts)
            == text.replace("$${", "${")
            or "$${" in text
        )


@given(st.text(max_size=40))
def test_doubling_the_dollar_makes_any_text_literal(text: str) -> None:
    assert "".join(map(str, parts_of(text.replace("${", "$${")))) == text


def test_a_reference_is_written_in_full() -> None:
    assert written("images", "api") == "${images.api}"
    assert written("applications", "w", "eu", ("id",)) == '${applications.w["eu"].id}'
