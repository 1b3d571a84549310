"""`--to SERIAL`: the live account becomes again what an earlier state recorded."""

from __future__ import annotations

import json
import re

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import SHOP, WORKER
from tests.harness import Project

BIGGER = SHOP.replace("instance_type: basic", "instance_type: standard-1").replace(
    "max_instances: 4", "max_instances: 9"
)
SECOND = SHOP.replace(
    "applications:\n",
    "applications:\n  extra: {image: '${images.api}', instances: 2, environment_variables: {OF: '${applications.api.id}'}}\n",
)
DESTROY = ("--allow-destroy", "1")


def serial(shop: Project) -> str:
    """The serial of the present state."""
    newest = shop.run("state", "history", "--json").document[0]
    return str(newest["serial"])


def applied(shop: Project, manifest: str, *flags: str) -> str:
    shop.write(manifest)
    shop.apply(*flags)
    return serial(shop)


def configurations(shop: Project) -> dict[str, object]:
    """What runs, as far as it is of our making."""
    return {
        one["name"]: (one["configuration"], one["max_instances"], one["instances"])
        for one in shop.world("application")
    }


def goes_back(shop: Project, then: str, *flags: str) -> None:
    shop.apply("--to", then, *flags)
    plan = shop.plan("--to", then)
    assert plan["changes"] == [], plan["changes"]


def test_what_changed_becomes_again_what_it_was(shop: Project) -> None:
    then = applied(shop, SHOP)
    before = configurations(shop)
    applied(shop, BIGGER)
    [change] = shop.plan("--to", then)["changes"]
    assert {(one["path"], str(one["before"]), str(one["after"])) for one in change["attributes"]} >= {
        ("max_instances", "9", "4")
    }
    assert change["effect"] == "rollout"
    text = " ".join(shop.run("plan", "--to", then).out.split())
    assert f"back to state #{then}" in text
    assert f"Apply reconciler apply --to {then}" in text
    goes_back(shop, then)
    assert configurations(shop) == before
    assert shop.actions() == {"application.api": "update"}


def test_an_image_is_the_digest_of_then_though_its_source_is_gone(shop: Project) -> None:
    then = applied(shop, SHOP)
    before = configurations(shop)
    write_folder(shop.folder / "image", layout_files(image(b"layer two")))
    applied(shop, SHOP)
    assert configurations(shop) != before
    assert shop.actions("--to", then) == {"image.api": "update", "application.api": "update"}
    goes_back(shop, then)
    assert configurations(shop) == before


def test_what_came_since_goes_and_what_went_comes_back(shop: Project) -> None:
    alone = applied(shop, SHOP)
    both = applied(shop, SECOND)
    assert shop.actions("--to", alone) == {"application.extra": "delete"}
    goes_back(shop, alone)
    assert shop.actions("--to", both) == {"application.extra": "create"}
    [change] = shop.plan("--to", both)["changes"]
    assert change["reason"] == f"it was there in state #{both}"
    goes_back(shop, both)
    [api] = [one["id"] for one in shop.world("application") if one["name"] == "shop-api"]
    [extra] = [one for one in shop.world("application") if one["name"] == "shop-extra"]
    assert extra["configuration"]["environment_variables"] == [{"name": "OF", "value": api}]


def test_something_made_anew_has_a_new_id_wherever_it_is_used(shop: Project) -> None:
    then = applied(shop, SECOND)
    applied(shop, SHOP.replace("class_name: Api", "class_name: Jobs"))
    goes_back(shop, then)
    ids = {one["name"]: one["id"] for one in shop.world("application")}
    [extra] = [one for one in shop.world("application") if one["name"] == "shop-extra"]
    assert extra["configuration"]["environment_variables"] == [{"name": "OF", "value": ids["shop-api"]}]
    assert shop.run("output", "application").out.strip() == ids["shop-api"]


def test_a_renamed_class_gets_its_name_back_and_keeps_its_namespace(shop: Project) -> None:
    then = applied(shop, SHOP)
    [before] = shop.world("application")
    renamed = SHOP.replace("class_name: Api", "class_name: Jobs").replace(
        '    bindings: {API: "${applications.api}"}\n',
        '    bindings: {API: "${applications.api}"}\n    classes: {Jobs: {renamed_from: Api}}\n',
    )
    applied(shop, renamed)
    assert shop.actions("--to", then) == {"worker.edge": "update"}
    goes_back(shop, then)
    [after] = shop.world("application")
    assert after["durable_objects"] == before["durable_objects"]


def test_a_move_is_taken_back(shop: Project) -> None:
    then = applied(shop, SHOP)
    moved = SHOP.replace("  api:\n    image", "  front:\n    image").replace(
        "applications.api", "applications.front"
    )
    applied(shop, f"{moved}\nmoved: [{{from: application.api, to: application.front}}]\n")
    plan = shop.plan("--to", then)
    assert {one["address"]: one.get("moved_from") for one in plan["changes"]}["application.api"] == (
        "application.front"
    )
    assert plan["summary"]["create"] == plan["summary"]["delete"] == 0
    goes_back(shop, then)


def test_secrets_stay_as_they_are_and_that_is_said_once(shop: Project) -> None:
    then = applied(shop, SHOP)
    shop.environ["DB_PASSWORD"] = "another-value"
    applied(shop, BIGGER)
    plan = shop.plan("--to", then)
    assert [one["address"] for one in plan["changes"]] == ["application.api"]
    assert [one["code"] for one in plan["diagnostics"]] == ["P120"]
    goes_back(shop, then)


WITH_ACCOUNT_SECRET = SHOP.replace(
    "    environment_variables: {LOG_LEVEL: info}\n\n",
    "    environment_variables: {LOG_LEVEL: info}\n    secrets: {TOKEN: '${secrets.token}'}\n\n",
).replace("secrets:\n  db", "secrets:\n  token: {from: {env: TOKEN}}\n  db")


def test_a_secret_that_is_gone_comes_back_where_its_source_still_gives_that_value(shop: Project) -> None:
    shop.environ["TOKEN"] = "the-token-of-then"
    then = applied(shop, WITH_ACCOUNT_SECRET)
    applied(shop, SHOP)
    assert shop.world("secret") == []
    goes_back(shop, then)
    assert [one["name"] for one in shop.world("secret")] == ["shop-token"]


def test_a_secret_whose_value_of_then_is_gone_is_refused_by_name(shop: Project) -> None:
    shop.environ["TOKEN"] = "the-token-of-then"
    then = applied(shop, WITH_ACCOUNT_SECRET)
    applied(shop, SHOP)
    shop.environ["TOKEN"] = "another-one"
    ended = shop.run("plan", "--to", then, "--json")
    assert ended.code == 1
    problems = {one["code"]: one for one in ended.document["diagnostics"]}
    assert problems["P121"]["address"] == "secret.token"
    actions = {one["address"]: one["action"] for one in ended.document["changes"]}
    assert actions["secret.token"] == "refused"


def test_a_text_around_a_secret_is_taken_from_the_manifest_if_it_is_still_the_same(shop: Project) -> None:
    then = applied(shop, SHOP)
    without = applied(shop, re.sub("    secrets: .*\n", "", SHOP))
    assert shop.run("plan", "--to", then).code == 1
    shop.write(SHOP)
    goes_back(shop, then)
    goes_back(shop, without)
    shop.write(SHOP.replace("db.example", "other.example"))
    assert shop.actions("--to", then) == {"worker.edge": "refused"}


def test_a_worker_whose_modules_are_another_says_what_to_check_out(shop: Project) -> None:
    then = applied(shop, SHOP)
    shop.write(WORKER + "// changed\n", "worker.js")
    applied(shop, SHOP)
    ended = shop.run("plan", "--to", then)
    assert ended.code == 1
    assert "check out the commit" in " ".join(ended.out.split())
    assert shop.run("apply", "--yes", "--to", then).code == 1
    shop.write(WORKER, "worker.js")
    goes_back(shop, then)
    assert shop.actions() == {}


def test_what_a_refused_worker_still_uses_stays(shop: Project) -> None:
    then = applied(shop, SHOP)
    shop.write(WORKER + "// changed\n", "worker.js")
    more = SHOP.replace("secrets:\n", "secrets:\n  more: {from: {env: DB_PASSWORD}}\n", 1)
    applied(shop, more.replace("    secrets: {D", "    secrets: {MORE: '${secrets.more}', D"))
    actions = {one["address"]: one["action"] for one in shop.plan("--to", then)["changes"]}
    assert actions == {"worker.edge": "refused", "secret.more": "refused"}


def test_a_generation_goes_on_counting(shop: Project) -> None:
    counted = SHOP.replace(
        "    max_instances: 4\n", "    max_instances: 4\n    generation_variable: {name: GEN, vars: true}\n"
    )
    then = applied(shop, counted)
    applied(shop, counted.replace("instance_type: basic", "instance_type: standard-1"))
    goes_back(shop, then)
    [application] = shop.world("application")
    assert {"name": "GEN", "value": "3"} in application["configuration"]["environment_variables"]


def test_guards_hold(shop: Project) -> None:
    alone = applied(shop, SHOP)
    applied(shop, SECOND.replace("instances: 2,", "instances: 2, protect: true,"))
    ended = shop.run("apply", "--yes", "--to", alone)
    assert ended.code == 3
    assert "PROTECTED:application.extra" in ended.err
    applied(shop, SECOND)
    goes_back(shop, alone)


def test_a_saved_plan_leads_to_where_it_was_made_for(shop: Project) -> None:
    then = applied(shop, SHOP)
    applied(shop, BIGGER)
    shop.run("plan", "--to", then, "-o", "plan.json")
    saved = json.loads((shop.folder / "plan.json").read_text())
    assert saved["inputs"]["options"]["to"] == int(then)
    assert shop.run("apply", "--to", then, "plan.json").code == 1
    assert shop.run("apply", "plan.json").code == 0
    assert shop.plan("--to", then)["changes"] == []
    assert shop.run("apply", "plan.json").code == 3


def test_a_target_narrows_the_way_back(shop: Project) -> None:
    then = applied(shop, SHOP)
    applied(shop, SECOND.replace("max_instances: 4", "max_instances: 9"))
    assert shop.actions("--to", then, "--target", "application.api") == {"application.api": "update"}


def test_jobs_that_ran_are_left_alone(shop: Project) -> None:
    then = applied(shop, SHOP)
    jobs = SHOP.replace("    instance_type: basic\n", "    instance_type: basic\n    jobs: true\n")
    before = applied(shop, jobs, "--allow", "DELETES_DATA")
    applied(shop, jobs + "\njobs:\n  migrate: {application: api, command: [migrate]}\n")
    assert shop.actions("--to", before) == {}
    assert "job.migrate" not in shop.actions("--to", then)


@pytest.mark.parametrize("flag", ["--destroy", "--refresh-only"])
def test_it_excludes_other_ways_to_say_what_is_wanted(shop: Project, flag: str) -> None:
    then = applied(shop, SHOP)
    ended = shop.run("plan", "--to", then, flag)
    assert ended.code == 1
    assert "exclude each other" in ended.err


def test_an_unknown_serial_is_answered_with_those_that_are_kept(shop: Project) -> None:
    then = applied(shop, SHOP)
    ended = shop.run("plan", "--to", "77")
    assert ended.code == 1
    assert "no version with serial 77" in ended.err
    assert then in ended.err
