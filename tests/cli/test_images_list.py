from __future__ import annotations

from typing import Any

from tests.cli.images_shop import apply_image
from tests.harness import ACCOUNT, Project


def rows(project: Project) -> dict[str, dict[str, Any]]:
    ended = project.run("images", "list", "--json")
    assert ended.code == 0, ended.err
    return {f"{row['repository']}:{row['tag']}": row for row in ended.document["images"]}


def test_images_are_listed_with_who_uses_them_in_all_environments(two_environments: Project) -> None:
    old = apply_image(two_environments, b"version one")
    apply_image(two_environments, b"version one", "production")
    new = apply_image(two_environments, b"version two")
    found = {row["digest"]: row for row in rows(two_environments).values()}
    assert found[old]["used_by"] == [
        "application shop-production-api",
        "production: application.api",
        "production: image.api",
    ]
    assert found[new]["used_by"] == [
        "application shop-staging-api",
        "staging: application.api",
        "staging: image.api",
    ]
    assert found[new]["reference"] == f"registry.cloudflare.com/{ACCOUNT}/shop-api:{found[new]['tag']}"
    assert found[new]["size"] > len(b"version two")


def test_the_table_says_the_same_to_people(two_environments: Project) -> None:
    digest = apply_image(two_environments, b"version one")
    heads, line = two_environments.run("images", "list").out.splitlines()
    assert heads.split() == ["IMAGE", "DIGEST", "SIZE", "AGE", "COMMIT", "USED", "BY"]
    assert line.startswith(f"shop-api:{digest[7:19]}  {digest[:19]}  ")
    assert line.endswith(
        "  -    -       application shop-staging-api, staging: application.api, staging: image.api"
    )


def test_manifests_without_a_tag_are_hidden(two_environments: Project) -> None:
    apply_image(two_environments, b"version one")
    two_environments.run("images", "push", "image", "other:1")
    two_environments.run("images", "push", "image", "other:sha256-attached")
    assert [name for name in rows(two_environments) if name.startswith("other")] == ["other:1"]


def test_an_empty_registry_says_so(two_environments: Project) -> None:
    ended = two_environments.run("images", "list")
    assert (ended.code, ended.out) == (0, "there are no images in the registry yet\n")


def test_a_missing_account_is_said(two_environments: Project) -> None:
    two_environments.environ["CLOUDFLARE_ACCOUNT_ID"] = ""
    ended = two_environments.run("images", "list")
    assert ended.code == 1
    assert "names no account for the environment staging; set CLOUDFLARE_ACCOUNT_ID" in ended.err


def test_it_works_on_the_local_stand_in(two_environments: Project) -> None:
    two_environments.run("apply", "--local", "-e", "staging", "--yes")
    [row] = two_environments.run("images", "list", "--local", "--json").document["images"]
    assert row["account_id"] == ACCOUNT
    assert "staging: image.api" in row["used_by"]
