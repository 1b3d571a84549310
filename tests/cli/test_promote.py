from __future__ import annotations

import difflib
import shutil

import pytest

from tests.cli.images_shop import MANIFEST, apply_image
from tests.harness import Project

ARGS = ("promote", "api", "--from", "staging", "--to", "production")


def text_of(project: Project) -> str:
    return (project.folder / "containers.yaml").read_text()


def changed_lines(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_the_digest_that_runs_is_written_and_planned_without_building(two_environments: Project) -> None:
    digest = apply_image(two_environments, b"version one")
    ended = two_environments.run(*ARGS)
    assert ended.code == 0, ended.err
    assert digest in ended.out
    assert "archive image" in ended.out
    assert changed_lines(MANIFEST, text_of(two_environments)) == [
        "+     images:",
        "+       api:",
        f"+         digest: {digest}",
    ]
    shutil.rmtree(two_environments.folder / "image")
    planned = {one["address"]: one for one in two_environments.plan("-e", "production")["changes"]}
    [written] = [one for one in planned["image.api"]["attributes"] if one["path"] == "digest"]
    assert written["after"] == digest
    two_environments.apply("-e", "production")
    images = {one["name"]: one["configuration"]["image"] for one in two_environments.world("application")}
    assert images["shop-production-api"].endswith(digest)
    assert len(two_environments.world("manifest")) == 1


def test_the_second_promotion_changes_one_line(two_environments: Project) -> None:
    first = apply_image(two_environments, b"version one")
    two_environments.run(*ARGS)
    before = text_of(two_environments)
    second = apply_image(two_environments, b"version two")
    assert two_environments.run(*ARGS).code == 0
    assert changed_lines(before, text_of(two_environments)) == [
        f"-         digest: {first}",
        f"+         digest: {second}",
    ]
    assert "stands there already" in two_environments.run(*ARGS).out


def test_an_image_that_is_gone_is_not_promoted(two_environments: Project) -> None:
    apply_image(two_environments, b"version one")
    two_environments.page("world", method="DELETE")
    ended = two_environments.run(*ARGS)
    assert ended.code == 1
    assert "is not there; bring it there with `images copy" in ended.err
    assert text_of(two_environments) == MANIFEST


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ("web", "--from", "staging", "--to", "production"),
            "image.web was never applied to staging; there are image.api",
        ),
        (("api", "--from", "production", "--to", "staging"), "nothing was ever applied to production"),
        (("api", "--from", "staging", "--to", "stagin"), 'no environment "stagin"'),
        (("api", "--from", "nowhere", "--to", "staging"), 'no environment "nowhere"'),
        (("api", "--from", "staging", "--to", "staging"), "runs in staging already"),
        (("application.api", "--from", "staging", "--to", "production"), "application.api is no image"),
        (('image.api["a"]', "--from", "staging", "--to", "production"), "for_each"),
    ],
)
def test_what_cannot_be_promoted_is_said(two_environments: Project, args: tuple[str, ...], said: str) -> None:
    apply_image(two_environments, b"version one")
    ended = two_environments.run("promote", *args)
    assert (ended.code, text_of(two_environments)) == (1, MANIFEST)
    assert said in ended.err


def test_json_tells_where_it_came_from(two_environments: Project) -> None:
    digest = apply_image(two_environments, b"version one")
    told = two_environments.run(*ARGS, "--json").document
    assert (told["image"], told["from"], told["to"], told["digest"]) == (
        "image.api",
        "staging",
        "production",
        digest,
    )
    assert (told["changed"], told["origin"]["digest"]) == (True, digest)
