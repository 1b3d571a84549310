"""The options that every resource takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Desired
from reconciler.model.value import Ref
from tests.manifest.toys import read, told

OTHERS = """
pictures: {p: {copy: x}}
whispers: {db: {from: {env: DB}}, many: {for_each: [a, b], from: {env: M}}}
stages: {edge: {}}
plays:
  w: {for_each: [eu, us]}
"""


def desired(folder: Path, options: str, environment: str = "") -> Desired:
    text = f"{OTHERS}  it: {options}\n{environment}"
    manifest = read(folder, text, "e" if environment else None)
    return manifest.resources[ResourceAddress("play", "it")]


def complaint(folder: Path, options: str) -> str:
    (found,) = told(folder, f"{OTHERS}  it: {options}\n")
    return found.split(" play.it: ")[1]


@pytest.mark.parametrize(
    ("options", "attribute", "value"),
    [
        ("{adopt: true}", "adopt", True),
        ("{external: true, name: theirs}", "external", True),
        ("{external: true, id: abc}", "import_id", "abc"),
        ("{protect: true}", "protect", True),
        ("{retain: true}", "retain", True),
        ('{protect: "${var.x}"}', "protect", False),
        (
            "{ignore_changes: [environment_variables.LOG, limits]}",
            "ignore_changes",
            (("environment_variables", "LOG"), ("limits",)),
        ),
        ("{replace_on: [motto, size.rows]}", "replace_on", (("motto",), ("size", "rows"))),
        ('{ignore_changes: ["environment_variables[\\"a.b\\"]"]}', "ignore_changes", (("environment_variables", "a.b"),)),
    ],
)  # fmt: skip
def test_an_option_says_how_a_resource_is_treated(
    tmp_path: Path, options: str, attribute: str, value: Any
) -> None:
    found = desired(tmp_path, options, "variables: {x: {default: false}}\nenvironments: {e: {}}\n")
    assert getattr(found, attribute) == value
    assert not found.attributes.keys() & {"adopt", "protect", "retain", "ignore_changes", "id", "name"}


def addresses(*texts: str) -> tuple[ResourceAddress, ...]:
    return tuple(map(ResourceAddress.parse, texts))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[picture.p]", addresses("picture.p")),
        ("[pictures.p, stage.edge, pictures.p]", addresses("picture.p", "stage.edge")),
        ("[play.w]", addresses('play.w["eu"]', 'play.w["us"]')),
        ("['plays.w[\"us\"]']", addresses('play.w["us"]')),
        ('["${stages.edge}"]', addresses("stage.edge")),
        ('["stage.${var.s}"]', addresses("stage.edge")),
    ],
)
def test_depends_on_takes_addresses(
    tmp_path: Path, written: str, expected: tuple[ResourceAddress, ...]
) -> None:
    text = f"{OTHERS}  it: {{depends_on: {written}}}\nvariables: {{s: {{default: edge}}}}\n"
    assert read(tmp_path, text).resources[ResourceAddress("play", "it")].depends_on == expected


def test_what_is_watched_becomes_an_attribute(tmp_path: Path) -> None:
    found = desired(
        tmp_path, "{rollout_on: [whisper.db, stages.edge.version_id], replace_on: [whispers.db, motto]}"
    )
    db, edge = ResourceAddress("whisper", "db"), ResourceAddress("stage", "edge")
    revision = Ref(db, ("revision",), "${whispers.db.revision}")
    assert found.attributes["rollout_on"] == {
        "whisper.db": revision,
        "stage.edge.version_id": Ref(edge, ("version_id",), "${stages.edge.version_id}"),
    }
    assert found.attributes["replace_on"] == {"whisper.db": revision}
    assert found.replace_on == (("motto",),)


def test_a_watched_for_each_is_all_of_its_instances(tmp_path: Path) -> None:
    found = desired(tmp_path, "{rollout_on: [whisper.many]}")
    assert list(found.attributes["rollout_on"]) == ['whisper.many["a"]', 'whisper.many["b"]']
    one = desired(tmp_path, "{rollout_on: ['${whispers.many[\"b\"]}']}")
    assert list(one.attributes["rollout_on"]) == ['whisper.many["b"]']


def test_an_attribute_called_like_a_kind_is_meant_where_no_resource_is(tmp_path: Path) -> None:
    assert desired(tmp_path, "{replace_on: [picture]}").replace_on == (("picture",),)
    assert desired(tmp_path, "{replace_on: [whispers.PASSWORD]}").replace_on == (("whispers", "PASSWORD"),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{depends_on: [play.z]}", "there is no play.z; did you mean play.it?"),
        ("{depends_on: [ply.z]}", 'ply.z: there is no kind "ply"; did you mean play?'),
        ("{depends_on: [w]}", '"w" is no address; one looks like application.api or application.api["eu"]'),
        ("{depends_on: ['play.w[\"x\"]']}", 'there is no play.w["x"]; did you mean play.w["us"]?'),
        ("{ignore_changes: [seets]}", 'ignore_changes: there is no attribute "seets"; did you mean seats?'),
        ("{replace_on: [seets]}", 'replace_on: "seets" is neither an attribute of this nor a resource; did you mean seats?'),
        ("{rollout_on: [whisper.bd]}", 'rollout_on: "whisper.bd" is no resource; did you mean whisper.db?'),
        ("{rollout_on: [seats]}", 'rollout_on: "seats" is no resource; there is'),
        ("{rollout_on: [stage.edge.version]}", 'stage.edge.version: there is no "version"; did you mean version_id?'),
        ("{id: abc}", "`id` is for external resources; use `imports` to take one over"),
        ('{protect: "${stages.edge.version_id}"}', "protect must be known before planning; write it out, or use var or env"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_said_with_the_nearest_name(tmp_path: Path, options: str, message: str) -> None:
    assert complaint(tmp_path, options).startswith(message)


def test_a_protected_environment_protects_each_of_its_resources(tmp_path: Path) -> None:
    text = "plays: {a: {}, b: {protect: false}, c: {protect: true}}\nenvironments: {prod: {protect: true}, dev: {}}\n"
    prod, dev = (read(tmp_path, text, name).resources.values() for name in ("prod", "dev"))
    assert [one.protect for one in prod] == [True, False, True]
    assert [one.protect for one in dev] == [False, False, True]


def test_every_kind_takes_the_options(tmp_path: Path) -> None:
    manifest = read(
        tmp_path, "pictures: {p: {copy: x, retain: true}}\nwhispers: {w: {from: {env: A}, retain: true}}\n"
    )
    assert all(one.retain for one in manifest.resources.values())


def test_defaults_fill_options_too(tmp_path: Path) -> None:
    text = "defaults: {plays: {protect: true, seats: 9}}\nplays: {a: {}, b: {seats: 1, protect: false}}\n"
    found = read(tmp_path, text).resources.values()
    assert [(one.protect, one.attributes) for one in found] == [(True, {"seats": 9}), (False, {"seats": 1})]


def test_external_reaches_the_kind(tmp_path: Path) -> None:
    assert desired(tmp_path, "{external: true, name: theirs}").attributes == {"external": True}


def test_something_external_that_is_known_by_id_has_no_name_of_ours(tmp_path: Path) -> None:
    assert desired(tmp_path, "{external: true, id: abc}").name == ""
    assert desired(tmp_path, "{external: true}").name == "shop-it"
