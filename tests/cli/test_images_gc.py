from __future__ import annotations

from typing import Any

import pytest

from reconciler.cli import images_gc
from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore
from tests.cli.images_shop import MANIFEST, apply_image, digests, put_image, tags
from tests.clients.images import image, index, layout_files, write_folder
from tests.clients.sbom_images import layer
from tests.harness import ACCOUNT, Project


def deploy(project: Project, count: int) -> list[str]:
    """Deploys so many images to staging, one after the other."""
    return [apply_image(project, b"version %d" % number) for number in range(count)]


def gc(project: Project, *args: str) -> None:
    ended = project.run("images", "gc", *args)
    assert ended.code == 0, ended.err


def test_without_yes_it_prints_and_deletes_nothing(two_environments: Project) -> None:
    oldest, *_ = deploy(two_environments, 6)
    before = two_environments.world("manifest")
    ended = two_environments.run("images", "gc")
    assert ended.code == 0
    assert f"shop-api:{oldest[7:19]}" in ended.out
    assert "To delete: 2 tags of 2 images" in ended.out
    assert "nothing was deleted; say --yes" in ended.err
    assert two_environments.world("manifest") == before


@pytest.mark.parametrize(("args", "kept"), [((), 3), (("--keep", "1"), 1), (("--keep", "0"), 0)])
def test_the_last_rollback_targets_stay(two_environments: Project, args: tuple[str, ...], kept: int) -> None:
    deployed = deploy(two_environments, 6)
    gc(two_environments, "--yes", *args)
    assert digests(two_environments) == set(deployed[-1 - kept :])
    assert set(tags(two_environments).values()) == digests(two_environments)
    layers = {one["digest"] for one in two_environments.world("blob")}
    assert len(layers) == 2 * (kept + 1)
    assert two_environments.run("plan", "-e", "staging", "--detailed-exitcode").code == 0


def test_what_another_environment_runs_stays(two_environments: Project) -> None:
    old = apply_image(two_environments, b"old", "production")
    new = deploy(two_environments, 3)[-1]
    gc(two_environments, "--yes", "--keep", "0")
    assert digests(two_environments) == {old, new}


def test_an_environment_that_left_the_manifest_is_remembered(two_environments: Project) -> None:
    old = apply_image(two_environments, b"old", "production")
    new = deploy(two_environments, 2)[-1]
    for one in two_environments.world("application"):
        if one["name"] == "shop-production-api":
            two_environments.by_hand("DELETE", f"containers/applications/{one['id']}")
    two_environments.write(MANIFEST.replace("  production:\n    protect: false\n", ""))
    gc(two_environments, "--yes", "--keep", "0")
    assert digests(two_environments) == {old, new}


def test_what_somebody_else_runs_stays(two_environments: Project) -> None:
    old = deploy(two_environments, 2)[0]
    body = {
        "name": "by-hand",
        "instances": 1,
        "scheduling_policy": "default",
        "configuration": {
            "image": f"registry.cloudflare.com/{ACCOUNT}/shop-api@{old}",
            "instance_type": "lite",
        },
    }
    two_environments.by_hand("POST", "containers/applications", body)
    gc(two_environments, "--yes", "--keep", "0")
    assert old in digests(two_environments)


def test_a_digest_in_the_manifest_stays_before_it_is_applied(two_environments: Project) -> None:
    old = apply_image(two_environments, b"old")
    two_environments.run("promote", "api", "--from", "staging", "--to", "production")
    deploy(two_environments, 2)
    gc(two_environments, "--yes", "--keep", "0")
    assert old in digests(two_environments)


def test_one_used_tag_keeps_the_others_on_its_digest(two_environments: Project) -> None:
    digest = apply_image(two_environments, b"version one")
    two_environments.run("images", "push", "image", "shop-api:by-hand")
    gc(two_environments, "--yes", "--keep", "0")
    assert tags(two_environments) == {digest[7:19]: digest, "by-hand": digest}


def test_other_repositories_only_with_all(two_environments: Project) -> None:
    apply_image(two_environments, b"version one")
    put_image(two_environments, b"of another project")
    two_environments.run("images", "push", "image", "shop-admin:1")
    gc(two_environments, "--yes")
    assert set(tags(two_environments, "shop-admin")) == {"1"}
    gc(two_environments, "--yes", "--all")
    assert digests(two_environments, "shop-admin") == set()
    assert digests(two_environments)


def test_the_parts_of_an_index_go_with_it_and_stay_with_it(two_environments: Project) -> None:
    digest = apply_image(two_environments, b"version one")
    running = image(b"version one")
    mixed = index(("linux/amd64", running), ("linux/arm64", image(b"arm", architecture="arm64")))
    write_folder(two_environments.folder / "both", layout_files(mixed))
    lost = index(("linux/amd64", image(b"lost")), ("linux/arm64", image(b"lost", architecture="arm64")))
    write_folder(two_environments.folder / "lost", layout_files(lost))
    two_environments.run("images", "push", "both", "shop-api:both", "--all-platforms")
    two_environments.run("images", "push", "lost", "shop-api:lost", "--all-platforms")
    assert len(digests(two_environments)) == 6
    gc(two_environments, "--yes")
    assert digests(two_environments) == {digest, mixed.top.digest, *mixed.children}


NO_LIST = {"path": "/referrers/", "times": 0, "fault": {"status": 404}}
ONLY_TAGS = {"method": "DELETE", "path": "/manifests/sha256:", "times": 0, "fault": {"status": 405}}


def with_lists(project: Project) -> tuple[str, str]:
    """Deploys two images to staging, and attaches to each the list of what is in it."""
    found = []
    for name in ("one", "two"):
        found.append(apply_image(project, layer({"usr/lib/os-release": f"ID={name}"})))
        assert project.run("images", "sbom", f"shop-api@{found[-1]}", "--attach").code == 0
    return found[0], found[1]


def hidden_tags(project: Project) -> set[str]:
    return {tag for tag in tags(project) if tag.startswith("sha256-")}


def test_lists_of_packages_go_with_their_image_and_stay_with_it(two_environments: Project) -> None:
    _, second = with_lists(two_environments)
    kept = {
        one["digest"]
        for one in two_environments.world("manifest")
        if second in (one["digest"], one["subject"])
    }
    gc(two_environments, "--yes", "--keep", "0")
    assert (digests(two_environments), len(kept)) == (kept, 2)


@pytest.mark.parametrize(("faults", "left"), [([NO_LIST], 3), ([NO_LIST, ONLY_TAGS], 6)])
def test_the_tag_that_lists_them_goes_with_its_image(
    two_environments: Project, faults: list[dict[str, Any]], left: int
) -> None:
    two_environments.faults(*faults)
    first, second = with_lists(two_environments)
    assert hidden_tags(two_environments) == {one.replace(":", "-") for one in (first, second)}
    gc(two_environments, "--yes", "--keep", "0")
    assert hidden_tags(two_environments) == {second.replace(":", "-")}
    assert len(digests(two_environments)) == left


def test_what_is_deployed_while_the_question_stands_is_spared(
    two_environments: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = deploy(two_environments, 3)
    body = {
        "name": "just-now",
        "instances": 1,
        "scheduling_policy": "default",
        "configuration": {
            "image": f"registry.cloudflare.com/{ACCOUNT}/shop-api@{first}",
            "instance_type": "lite",
        },
    }
    asked: list[str] = []

    def deploy_and_say_yes(yes: bool, question: str) -> None:
        asked.append(question)
        two_environments.by_hand("POST", "containers/applications", body)

    monkeypatch.setattr(images_gc, "_can_ask", lambda: True)
    monkeypatch.setattr(images_gc, "confirm", deploy_and_say_yes)
    gc(two_environments, "--keep", "0")
    assert asked == ["Delete 2 tags of 2 images?"]
    assert digests(two_environments) == {first, third}
    assert second != third


def test_a_broken_manifest_stops_it(two_environments: Project) -> None:
    deploy(two_environments, 6)
    before = two_environments.world("manifest")
    two_environments.write(MANIFEST.replace("archive: image", "archvie: image"))
    ended = two_environments.run("images", "gc", "--yes")
    assert (ended.code, two_environments.world("manifest")) == (1, before)
    assert "archive" in ended.err


def test_a_running_apply_stops_it(two_environments: Project) -> None:
    deploy(two_environments, 1)
    store = LocalStore(two_environments.folder / "state", Identity("shop", "staging"))
    with store.lock("apply"):
        ended = two_environments.run("images", "gc", "--yes")
    assert ended.code == 3
    assert "staging is locked by" in ended.err


def test_a_state_that_cannot_be_read_stops_it(two_environments: Project) -> None:
    deploy(two_environments, 6)
    (two_environments.folder / "state" / "staging.json").write_text("{}")
    before = two_environments.world("manifest")
    assert two_environments.run("images", "gc", "--yes").code == 3
    assert two_environments.world("manifest") == before


def test_json_has_both_sides(two_environments: Project) -> None:
    deployed = deploy(two_environments, 3)
    told = two_environments.run("images", "gc", "--keep", "1", "--json").document
    assert [one["digest"] for one in told["delete"]] == deployed[:1]
    assert {one["digest"]: one["because"] for one in told["keep"]}[deployed[1]] == [
        "rollback target of application.api in staging"
    ]


def test_a_refusal_in_the_middle_says_how_far_it_came(two_environments: Project) -> None:
    deploy(two_environments, 4)
    fault = {
        "method": "DELETE",
        "path": "/manifests/[0-9a-f]{12}$",
        "after": 1,
        "times": 0,
        "fault": {"status": 403},
    }
    two_environments.faults(fault)
    ended = two_environments.run("images", "gc", "--yes", "--keep", "0")
    assert (ended.code, len(tags(two_environments))) == (4, 3)
    assert "1 tags were deleted, then" in ended.err
