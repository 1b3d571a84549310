"""The schema said in plain words: what a value must be, where, and the nearest valid key (interface 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import manifest_schema
from tests.manifest.toys import HEAD, handlers, read, told


def complaint(folder: Path, text: str, environment: str | None = None, **inputs: Any) -> str:
    (found,) = told(folder, text, environment, **inputs)
    return found


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{seats: many}", 'seats must be a whole number of at least 0, not "many"'),
        ("{seats: -1}", "seats must be a whole number of at least 0, not -1"),
        ("{seats: 1.5}", "seats must be a whole number of at least 0, not 1.5"),
        ("{seats: true}", "seats must be a whole number of at least 0, not true"),
        ('{seats: "5"}', 'seats must be a whole number of at least 0, not "5"'),
        ("{seats: [1]}", "seats must be a whole number of at least 0, not a list"),
        ("{price: 0}", "price must be a number from 0.5 to 99, not 0"),
        ("{open: yes}", 'open must be true or false, not "yes"'),
        ("{motto: [a]}", "motto must be a text, not a list"),
        ("{motto: {a: 1}}", "motto must be a text, not a map"),
        ("{command: ls}", 'command must be a list, not "ls"'),
        ("{command: [[a]]}", "command.0 must be a text, not a list"),
        ("{command: [null]}", "command.0 must be a text, not null"),
        ("{size: medium}", 'size must be one of small or large or a map of rows and seats, not "medium"'),
        ("{size: 3}", "size must be one of small or large or a map of rows and seats, not 3"),
        ("{size: {rows: x}}", 'size.rows must be a whole number of at least 0, not "x"'),
        ("{size: {row: 1}}", 'there is no key "row" in size; did you mean rows?'),
        ("{steps: x}", 'steps must be a whole number or a list, not "x"'),
        ("{steps: [x]}", 'steps.0 must be a whole number, not "x"'),
        ("{limits: {regions: [NORTH]}}", 'limits.regions.0 must be one of EAST or WEST, not "NORTH"'),
        ("{limits: {regions: [EAST, EAST]}}", "limits.regions must not hold the same twice"),
        ("{limits: {zone: a7}}", 'limits.zone must be a text that matches ^z[0-9]+$, not "a7"'),
        ("{limits: {zone: 7}}", 'limits.zone must be a text that matches ^z[0-9]+$, not "7"'),
        ("{limits: {zones: z7}}", 'there is no key "zones" in limits; did you mean zone?'),
        ("{environment_variables: [a]}", "environment_variables must be a map, not a list"),
        ("{environment_variables: {A: [x]}}", "environment_variables.A must be a text, not a list"),
        ("{seat: 3}", 'there is no key "seat"; did you mean seats?'),
        ("{hall: 3}", 'there is no key "hall"; there is'),
        ("{protect: maybe}", 'protect must be true or false, not "maybe"'),
        ("{depends_on: plays.b}", 'depends_on must be a list, not "plays.b"'),
        ("3", "must be a map of picture, role"),
        ("[a]", "must be a map of picture, role"),
    ],
)
def test_a_wrong_value_is_said_in_plain_words(tmp_path: Path, block: str, message: str) -> None:
    found = complaint(tmp_path, f"plays:\n  a: {block}\n")
    assert found.startswith("containers.yaml:5:")
    assert found.split(" play.a: ")[1].startswith(message)


@pytest.mark.parametrize(
    ("block", "column"),
    [("{seats: many}", 7), ("{motto: x, seats: many}", 17), ("{command: [a, [b]]}", 20), ("{limits: {zon: z1}}", 16)],
)  # fmt: skip
def test_the_place_is_that_of_the_key_or_member(tmp_path: Path, block: str, column: int) -> None:
    assert complaint(tmp_path, f"plays:\n  a: {block}\n").startswith(f"containers.yaml:5:{column}  play.a: ")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1.10", "1.10"), ("0123", "0123"), ("no", "no"), ("2026-10-01", "2026-10-01"), ("True", "True"), ("7", "7")],
)  # fmt: skip
def test_a_text_field_takes_scalars_as_they_are_spelled(tmp_path: Path, value: str, expected: str) -> None:
    manifest = read(tmp_path, f"plays: {{a: {{motto: {value}, command: [{value}]}}}}\n")
    (found,) = manifest.resources.values()
    assert found.attributes == {"motto": expected, "command": [expected]}


def test_null_is_a_key_left_out(tmp_path: Path) -> None:
    text = "plays: {a: {motto: null, size: {rows: null, seats: 1}, limits: ~}, b: null}\noutputs: {o: null}\n"
    manifest = read(tmp_path, text)
    (found,) = manifest.resources.values()
    assert found.attributes == {"size": {"seats": 1}}
    assert not manifest.outputs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("account: x\n", '4:1  there is no key "account"; did you mean account_id?'),
        ("playes: {}\n", '4:1  there is no key "playes"; did you mean plays?'),
        ("plays: [a]\n", "4:1  plays must be a map, not a list"),
        (
            "plays: {A: {}}\n",
            '4:9  the key "A" must consist of lower-case letters, digits, - and _, beginning with a letter or digit in plays',
        ),
        ("plays: {-a: {}}\n", '4:9  the key "-a" must consist of'),
        ("environments: {default: {}}\nplays: {}\n", '4:16  "default" is no name for something in environments'),
        ("environments: {Prod: {}}\nplays: {}\n", '4:16  the key "Prod" must consist of'),
        ("variables: {a: {typ: string}}\n", '4:17  there is no key "typ" in variables.a; did you mean type?'),
        (
            "variables: {a: {type: text}}\n",
            '4:17  variables.a.type must be one of string, integer, number, boolean, list or map, not "text"',
        ),
        ("moved: [{from: play.a}]\n", "4:9  moved.0 needs to"),
        ("moved: {from: play.a}\n", "4:1  moved must be a list, not a map"),
        ("plays: {a: {}}\nimports: [{to: play.a, id: 7, x: 1}]\n", '5:31  there is no key "x" in imports.0; there is'),
        ("state: {backend: s4}\n", '4:9  state.backend must be one of local, s3, postgres or http, not "s4"'),
        ("state: here\n", '4:1  state must be a map of backend, path, bucket, endpoint, region, prefix, host'),
        ("check: {profil: x}\n", '4:9  there is no key "profil" in check; did you mean profile?'),
        ("defaults: {plays: {seat: 1}}\n", '4:20  there is no key "seat" in defaults.plays; did you mean seats?'),
        ("defaults: {play: {}}\n", '4:12  there is no key "play" in defaults; did you mean plays?'),
    ],
)  # fmt: skip
def test_the_language_itself_is_checked_too(tmp_path: Path, text: str, message: str) -> None:
    found = told(tmp_path, text, "default" if "default: {}" in text else "Prod" if "Prod" in text else None)
    assert found[0].startswith(f"containers.yaml:{message}")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("project: shop\n", "containers.yaml:1:1  needs version"),
        ("version: 1\n", "containers.yaml:1:1  needs project"),
        ("version: 2\nproject: shop\n", "containers.yaml:1:1  version must be 1, not 2"),
        ('version: "1"\nproject: shop\n', 'containers.yaml:1:1  version must be 1, not "1"'),
        ("version: 1\nproject: Shop\n", "containers.yaml:2:1  project must be"),
        ("version: 1\nproject: a_b\n", "containers.yaml:2:1  project must be"),
        ("version: 1\nproject: ${env.P}\n", "containers.yaml:2:1  project must be"),
        ("version: 1\nproject: 1.5\n", "containers.yaml:2:1  project must be"),
        ("version: 1\nproject: [a]\n", "containers.yaml:2:1  project must be"),
        (f"version: 1\nproject: {'a' * 64}\n", "containers.yaml:2:1  project must be"),
    ],
)
def test_version_and_project_must_be_there_and_right(tmp_path: Path, head: str, message: str) -> None:
    found = told(tmp_path, "plays: {}\n", head=head, account_id="x")
    assert found[0].startswith(message)


def test_a_project_of_digits_is_a_text(tmp_path: Path) -> None:
    assert read(tmp_path, "plays: {}\n", head="version: 1\nproject: 007\n", account_id="x").project == "007"


def test_keys_that_begin_with_x_dash_are_for_anchors(tmp_path: Path) -> None:
    text = "x-common: &common {seats: 3}\nplays: {a: {<<: *common, motto: x}}\n"
    (found,) = read(tmp_path, text).resources.values()
    assert found.attributes == {"motto": "x", "seats": 3}


def test_every_environment_is_checked_whichever_is_read(tmp_path: Path) -> None:
    text = """
    plays: {a: {}}
    environments:
      staging: {}
      production:
        plays: {a: {seats: x}}
        protect: 3
        plyas: {}
    """
    found = told(tmp_path, text, "staging")
    assert [one.split("  ", 1)[-1] for one in found] == [
        'play.a: seats must be a whole number of at least 0, not "x"',
        "environments.production.protect must be true or false, not 3",
        'there is no key "plyas" in environments.production; did you mean plays?',
    ]


def test_what_is_needed_may_come_from_the_environment(tmp_path: Path) -> None:
    text = "whispers: {w: {from: {}}}\nenvironments: {a: {whispers: {w: {from: {env: W}}}}, b: {}}\n"
    assert told(tmp_path, text, "a") == []
    assert complaint(tmp_path, text, "b") == (
        "containers.yaml:4:16  whisper.w: from must have exactly one of env and file"
    )


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ('{seats: "${var.word}"}', "seats must be a whole number of at least 0, not what ${var.word} gives"),
        ('{seats: "${env.WORD}"}', "seats must be a whole number of at least 0, not what ${env.WORD} gives"),
        ('{seats: "${env.NEGATIVE}"}', "seats must be a whole number of at least 0, not what ${env.NEGATIVE} gives"),
        ('{size: {rows: "${var.word}"}}', "size.rows must be a whole number of at least 0, not what ${var.word} gives"),
        ('{size: "${var.map}"}', 'there is no key "cols" in size; there is rows'),
        ('{size: "${var.word}"}', "size must be one of small or large or a map of rows and seats, not what ${var.word} gives"),
        ('{limits: {zone: "y${var.word}"}}', "limits.zone must be a text that matches ^z[0-9]+$, not what y${var.word} gives"),
        ('{protect: "${var.word}"}', "protect must be true or false, not what ${var.word} gives"),
    ],
)  # fmt: skip
def test_what_comes_by_reference_is_checked_and_never_shown(tmp_path: Path, block: str, message: str) -> None:
    text = f"variables: {{word: {{default: hello}}, map: {{default: {{cols: 1}}}}}}\nplays:\n  a: {block}\n"
    found = complaint(tmp_path, text, environ={"WORD": "hunter2", "NEGATIVE": "-3"})
    assert found.split(" play.a: ")[1].startswith(message)
    assert "hunter2" not in found


def test_a_value_beside_a_pointer_is_checked(tmp_path: Path) -> None:
    text = """
    variables: {r: {default: NORTH}}
    plays: {a: {limits: {regions: ["${var.r}", "${plays.b.role}"]}}, b: {}}
    """
    assert "limits.regions.0 must be one of EAST or WEST" in complaint(tmp_path, text)


@pytest.mark.parametrize("text", ["whispers: {db: hunter2}\n", "whispers: {db: {from: hunter2}}\n"])
def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path, text: str) -> None:
    found = complaint(tmp_path, text)
    assert "hunter2" not in found
    assert "not a text" in found


def test_every_problem_is_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """
    plays:
      a:
        seats: x
        picture: ${pictures.nothing}
      b: {motto: "${env.A}", depends_on: [play.c]}
    stages:
      s: {bindings: {A: wrong}}
    """
    found = told(tmp_path, text)
    assert [one.split(" ")[0] for one in found] == [
        "containers.yaml:7:5",
        "containers.yaml:8:5",
        "containers.yaml:9:7",
        "containers.yaml:9:39",
        "containers.yaml:11:18",
    ]


def test_the_printed_schema_is_a_schema_that_knows_every_key() -> None:
    schema = manifest_schema(handlers())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$defs"]["play"]["description"] == "Something that is shown."
    assert "hall" not in schema["$defs"]["play"]["properties"]
    assert schema["properties"]["environments"]["additionalProperties"]["properties"]["plays"]


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 30), st.floats(0, 2), st.sampled_from(["", "x", "small", "EAST", "z7", "${a}"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["rows", "seats", "regions", "zone", "A", "b"]), inner, max_size=3),
    ),
    max_leaves=6,
)
PLAYS = st.dictionaries(
    st.sampled_from(["seats", "price", "size", "limits", "command", "environment_variables", "steps", "open", "x"]),
    VALUES,
    max_size=3,
)  # fmt: skip


@given(PLAYS)
def test_the_fast_and_the_wordy_validator_agree(block: dict[str, Any]) -> None:
    schema = manifest_schema(handlers())
    document = {"version": 1, "project": "shop", "plays": {"a": block}}
    fast = jsonschema_rs.validator_for(schema)
    wordy = jsonschema.Draft202012Validator(schema)
    assert fast.is_valid(document) == wordy.is_valid(document)
    assert {tuple(error.instance_path) for error in fast.iter_errors(document)} == {
        tuple(error.absolute_path) for error in wordy.iter_errors(document)
    }


def test_the_head_of_these_tests_is_itself_valid() -> None:
    assert HEAD.startswith("version: 1\n")
