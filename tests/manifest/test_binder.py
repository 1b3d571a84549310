"""Blocks to resources: `for_each`, positions, what the kinds are told and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.manifest import read_manifest
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Source
from reconciler.model.handler import BindContext, Bound
from reconciler.model.manifest import Inputs
from reconciler.model.value import Attributes, Unknown
from tests.manifest.toys import ACCOUNT, PLAY, Toy, attributes, errors, handlers, read, told, write


@pytest.mark.parametrize(
    ("written", "keys", "values"),
    [
        ("[us, eu]", ["eu", "us"], ["eu", "us"]),
        ("{b: 1, a: {x: y}}", ["a", "b"], [{"x": "y"}, 1]),
        ("[007, 2]", ["007", "2"], ["007", "2"]),
        ("[]", [], []),
        ("{}", [], []),
        ('"${var.list}"', ["x", "y"], ["x", "y"]),
        ('["${project}", "${environment}"]', ["prod", "shop"], ["prod", "shop"]),
        ('["${env.A}"]', ["one"], ["one"]),
        ("{a: null, b: 2}", ["b"], [2]),
    ],
)
def test_a_for_each_makes_sorted_instances(
    tmp_path: Path, written: str, keys: list[str], values: list[Any]
) -> None:
    text = f"""
    variables: {{list: {{default: [y, x]}}}}
    environments: {{prod: {{}}}}
    stages: {{s: {{for_each: {written}, vars: {{KEY: "${{each.key}}", VALUE: "${{each.value}}"}}}}}}
    """
    manifest = read(tmp_path, text, "prod", environ={"A": "one"})
    assert [address.each for address in manifest.resources] == keys
    variables = [one.attributes["vars"] for one in manifest.resources.values()]
    assert [one["KEY"] for one in variables] == keys
    assert [one["VALUE"] for one in variables] == values


def test_each_reaches_into_its_value_and_into_other_instances(tmp_path: Path) -> None:
    text = """
    pictures: {svc: {for_each: [eu, us], copy: "x:${each.value}"}}
    plays:
      w:
        for_each: {eu: {seats: 2}, us: {seats: 3}}
        seats: ${each.value.seats}
        picture: ${pictures.svc[each.key].digest}
    """
    manifest = read(tmp_path, text)
    found = attributes(manifest, 'play.w["us"]')
    assert found["seats"] == 3
    assert found["picture"].address == ResourceAddress("picture", "svc", "us")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[a, a]", 'for_each holds "a" twice'),
        ("[a b]", '"a b" cannot be the key of an instance'),
        ('{"": 1}', '"" cannot be the key of an instance'),
        ('["é"]', "cannot be the key of an instance"),
        ("x", 'for_each must be a list or a map, not "x"'),
        ('"${var.n}"', "for_each must come to a list of texts or a map"),
        ('["${pictures.p.digest}"]', "known before planning"),
        ('["${each.key}"]', "stands in no for_each"),
        ("[[a]]", "for_each.0 must be a text, not a list"),
    ],
)
def test_a_for_each_that_cannot_be_is_refused(tmp_path: Path, written: str, message: str) -> None:
    text = f"variables: {{n: {{default: 3}}}}\npictures: {{p: {{copy: x}}}}\nplays: {{w: {{for_each: {written}}}}}\n"
    (found,) = told(tmp_path, text)
    assert message in found
    assert found.startswith("containers.yaml:6:")


def test_a_for_each_that_is_unknown_while_validating_is_no_error(tmp_path: Path) -> None:
    text = """
    plays: {w: {for_each: "${env.LIST}", motto: "${each.key}", name: "x-${each.key}"}}
    stages: {s: {main: '${plays.w["eu"].role}', depends_on: [play.w]}}
    """
    manifest = read(tmp_path, text, offline=True)
    assert attributes(manifest, "play.w") == {"motto": Unknown(None, "${each.key}")}


def test_every_attribute_knows_its_line(tmp_path: Path) -> None:
    text = "plays:\n  a:\n    seats: 1\n    environment_variables:\n      X: y\n    command: [a]\n"
    (found,) = read(tmp_path, text).resources.values()
    file = str(tmp_path / "containers.yaml")
    assert found.source == Source(file, 5, 3)
    assert found.source_of(("environment_variables", "X")) == Source(file, 8, 7)
    assert found.source_of(("environment_variables", "gone")) == Source(file, 7, 5)
    assert found.source_of(("command", "0")) == Source(file, 9, 5)
    assert found.source_of(("filled by its kind",)) == Source(file, 5, 3)
    assert set(found.sources) == {
        ("seats",),
        ("environment_variables",),
        ("environment_variables", "X"),
        ("command",),
    }
    assert len(found.sources) == 4


def test_an_attribute_of_an_environment_has_the_line_of_the_environment(tmp_path: Path) -> None:
    text = "plays:\n  a: {seats: 1}\nenvironments:\n  prod:\n    plays:\n      a: {seats: 2}\n      b: {}\n"
    a, b = read(tmp_path, text, "prod").resources.values()
    assert (a.source.line, a.source_of(("seats",)).line, b.source.line) == (5, 9, 10)


class Curious(Toy):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(PLAY)
        self.told: list[BindContext] = []
        self.texts: list[Any] = []

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        self.told.append(context)
        asked = [("stage", "edge", "main"), ("stage", "edge", "vars"), ("stage", "none", "main")]
        self.texts = [context.text_of(ResourceAddress(kind, key), part) for kind, key, part in asked]
        return Bound(dict(block), settings={"pace": "slow"}, lane="one")


def test_a_kind_is_told_who_and_where_it_is(tmp_path: Path) -> None:
    curious = Curious()
    path = write(
        tmp_path,
        'environments: {prod: {}}\nstages: {edge: {main: "${project}.js", vars: {A: 1}}}\n'
        "plays: {a: {name: x, external: true}}\n",
    )
    inputs = Inputs(registry_host="registry.example")
    manifest = read_manifest(path, {**handlers(), "play": curious}, "prod", inputs)
    (context,) = curious.told
    assert (context.address, context.project, context.environment) == (
        ResourceAddress("play", "a"),
        "shop",
        "prod",
    )
    assert (context.account_id, context.registry_host) == (ACCOUNT, "registry.example")
    assert (context.name, context.default_name, context.external) == ("x", "shop-prod-a", True)
    assert context.sections["stages"]["edge"]["main"] == "${project}.js"
    assert curious.texts == ["shop.js", {"A": 1}, None]
    found = manifest.resources[ResourceAddress("play", "a")]
    assert (found.settings, found.lane) == ({"pace": "slow"}, "one")


def test_a_text_of_an_instance_knows_its_each(tmp_path: Path) -> None:
    class Asking(Toy):
        def bind(self, block: Attributes, context: BindContext) -> Bound:
            return Bound({"motto": context.text_of(ResourceAddress("stage", "s", "eu"), "main")})

    path = write(
        tmp_path, 'stages: {s: {for_each: {eu: 1}, main: "${each.key}${each.value}"}}\nplays: {a: {}}\n'
    )
    manifest = read_manifest(path, {**handlers(), "play": Asking(PLAY)})
    assert attributes(manifest, "play.a") == {"motto": "eu1"}


def test_what_a_kind_reports_has_its_place_and_address(tmp_path: Path) -> None:
    (found,) = errors(tmp_path, "stages:\n  s:\n    bindings:\n      A: wrong\n")
    assert (found.code, found.address, found.source.line) == ("T001", "stage.s", 7)


def test_attributes_are_plain_maps_and_lists(tmp_path: Path) -> None:
    found = attributes(read(tmp_path, "plays: {a: {limits: {regions: [EAST]}}}\n"), "play.a")
    assert type(found["limits"]) is dict
    assert type(found["limits"]["regions"]) is list


def test_outputs_and_the_rest_of_the_manifest(tmp_path: Path) -> None:
    text = """
    state: {backend: local, path: "${env.FOLDER}"}
    check: {profile: adr-049, ignore: [C1]}
    outputs:
      a: "${stages.s.name}"
      b: {c: ["${project}", 1.10]}
    stages: {s: {}}
    """
    manifest = read(tmp_path, text, environ={"FOLDER": "here"})
    assert manifest.state == {"backend": "local", "path": "here"}
    assert manifest.check == {"profile": "adr-049", "ignore": ["C1"]}
    assert manifest.outputs["a"].value.address == ResourceAddress("stage", "s")
    assert manifest.outputs["b"].value == {"c": ["shop", 1.1]}
    assert manifest.outputs["b"].source.line == 9


def test_version_and_project_alone_are_a_manifest_that_declares_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "").declares_nothing
    assert read(tmp_path, "plays:\nstages: {a: null}\n").declares_nothing
