"""No secret's value is in anything that is written or said: fifty planted, every command, every failure, debug logging."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import COMMANDS
from reconciler.kinds.secret.handler import SecretHandler
from reconciler.kinds.worker.handler import WorkerHandler
from tests.cli.git_hosts import TOKEN, GitHost, served
from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import WORKER
from tests.faults.conftest import Record
from tests.faults.planted import Search, forms, hide, manifest, secrets
from tests.harness import ACCOUNT, Ended, Project, project

LONG = bool(os.environ.get("RECONCILER_LONG"))
OLD, NEW = secrets("A"), secrets("B")
WILL = {"hidden": "the sources themselves"}
PLANNED = ("plan -o first.plan", "show first.plan", "apply -v first.plan")
CHANGED = (
    "apply --yes -v --json",
    "apply --yes -v --resend-secrets",
    "destroy --yes --allow DELETES_DATA -v",
)
REVIEWED = ("comment first.plan -v", "comment first.plan --json", "reviewed -v -o reviewed.plan", "comment")
NOT_SEARCHED = {"emulator": "serves until it is stopped, and knows no project"}
LOOKING = (
    "init",
    "explain worker.edge",
    "explain secret.s0 --json",
    "promote api --from staging --to production",
    "validate --format json",
    "validate --format sarif",
    "validate --format github",
    "plan -v",
    "plan --format markdown --detail full --all",
    "plan --format html --detail full --all",
    "plan --json --all",
    "plan --detail full",
    "plan --no-secrets",
    "plan --destroy --detail full",
    "plan --refresh-only",
    "plan --target worker.edge --replace worker.edge --detail full",
    "drift --json",
    "check --format json",
    "check --format sarif",
    "graph",
    "graph --format mermaid",
    "show",
    "show --json",
    "output",
    "output --json",
    "status",
    "status --json",
    "instances api",
    "placements",
    "ips",
    "account",
    "rollout status api",
    "rollback api",
    "restart api",
    "jobs status migrate",
    "jobs run migrate",
    "jobs run migrate --json",
    "state list",
    "state show worker.edge",
    "state show secret.s0 --json",
    "state pull",
    "state history",
    "plan --to 1",
    "images list",
    "images gc",
    "compose",
    "compose -o compose.yaml",
    "doctor",
    "fmt --check",
    "schema plan",
    "import --all",
    "completion bash",
    "version --json",
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    """A project that uses fifty secrets, on an emulator with a fast clock; what it runs is searched."""
    with project(tmp_path / "shop") as made:
        made.folder.mkdir()
        write_folder(made.folder / "image", layout_files(image(b"layer one")))
        made.write(WORKER, "worker.js")
        made.write(manifest())
        hide(made, OLD)
        yield made


def searched(search: Search, shop: Project, command: str) -> Ended:
    """Runs a command, and looks through what it says and leaves behind."""
    ended = shop.run(*command.split())
    search.through(f"stdout of {command}", ended.out.encode())
    search.through(f"stderr of {command}", ended.err.encode())
    search.through_files(shop.folder, WILL)
    return ended


def through_the_rest(search: Search, shop: Project) -> None:
    """The stand-in's own pages, and what lies in the user's folders."""
    search.through("ledger", json.dumps(shop.page("ledger"), ensure_ascii=False).encode())
    search.through("world", json.dumps(shop.page("world"), ensure_ascii=False).encode())
    search.through_files(Path.home(), {})


ALL = "50 secrets planted, and every command that could say them, with debug logging; then in all streams and files"
FAILING = "an apply with new secrets, refused, cut off, or told every form of them by the service; then in all streams and files"
NOWHERE = "0 hits of raw, base64, URL-, JSON-, shell-, HTML-escaped, reversed and hexadecimal forms"


def test_no_command_shows_or_keeps_a_secret(shop: Project, record: Record) -> None:
    search = Search((*OLD, *NEW))
    for command in PLANNED:
        assert searched(search, shop, command).code == 0
    for command in LOOKING:
        searched(search, shop, command)
    hide(shop, NEW)
    assert "changed" in searched(search, shop, "plan --detail full").out
    for command in CHANGED:
        assert searched(search, shop, command).code == 0
    through_the_rest(search, shop)
    assert search.hits == []
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (shop.folder / "state").rglob("*.json"))
    record(10, ALL, len(PLANNED) + len(LOOKING) + 1 + len(CHANGED), NOWHERE)


def in_a_pipeline(shop: Project, host: GitHost) -> None:
    """Lets the project think that it runs on a pull request of GitHub, number 7, which has been merged."""
    event = shop.write(json.dumps({"pull_request": {"number": 7, "head": {"sha": "c0ffee"}}}), "event.json")
    shop.environ |= {
        "GITHUB_API_URL": host.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SHA": "beef" * 10,
        "GITHUB_WORKSPACE": str(shop.folder),
        "GITHUB_RUN_ID": "99",
        "GITHUB_STEP_SUMMARY": str(shop.folder / "summary.md"),
    }
    merged = {"merged_at": "2026", "merge_commit_sha": "beef" * 10, "head": {"sha": "c0ffee"}}
    host.pulls = [{"number": 7, "state": "merged", **merged}]
    host.keep("c0ffee", (shop.folder / "first.plan").read_bytes())


def test_no_review_shows_or_keeps_a_secret(shop: Project, record: Record) -> None:
    search, host = Search((*OLD, *NEW, TOKEN)), GitHost()
    shop.apply()
    hide(shop, NEW)
    assert searched(search, shop, "plan -o first.plan").code == 0
    with served(host):
        in_a_pipeline(shop, host)
        for command in REVIEWED:
            assert searched(search, shop, command).code == 0
        for status in (401, 403, 422, 500):
            host.faults.append(("POST|PATCH", status, {}, {"message": f"no {TOKEN} and its\n{TOKEN}"}))
            hide(shop, OLD if status % 2 else NEW)
            searched(search, shop, "comment -v")
    search.through("comments", "\n".join(host.bodies).encode())
    search.through("requests", json.dumps([one.body for one in host.asked], ensure_ascii=False).encode())
    assert search.hits == []
    assert host.bodies
    what = "plans of 50 planted secrets posted on a pull request, refused, and fetched again; also the token"
    record(10, what, len(REVIEWED) + 4, NOWHERE)


def test_every_command_is_searched() -> None:
    tried = {command.split()[0] for command in (*PLANNED, *LOOKING, *CHANGED, *REVIEWED)}
    assert tried | NOT_SEARCHED.keys() == COMMANDS.keys()


REQUESTS = (
    ("PATCH", "/containers/secrets/"),
    ("PATCH", "/secrets_store/"),
    ("PATCH", "/secrets-bulk"),
    ("PUT", "/workers/scripts/[^/]+$"),
    ("POST", "/jobs$"),
    ("PATCH", "/containers/applications/[0-9a-f-]{36}$"),
    ("POST", "/rollouts$"),
    ("GET", "/containers/applications"),
    ("GET", "/workers/scripts"),
    ("GET", "/containers/secrets"),
)


def told(values: list[str]) -> dict[str, Any]:
    """What a service says that repeats what it was sent, in every form that services use."""
    texts = [form for value in values for form in sorted(forms(value))]
    return {
        "success": False,
        "errors": [{"code": 1000, "message": text} for text in texts],
        "messages": [{"message": values[4]}],
        "error": " ".join(values[:9]),
    }


def faults(values: list[str]) -> list[dict[str, Any]]:
    """What happens to one request: refused, broken, cut off, or answered with what nobody asked for."""
    return [
        {"status": 400, "body": told(values)},
        {"status": 403, "body": told(values)},
        {"status": 409, "body": told(values)},
        {"status": 429, "headers": {"Retry-After": values[0]}, "body": told(values)},
        {"status": 500, "body": told(values), "headers": {"Location": f"http://x/{values[1]}"}},
        {"html": True},
        {"drop": "before"},
        {"drop": "after"},
        {"echo": {"configuration.environment_variables": [{"name": "S", "value": values[1]}]}},
        {"echo": {"description": values[1], "message": values[2], "health": {"why": values[3]}}},
    ]


@pytest.mark.parametrize(("method", "path"), REQUESTS if LONG else REQUESTS[::3])
def test_no_failure_shows_or_keeps_a_secret(shop: Project, method: str, path: str, record: Record) -> None:
    shop.apply()
    search = Search((*OLD, *NEW))
    for number in range(len(faults(OLD))):
        values = (NEW, OLD)[number % 2]
        hide(shop, values)
        shop.write(manifest().replace("max_instances: 2", f"max_instances: {3 + number}"))
        shop.faults({"method": method, "path": path, "times": 3, "fault": faults(values)[number]})
        searched(search, shop, "apply --yes -v" if number % 3 else "apply --yes --json")
        shop.faults()
        searched(search, shop, "plan -v --detail full")
    assert search.hits == []
    record(10, FAILING, len(faults(OLD)), NOWHERE)


@pytest.mark.parametrize("trace", ["", "1"])
@pytest.mark.parametrize(
    ("of", "verb"), [(WorkerHandler, "update"), (WorkerHandler, "observe"), (SecretHandler, "update")]
)
def test_a_defect_is_told_without_secrets(
    shop: Project, of: type, verb: str, trace: str, record: Record
) -> None:
    shop.apply()
    hide(shop, NEW)
    search = Search((*OLD, *NEW))
    broken = RuntimeError(f"cannot send {NEW[1]!r} and {NEW[8]}")
    command = [sys.executable, "-c", BROKEN, of.__module__, of.__name__, verb, str(broken)]
    ended = subprocess.run(
        command, cwd=shop.folder, env=environ_of(shop, RECONCILER_TRACEBACK=trace), capture_output=True
    )
    assert ended.returncode in (1, 4)
    assert b"RuntimeError" in ended.stderr
    search.through("stdout", ended.stdout)
    search.through("stderr", ended.stderr)
    search.through_files(shop.folder, WILL)
    assert search.hits == []
    record(
        10, "a defect of the tool that carries secrets in its text, with and without a traceback", 1, NOWHERE
    )


BROKEN = """
import importlib, sys
module, name, verb, said = sys.argv[1:]
def broken(*_args, **_options):
    raise RuntimeError(said)
setattr(getattr(importlib.import_module(module), name), verb, broken)
from reconciler.cli.main import main
main(["apply", "--yes", "-v"])
"""


def environ_of(shop: Project, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        **shop.environ,
        "CLOUDFLARE_API_BASE_URL": shop.server.base_url,
        "CLOUDFLARE_API_TOKEN": "token",
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        **more,
    }


@pytest.mark.parametrize("after", range(30) if LONG else (8, 14, 20))
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_is_cut_off_leaves_no_secret(
    shop: Project, after: int, how: signal.Signals, record: Record
) -> None:
    search = Search(OLD)
    with shop.process("apply", "--yes", "-v") as process:
        shop.await_requests(0, after, process)
        process.send_signal(how)
        out, err = process.communicate()
    search.through("stdout", out.encode())
    search.through("stderr", err.encode())
    search.through_files(shop.folder, WILL)
    searched(search, shop, "plan -v")
    assert search.hits == []
    record(10, "SIGKILL and SIGINT in the middle of an apply; then in journal, streams and files", 1, NOWHERE)


def test_the_search_finds_what_it_looks_for() -> None:
    for value in OLD:
        search = Search([value])
        for form in forms(value):
            search.through("somewhere", f"before {form} after".encode())
        assert len(search.hits) >= len(forms(value))
    assert search.hits
