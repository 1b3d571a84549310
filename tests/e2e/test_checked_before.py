"""What the manifest alone shows to be impossible: said by `validate` with its line, and an apply touches nothing."""

from __future__ import annotations

import pytest

from tests.harness import Project

HEAD = "version: 1\nproject: shop\nimages: {api: {archive: image}}\n"
LONG = "x" * 64
RSA = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7"
GOOD = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
WEB = "applications:\n  web:\n    image: ${images.api}\n    "
PROXY = "deployments:\n  proxy:\n    image: ${images.api}\n    location: ams02\n    "
TASKS = "applications:\n  tasks: {image: '${images.api}', jobs: true, instances: 0}\njobs:\n  purge:\n    "
RUN = "application: ${applications.tasks}\n    command: [purge]\n    "

WRONG = [
    # instance types
    (WEB + "instance_type: huge", "7:5", "huge"),
    (WEB + "instance_type: {vcpu: 8, memory_mib: 4096}", "7:21", "8 vCPU is more than the 4"),
    (WEB + "instance_type: {vcpu: 2, memory_mib: 4096}", "7:30", "less than 3072 MiB for each of 2 vCPU"),
    (WEB + "instance_type: {memory_mib: 6144}", "7:5", "vcpu 0.0625, the default of `lite`"),
    (WEB + "instance_type: {vcpu: 1, memory_mib: 4096, disk_mb: 30000}", "7:48", "30000 MB is more than"),
    (PROXY + "instance_type: {vcpu: 8, memory_mib: 4096}", "8:21", "8 vCPU is more than the 4"),
    # regions and jurisdictions
    (WEB + "constraints: {regions: [MARS]}", "7:19", 'there is no region "MARS"'),
    (WEB + "constraints: {regions: [OC, AFR]}", "7:19", "AFR, OC has limited capacity"),
    (WEB + "constraints: {regions: [WNAM], jurisdiction: eu}", "7:19", "outside the jurisdiction eu"),
    (WEB + "constraints: {regions: [WEUR], jurisdiction: fedramp}", "7:19", "outside the jurisdiction fedramp"),
    (WEB + "constraints: {jurisdiction: mars}", "7:19", "mars"),
    (WEB + "constraints: {tier: 1, tiers: [2]}", "7:19", "exclude each other"),
    # steps of a rollout
    (WEB + "max_instances: 2\n    rollout_step_percentage: [10, 50, 100]", "8:5", "3 steps are more than max_instances, 2"),
    (WEB + "rollout_step_percentage: [50, 10, 100]", "7:5", "does not rise"),
    (WEB + "rollout_step_percentage: [5, 100]", "7:5", "does not rise from 10 or more"),
    (WEB + "rollout_step_percentage: 30", "7:5", "30"),
    (WEB + "rollout: {on_failure: pause}", "7:15", "only a manual rollout can pause"),
    # SSH keys
    (f"ssh_public_keys:\n  ops: {{public_key: {RSA}}}", "5:9", "only keys that begin with ssh-ed25519"),
    ("ssh_public_keys:\n  ops: {public_key: ssh-ed25519 AAAA}", "5:9", "Ed25519"),
    (WEB + f"authorized_keys: {{ops: {RSA}}}", "7:", "Ed25519"),
    (PROXY + f"authorized_keys: {{ops: {RSA}}}", "8:", "Ed25519"),
    # names
    (WEB + f"name: {LONG}", "7:5", "at most 63"),
    (WEB + "name: no spaces", "7:5", "no spaces"),
    ("secrets:\n  db: {from: {env: A}, name: 9db, targets: [account]}", "5:", "9db"),
    ("applications:\n  Web: {image: '${images.api}'}", "5:3", "Web"),
    (
        "applications:\n  a: {image: '${images.api}', name: one}\n  b: {image: '${images.api}', name: one}",
        "6:3",
        "one",
    ),
    # ports and checks
    (WEB + "ports: {web: {port: 70000}}", "7:", "70000"),
    (WEB + "ports: {web: {port: 0}}", "7:", "0"),
    (WEB + "network: {mode: public-by-port}", "7:", "ports"),
    (WEB + "checks: {up: {type: tcp, port: web, interval: 5s, timeout: 1s, kind: health}}", "7:", "web"),
    # jobs and deployments
    (TASKS + "command: [purge]", "7:3", "it names no application"),
    (TASKS + RUN + "environment_variables: {RECONCILER_RUN: x}", "10:", "is set for every run"),
    (PROXY.replace("    location: ams02\n", "") + "command: [serve]", "5:3", "it has no location"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "said"), WRONG, ids=[one[2] for one in WRONG])
def test_the_manifest_is_told_where_it_cannot_work(shop: Project, text: str, place: str, said: str) -> None:
    shop.write(HEAD + text + "\n")
    since = shop.last_request()
    for command in (["validate"], ["apply", "--yes"]):
        ended = shop.run(*command)
        assert ended.code == 1, ended.err + ended.out
        lines = [line for line in ended.err.splitlines() if line.startswith(f"containers.yaml:{place}")]
        assert any(said in line for line in lines), ended.err
    assert shop.requests(since) == [], "nothing is asked, let alone touched"


LOOP = """
environments: {one: {}, other: {}}
secrets: {db: {from: {env: DB}}}
deployments:
  a: {image: registry.cloudflare.com/acme/a:1, location: ams02, environment_variables: {A: "${deployments.b.id}"}}
  b: {image: registry.cloudflare.com/acme/b:1, location: ams02, depends_on: [deployment.a]}
"""


def test_a_loop_is_found_in_every_environment_and_told_once(shop: Project) -> None:
    shop.write(HEAD + LOOP)
    ended = shop.run("validate", "--format", "json")
    (found,) = ended.document["diagnostics"]
    assert (ended.code, found["code"], found["address"]) == (1, "E321", "deployment.a")
    assert found["source"]["line"] == 8
    assert "deployment.b.depends_on waits for deployment.a (containers.yaml:9:" in found["summary"]


REFUSED = [
    ("secrets", "secrets: {db: {from: {env: DB_PASSWORD}, targets: [account]}}\n", "secret.db"),
    (
        "ssh_public_keys",
        f"ssh_public_keys:\n  ops: {{public_key: {GOOD}}}\n",
        "ssh_public_key.ops",
    ),
    ("deployments", PROXY + "command: [serve]\n", "deployment.proxy"),
    ("registry_protocols", "registry_protocols:\n  cf: {domains: [{domain: docker.io, path: a}]}\n", "registry_protocol.cf"),
    ("account", "account: {defaults: {vcpus: 0.25}}\n", "account.account"),
    ("jobs", TASKS + RUN + "\n", "job.purge"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "text", "address"), REFUSED, ids=[one[0] for one in REFUSED])
def test_what_an_ordinary_account_may_be_refused_says_so(
    shop: Project, family: str, text: str, address: str
) -> None:
    shop.settings(refuse=[family])
    shop.write(HEAD + text)
    ended = shop.run("apply", "--yes")
    assert ended.code in (1, 4)
    assert (
        "this operation is not open to every account: ask Cloudflare for it, or take the resource out"
        in ended.err
    )
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("status", [403, 404])
def test_steps_of_a_rollout_that_are_not_open_say_so_too(shop: Project, status: int) -> None:
    text = HEAD + WEB + "instances: 4\n    rollout_kind: full_manual\n    environment_variables: {A: '%d'}\n"
    shop.write(text % 1)
    shop.apply()
    shop.write(text % 2)
    shop.apply("--no-wait")
    body = {"success": False, "errors": [{"code": 7003, "message": "no route"}], "result": None}
    shop.faults({"path": "/rollouts/", "fault": {"status": status, "body": body}, "times": 0})
    ended = shop.run("rollout", "revert", "web")
    assert ended.code == 1
    assert "this operation is not open to every account" in ended.err
