"""What references come to, where they may stand, and what is said where they may not (interface 1.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.address import ResourceAddress
from reconciler.model.value import Ref, Template, TextOf, Unknown
from tests.manifest.toys import ACCOUNT, attributes, read, told

BASE = """
variables:
  count: {type: integer, default: 3}
  size: {default: {rows: 2, names: [x, y]}}
  seats: {type: map, default: {rows: 2}}
pictures:
  api: {copy: elsewhere}
  svc: {for_each: [eu, us], copy: "${each.key}"}
whispers: {db: {from: {env: DB}}}
stages: {edge: {main: x}}
plays:
  it: {}
"""


def play(folder: Path, block: str, **inputs: Any) -> Any:
    text = BASE.replace("it: {}", f"it: {block}")
    return attributes(read(folder, text, **inputs), "play.it")


def complaints(folder: Path, block: str, **inputs: Any) -> list[str]:
    text = BASE.replace("it: {}", f"it: {block}")
    return told(folder, text, **inputs)


def git(name: str) -> object:
    return {"sha": "abc123", "dirty": True}[name]


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        ('{seats: "${var.count}"}', "seats", 3),
        ('{size: "${var.seats}"}', "size", {"rows": 2}),
        ('{command: ["${var.count}", "n=${var.count}"]}', "command", ["3", "n=3"]),
        ('{command: ["${var.size.names[1]}", "${var.size.rows}"]}', "command", ["y", "2"]),
        ('{motto: null, command: ["${project}", "${account_id}"]}', "command", ["shop", ACCOUNT]),
        ('{command: ["${git.sha}", "${git.dirty}", "v-${git.dirty}"]}', "command", ["abc123", "true", "v-true"]),
        ('{command: ["${env.A}", "${env.NONE:-b}", "${env.EMPTY:-c}"]}', "command", ["1", "b", "c"]),
        ('{command: ["${env.NONE:-${env.A}-x}", "$${env.A}"]}', "command", ["1-x", "${env.A}"]),
        ('{seats: "${env.A}"}', "seats", 1),
        ('{seats: "${env.NONE:-7}"}', "seats", 7),
        ('{price: "${env.PRICE}"}', "price", 1.5),
        ('{open: "${env.YES}"}', "open", True),
        ('{steps: "${env.A}"}', "steps", 1),
        ('{environment_variables: {A: "${env.A}", B: "${env.YES}"}}', "environment_variables", {"A": "1", "B": "true"}),
        ('{limits: {regions: ["${env.EAST}"], zone: "z${var.count}"}}', "limits", {"regions": ["EAST"], "zone": "z3"}),
    ],
)  # fmt: skip
def test_a_reference_alone_keeps_its_type_and_inside_a_text_becomes_text(
    tmp_path: Path, block: str, key: str, value: object
) -> None:
    environ = {"A": "1", "EMPTY": "", "PRICE": "1.5", "YES": "true", "EAST": "EAST"}
    found = play(tmp_path, block, environ=environ, git=git)[key]
    assert found == value
    assert type(found) is type(value)


PICTURE = ResourceAddress("picture", "api")


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        ('{picture: "${pictures.api}"}', "picture", Ref(PICTURE, ("ref",), "${pictures.api.ref}")),
        ('{picture: "${pictures.api.digest}"}', "picture", Ref(PICTURE, ("digest",), "${pictures.api.digest}")),
        ('{picture: "${pictures.api.name}"}', "picture", TextOf(PICTURE, ("name",), "${pictures.api.name}")),
        (
            "{picture: '${pictures.svc[\"eu\"]}'}",
            "picture",
            Ref(ResourceAddress("picture", "svc", "eu"), ("ref",), '${pictures.svc["eu"].ref}'),
        ),
        (
            '{picture: "x/${pictures.api}:1"}',
            "picture",
            Template(("x/", Ref(PICTURE, ("ref",), "${pictures.api.ref}"), ":1"), "x/${pictures.api}:1"),
        ),
        (
            '{picture: "${env.NONE:-${pictures.api}}"}',
            "picture",
            Ref(PICTURE, ("ref",), "${pictures.api.ref}"),
        ),
        (
            '{picture: "a${env.NONE:-b${pictures.api}c}d"}',
            "picture",
            Template(
                ("ab", Ref(PICTURE, ("ref",), "${pictures.api.ref}"), "cd"), "a${env.NONE:-b${pictures.api}c}d"
            ),
        ),
    ],
)  # fmt: skip
def test_a_reference_to_a_resource_is_a_pointer(tmp_path: Path, block: str, key: str, value: object) -> None:
    assert play(tmp_path, block)[key] == value


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            '{motto: null, picture: "${pictures.apo}"}',
            '${pictures.apo}: there is no picture "apo"; did you mean ${pictures.api}?',
        ),
        ('{picture: "${pictures.api.reff}"}', '${pictures.api.reff}: a picture has no "reff"; did you mean ref?'),
        ('{picture: "${picture.api}"}', '${picture.api}: there is nothing called "picture"; did you mean pictures?'),
        ('{picture: "${enf.X}"}', '${enf.X}: there is nothing called "enf"; did you mean env?'),
        ('{picture: "${remote.x}"}', "${remote.x}: `remote` is reserved for later"),
        ('{picture: "${pictures}"}', "${pictures} names no resource; write ${pictures.NAME}"),
        ('{picture: "${pictures.svc}"}', '${pictures.svc} does not say which instance; write ${pictures.svc["eu"]}'),
        ("{picture: '${pictures.svc[\"eur\"]}'}", '${pictures.svc["eur"]}: picture.svc has no instance "eur"; did you mean eu?'),
        (
            "{picture: '${pictures.api[\"eu\"]}'}",
            '${pictures.api["eu"]}: picture.api has no for_each, so it has no instances; write ${pictures.api}',
        ),
        ('{motto: "${var.cuont}"}', '${var.cuont}: there is no variable "cuont"; did you mean ${var.count}?'),
        ('{motto: "${var}"}', "${var} names no variable; write ${var.NAME}"),
        ('{motto: "${var.size.row}"}', '${var.size.row}: there is no "row" in it; did you mean rows?'),
        ('{motto: "${var.size.names[2]}"}', '${var.size.names[2]}: there is no "2" in it'),
        ('{motto: "a${var.size}"}', "${var.size} is a map and cannot stand inside a text"),
        ('{motto: "${each.key}"}', "${each.key} stands in no for_each"),
        ('{motto: "${git.shaa}"}', '${git.shaa}: git has no "shaa"; did you mean sha?'),
        ('{motto: "${git.sha}"}', "${git.sha}: this is no git repository"),
        (
            '{motto: "${environment}"}',
            "${environment}: this manifest has no environments; declare `environments:`, or write the text",
        ),
        ('{motto: "${project.x}"}', "${project.x}: project has no parts; write ${project}"),
        ('{motto: "${env}"}', "${env} cannot be read; write ${env.NAME} or ${env.NAME:-fallback}"),
        ('{motto: "${"}', 'the reference "${" has no closing brace; write ${root.name}, or $${ for a literal ${'),
        (
            '{environment_variables: {X: "${pictures.api}"}}',
            "${pictures.api} does not say which attribute is meant; say ref, digest or name",
        ),
        ('{picture: "${stages.edge}"}', "${stages.edge} does not say which attribute is meant; say name, version_id or halls"),
    ],
)  # fmt: skip
def test_a_wrong_reference_is_said_with_the_nearest_name(tmp_path: Path, block: str, message: str) -> None:
    (found,) = complaints(tmp_path, block)
    assert found.split(" play.it: ")[1] == message
    assert found.startswith("containers.yaml:15:")


def test_all_missing_environment_variables_are_named_at_once(tmp_path: Path) -> None:
    found = complaints(tmp_path, '{motto: "${env.A}", command: ["${env.B}", "${env.A}", "${env.C:-x}"]}')
    assert [one.split(" play.it: ")[1] for one in found] == [
        "the environment variable A is not set; set it, or give a fallback: ${env.A:-...}",
        "the environment variable B is not set; set it, or give a fallback: ${env.B:-...}",
    ]


def test_the_account_is_by_default_that_of_the_environment(tmp_path: Path) -> None:
    head = "version: 1\nproject: shop\n"
    manifest = read(tmp_path, "plays: {}\n", head=head, environ={"CLOUDFLARE_ACCOUNT_ID": "1" * 32})
    assert manifest.account_id == "1" * 32
    (missing,) = told(tmp_path, "plays: {}\n", head=head)
    assert "the environment variable CLOUDFLARE_ACCOUNT_ID is not set" in missing


def test_an_account_of_digits_is_a_text_and_an_override_wins(tmp_path: Path) -> None:
    head = f"version: 1\nproject: shop\naccount_id: {'0' * 31}1\n"
    assert read(tmp_path, "plays: {}\n", head=head).account_id == "0" * 31 + "1"
    assert read(tmp_path, "plays: {}\n", head=head, account_id="2" * 32).account_id == "2" * 32


@pytest.mark.parametrize("account", ['"../x"', "a b", '""'])
def test_an_account_that_is_none_is_refused(tmp_path: Path, account: str) -> None:
    head = f"version: 1\nproject: shop\naccount_id: {account}\n"
    (found,) = told(tmp_path, "plays: {}\n", head=head)
    assert "this is no account id" in found


def test_what_was_taken_from_outside_is_kept(tmp_path: Path) -> None:
    manifest = read(
        tmp_path,
        "variables: {n: {type: integer}, m: {default: x}}\n"
        'plays: {a: {seats: "${var.n}", command: ["${env.A}", "${git.sha}", "${var.m}"]}}\n',
        environ={"A": "1", "B": "2"},
        variables={"n": "4"},
        git=git,
    )
    assert manifest.used == {"env": {"A": "1"}, "var": {"n": "4"}, "git": {"sha": "abc123"}}
    assert attributes(manifest, "play.a") == {"seats": 4, "command": ["1", "abc123", "x"]}


def test_offline_the_outside_is_unknown_and_never_an_error(tmp_path: Path) -> None:
    head = "version: 1\nproject: shop\n"
    text = """
    plays:
      a:
        seats: ${env.N}
        motto: "${git.sha}"
        open: ${env.OPEN:-true}
        command: ["${account_id}", "x-${env.A}"]
        limits: {regions: ["${env.R}"]}
        protect: ${env.P}
        name: ${env.NAME}
    stages: {s: {bindings: {A: "${plays.a.id}"}}}
    """
    found = attributes(read(tmp_path, text, head=head, offline=True), "play.a")
    assert found["seats"] == Unknown(None, "${env.N}")
    assert found["open"] == Unknown(None, "${env.OPEN:-true}")
    assert found["command"] == [Unknown(None, "${env.CLOUDFLARE_ACCOUNT_ID}"), Unknown(None, "x-${env.A}")]


def test_a_template_may_mix_pointers_and_what_is_unknown(tmp_path: Path) -> None:
    text = 'pictures: {api: {copy: x}}\nplays: {a: {command: ["${pictures.api.ref}?${env.A}"]}}\n'
    (found,) = attributes(read(tmp_path, text, offline=True), "play.a")["command"]
    assert found.parts[1:] == ("?", Unknown(None, "${env.A}"))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            '{environment_variables: {DB: "${whispers.db}"}}',
            ("environment_variables.DB must not hold a secret (${whispers.db}): it would stand in plan and state; "
            "put it under `whispers`"),
        ),
        (
            '{command: ["x-${whispers.db.value}"]}',
            ("command.0 must not hold a secret (x-${whispers.db.value}): it would stand in plan and state; "
            "put it under `whispers`"),
        ),
        (
            '{whispers: {DB: "x-${whispers.db}"}}',
            "whispers.DB: a secret may not stand inside a text here; let the secret be the whole text, references included",
        ),
    ],
)  # fmt: skip
def test_a_secret_may_stand_only_where_the_kind_says_so(tmp_path: Path, block: str, message: str) -> None:
    (found,) = complaints(tmp_path, block)
    assert found.split(" play.it: ")[1] == message


def test_a_secret_stands_in_its_place_by_value(tmp_path: Path) -> None:
    value = Ref(ResourceAddress("whisper", "db"), ("value",), "${whispers.db.value}")
    assert play(tmp_path, '{whispers: {DB: "${whispers.db}"}}')["whispers"] == {"DB": value}
    assert play(tmp_path, '{command: ["${whispers.db.name}"]}')["command"] == [
        Ref(ResourceAddress("whisper", "db"), ("name",), "${whispers.db.name}")
    ]


def test_an_output_points_but_holds_no_secret(tmp_path: Path) -> None:
    text = BASE + 'outputs: {a: "${pictures.api.ref}", b: ["${var.count}"], c: "${whispers.db}"}\n'
    (found,) = told(tmp_path, text)
    assert "an output must not hold a secret" in found
    assert "a secret may stand in `whispers` of a stage or `whispers` of a play" in found


def test_an_output_says_which_attribute(tmp_path: Path) -> None:
    (found,) = told(tmp_path, BASE + 'outputs:\n  a: "${pictures.api}"\n')
    assert found == (
        "containers.yaml:17:3  ${pictures.api} does not say which attribute is meant; say ref, digest or name"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('account_id: "${pictures.api.ref}"', "known before planning"),
        ('naming: "${plays.it.id}-{key}"', "known before planning"),
        ('state: {path: "${plays.it.id}"}', "known before planning"),
        ('check: {profile: "${plays.it.id}"}', "known before planning"),
        ('account_id: "${account_id}"', "refers to itself: account_id -> account_id"),
    ],
)
def test_what_comes_before_planning_waits_for_no_resource(tmp_path: Path, line: str, message: str) -> None:
    own = "" if line.startswith("account_id") else f"account_id: {ACCOUNT}\n"
    (found,) = told(tmp_path, BASE, head=f"version: 1\nproject: shop\n{own}{line}\n")
    assert message in found
