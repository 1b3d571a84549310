"""Variables: types, defaults, the environment's values, --var."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifest.toys import attributes, read, told


def value(folder: Path, declaration: str, *, chosen: str = "", given: str | None = None) -> object:
    text = f'variables: {{x: {declaration}}}\nstages: {{a: {{vars: {{X: "${{var.x}}"}}}}}}\n'
    text += f"environments: {{e: {{variables: {{x: {chosen}}}}}}}\n" if chosen else ""
    variables = {} if given is None else {"x": given}
    manifest = read(folder, text, "e" if chosen else None, variables=variables)
    return attributes(manifest, "stage.a")["vars"]["X"]


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("{default: 3}", 3),
        ("{default: hello}", "hello"),
        ("{default: false}", False),
        ("{type: string, default: 1.10}", "1.10"),
        ("{type: string, default: no}", "no"),
        ("{type: integer, default: 0x10}", 16),
        ("{type: number, default: 1.5}", 1.5),
        ("{type: number, default: 2}", 2),
        ("{type: boolean, default: true}", True),
        ("{type: list, default: [a, 1]}", ["a", 1]),
        ("{type: map, default: {a: {b: 1}}}", {"a": {"b": 1}}),
        ('{type: string, default: "${project}-x"}', "shop-x"),
    ],
)
def test_a_default_has_the_declared_type(tmp_path: Path, declaration: str, expected: object) -> None:
    found = value(tmp_path, declaration)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("string", "007", "007"),
        ("integer", "7", 7),
        ("number", "1.5", 1.5),
        ("boolean", "true", True),
        ("list", "[a, 1]", ["a", 1]),
        ("map", '{"a": [true]}', {"a": [True]}),
    ],
)
def test_the_command_line_comes_first(tmp_path: Path, kind: str, given: str, expected: object) -> None:
    assert value(tmp_path, f"{{type: {kind}}}", given=given) == expected


def test_then_the_environment_then_the_default(tmp_path: Path) -> None:
    assert value(tmp_path, "{type: integer, default: 1}", chosen="2") == 2
    assert value(tmp_path, "{type: integer, default: 1}", chosen="2", given="3") == 3


@pytest.mark.parametrize(
    ("declaration", "given", "message"),
    [
        ("{type: integer, default: x}", None, "the variable x must be a whole number"),
        ("{type: integer, default: 1.5}", None, "the variable x must be a whole number"),
        ("{type: integer, default: true}", None, "the variable x must be a whole number"),
        ("{type: boolean, default: 1}", None, "the variable x must be true or false"),
        ("{type: list, default: {a: 1}}", None, "the variable x must be a list"),
        ("{type: integer}", "many", "--var x must be a whole number"),
        ("{type: map}", "[1", "--var x must be a map"),
        ("{}", None, 'the variable "x" has no value; give it a default, a value in the environment, or --var x=...'),
        ("{type: integer, default: null}", None, 'the variable "x" has no value'),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(
    tmp_path: Path, declaration: str, given: str | None, message: str
) -> None:
    text = f'variables: {{x: {declaration}}}\nstages: {{a: {{vars: {{X: "${{var.x}}"}}}}}}\n'
    (found,) = told(tmp_path, text, variables={} if given is None else {"x": given})
    assert message in found


def test_a_variable_that_nobody_declared_is_refused(tmp_path: Path) -> None:
    text = "variables: {replicas: {default: 1}}\nenvironments:\n  e:\n    variables: {replica: 2}\n"
    assert told(tmp_path, text, "e", variables={"replcas": "1"}) == [
        "containers.yaml  --var replcas: there is no such variable; did you mean replicas?",
        'containers.yaml:7:17  there is no variable "replica"; did you mean replicas?',
    ]


def test_variables_may_refer_to_each_other_but_not_in_a_circle(tmp_path: Path) -> None:
    text = 'variables: {a: {default: "${var.b}!"}, b: {default: "${project}"}}\nstages: {s: {main: "${var.a}"}}\n'
    assert attributes(read(tmp_path, text), "stage.s")["main"] == "shop!"
    loop = (
        'variables: {a: {default: "${var.b}"}, b: {default: "${var.a}"}}\nstages: {s: {main: "${var.a}"}}\n'
    )
    assert "refers to itself: var.a -> var.b -> var.a" in told(tmp_path, loop)[0]


def test_a_variable_waits_for_no_resource(tmp_path: Path) -> None:
    text = 'variables: {a: {default: "${stages.s.name}"}}\nstages: {s: {main: "${var.a}"}}\n'
    assert "known before planning" in told(tmp_path, text)[0]


def test_a_declared_variable_without_value_that_nobody_uses_is_no_error(tmp_path: Path) -> None:
    assert told(tmp_path, "variables: {x: {type: integer}, y: }\nstages: {s: {main: x}}\n") == []
