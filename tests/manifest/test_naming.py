"""Remote names: defaults, templates, what a kind forbids, two of one name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.manifest import validate_manifest
from reconciler.manifest.naming import Naming
from reconciler.model.address import ResourceAddress
from reconciler.model.kind import Kind
from tests.manifest.toys import PICTURE, PLAY, handlers, read, told, write

UNNAMED = replace(PLAY, named=False)


@pytest.mark.parametrize(
    ("kind", "environment", "template", "each", "name"),
    [
        (PLAY, None, "", "", "shop-api"),
        (PLAY, "prod", "", "", "shop-prod-api"),
        (PLAY, "prod", "", "eu", "shop-prod-api-eu"),
        (PLAY, None, "", "eu", "shop-api-eu"),
        (PICTURE, None, "", "", "shop-api"),
        (PICTURE, "prod", "", "", "shop-api"),
        (PICTURE, "prod", "", "eu", "shop-api-eu"),
        (UNNAMED, "prod", "", "", ""),
        (PLAY, "prod", "{key}", "", "api"),
        (PLAY, "prod", "{key}", "eu", "api-eu"),
        (PLAY, "prod", "{environment}_{key}", "", "prod_api"),
        (PLAY, None, "{environment}_{key}", "", "api"),
        (PLAY, None, "x-{environment}-{key}", "", "x-api"),
        (PLAY, "prod", "{each}.{key}", "", "api"),
        (PLAY, "prod", "{each}.{key}", "eu", "eu.api"),
        (PICTURE, "prod", "{environment}-{key}", "", "shop-api"),
        (PICTURE, "prod", "corp-{key}", "", "corp-api"),
    ],
)
def test_a_default_name_is_made_from_what_there_is(
    kind: Kind, environment: str | None, template: str, each: str, name: str
) -> None:
    naming = Naming("shop", environment, template)
    assert naming.default_name(kind, ResourceAddress(kind.name, "api", each)) == name


def test_an_explicit_name_is_no_default(tmp_path: Path) -> None:
    manifest = read(tmp_path, "plays: {a: {name: mine}, b: {}}\n")
    assert [(one.name, one.named_by_default) for one in manifest.resources.values()] == [
        ("mine", False),
        ("shop-b", True),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "naming: '{project}-{env}-{key}'",
            'naming has no place for "{env}"; there is {project}, {environment}, {key} and {each}',
        ),
        ("naming: '{project}'", "naming must hold {key}, or all resources get one name"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_work_is_refused(tmp_path: Path, line: str, message: str) -> None:
    assert told(tmp_path, f"{line}\nplays: {{a: {{}}}}\n") == [f"containers.yaml:4:1  {message}"]


def test_an_environment_may_name_otherwise(tmp_path: Path) -> None:
    text = "naming: '{key}'\nplays: {a: {}}\nenvironments: {e: {naming: '{key}-${environment}'}, f: {}}\n"
    assert [one.name for one in read(tmp_path, text, "e").resources.values()] == ["a-e"]
    assert [one.name for one in read(tmp_path, text, "f").resources.values()] == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"plays: {{{'a' * 60}: {{}}}}\n", "is 65 characters long, at most 63 are allowed; set `name`"),
        ("plays: {a: {name: 'a b'}}\n", '"a b" cannot be the name of this: it must match'),
        ('plays: {a: {for_each: [x.y]}}\n', '"shop-a-x.y" cannot be the name of this: it must match'),
    ],
)  # fmt: skip
def test_a_name_that_the_kind_cannot_have_is_an_error_and_never_cut(
    tmp_path: Path, text: str, message: str
) -> None:
    (found,) = told(tmp_path, text)
    assert message in found


@pytest.mark.parametrize("name", ["${stages.s.version_id}", "x-${stages.s.name}"])
def test_a_name_waits_for_no_resource(tmp_path: Path, name: str) -> None:
    (found,) = told(tmp_path, f'plays: {{a: {{name: "{name}"}}}}\nstages: {{s: {{}}}}\n')
    assert "name must be known before planning" in found


def test_two_of_one_kind_cannot_share_a_name(tmp_path: Path) -> None:
    text = "plays:\n  a: {name: same}\n  b:\n    name: same\nstages: {s: {name: same}}\n"
    assert told(tmp_path, text) == [
        (
            'containers.yaml:7:5  play.b: the name "same" belongs to play.a already, in the same account; '
            "give one of them another name"
        )
    ]


def test_a_for_each_with_one_name_for_all_is_refused(tmp_path: Path) -> None:
    text = "plays: {a: {for_each: [x, y], name: same}}\n"
    assert "belongs to play.a" in told(tmp_path, text)[0]
    assert told(tmp_path, 'plays: {a: {for_each: [x, y], name: "same-${each.key}"}}\n') == []


def test_something_external_has_the_name_it_has(tmp_path: Path) -> None:
    assert told(tmp_path, "plays: {a: {name: same}, b: {name: same, external: true}}\n") == []


ACROSS = """
environments:
  staging: {STAGING}
  production: {}
pictures: {p: {copy: x}}
plays: {a: {name: same}}
"""


def _across(folder: Path, staging: str) -> list[str]:
    path = write(folder, ACROSS.replace("STAGING", staging))
    return [str(one).replace(f"{folder}/", "") for one in validate_manifest(path, handlers())]


def test_environments_of_one_account_cannot_share_a_name(tmp_path: Path) -> None:
    (found,) = _across(tmp_path, "")
    assert 'play.a: the name "same" belongs to play.a of staging already, in the same account' in found


def test_environments_of_two_accounts_may(tmp_path: Path) -> None:
    assert _across(tmp_path, f"account_id: {'1' * 32}") == []


def test_an_unknown_account_is_the_same_if_it_is_written_the_same(tmp_path: Path) -> None:
    head = "version: 1\nproject: shop\n"
    one = write(tmp_path, ACROSS.replace("STAGING", ""), head=head)
    assert len(validate_manifest(one, handlers())) == 1
    other = write(tmp_path, ACROSS.replace("STAGING", 'account_id: "${env.STAGING}"'), head=head)
    assert validate_manifest(other, handlers()) == []


def test_what_is_shared_between_environments_must_be_the_same_resource(tmp_path: Path) -> None:
    text = "environments: {a: {pictures: {p: {name: x}}}, b: {pictures: {q: {name: x}}}}\nplays: {}\n"
    (found,) = validate_manifest(write(tmp_path, text), handlers())
    assert 'the name "x" belongs to picture.p of a already' in found.summary
