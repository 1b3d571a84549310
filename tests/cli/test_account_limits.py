from __future__ import annotations

import pytest

from tests.cli.running_shop import BROKEN, MANIFEST
from tests.harness import ACCOUNT, Project


def limits(project: Project, *args: str) -> dict[str, object]:
    document = project.run("account", "--json", *args).document
    return {one["what"]: one["manifest"] for one in document["limits"]}


def test_the_manifest_is_held_against_the_limits(running: Project) -> None:
    assert limits(running) == {"vCPU": 1.25, "memory": 9216, "disk": 24000}
    out = running.run("account").out
    assert out.splitlines()[0] == f"account {ACCOUNT}"
    assert "vCPU          0.0625   4             1 500       1.25 (0.0833 %)\n" in out
    assert "application.api    2          1       8 192       16 000\n" in out
    assert "job.purge          1          0.0625  256         2 000\n" in out
    assert "ams02     WEUR    Amsterdam, Netherlands" in out


def test_it_needs_no_state(running: Project) -> None:
    running.page("world", method="DELETE")
    for one in (running.folder / "state").iterdir():
        one.rename(running.folder / one.name)
    assert limits(running)["memory"] == 9216


def test_it_needs_no_manifest(running: Project) -> None:
    (running.folder / "containers.yaml").unlink()
    ended = running.run("account")
    assert (ended.code, ended.out.splitlines()[0]) == (0, f"account {ACCOUNT}")
    assert "what the manifest would use is not known" in ended.err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BROKEN, "a bracket is never closed"),
        (MANIFEST.replace("shop", "${env.NOT_SET}", 1), "containers.yaml:2:1"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_left_out_and_said(running: Project, text: str, why: str) -> None:
    running.write(text)
    ended = running.run("account")
    assert (ended.code, "what the manifest would use is not known" in ended.err) == (0, True)
    assert why in ended.err
    assert "not known\n" in ended.out
    assert why in running.run("account", "--json").document["manifest_problem"]


def test_more_than_there_may_be_is_marked(running: Project) -> None:
    running.write(MANIFEST.replace("max_instances: 2", "max_instances: 4000"))
    assert "2 000.25 (133 %) TOO MUCH\n" in running.run("account").out


def test_what_is_somebody_elses_is_not_counted(running: Project) -> None:
    running.write(MANIFEST.replace("instances: 1}", "instances: 1, external: true}"))
    assert limits(running)["memory"] == 8960


def test_a_size_that_is_not_known_is_left_out_of_the_totals(running: Project) -> None:
    managed = "scheduling_policy: durable_object, images: {main: '${images.api}'}, class_name: Api"
    text = MANIFEST.replace(
        '{image: "${images.api}", class_name: Api, instance_type: standard-1, max_instances: 2}',
        f"{{{managed}}}",
    )
    running.write(text)
    out = running.run("account").out
    assert "application.api    not known" in out
    assert "What is not known is not in the totals.\n" in out
