"""Whatever a service says or a manifest holds: nothing of it is obeyed by a terminal, a CI runner, a page or a comment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.shop import SHOP
from tests.harness import Ended, Project
from tests.security.outputs import NASTY, check_html, check_json, check_markdown, check_text

COMMANDS = (
    "plan -v --detail full --all",
    "plan --format markdown --detail full --all",
    "plan --format html --detail full --all",
    "plan --json --all",
    "plan --explain application.api",
    "plan --destroy",
    "plan --refresh-only",
    "drift",
    "drift --json",
    "status",
    "instances api",
    "instances api --json",
    "placements",
    "placements --json",
    "ips",
    "account",
    "rollout status api",
    "jobs status migrate",
    "images list",
    "images gc",
    "import --all --write",
    "doctor",
    "show",
    "output",
    "state list",
    "state show application.api",
    "state history",
    "graph",
    "graph --format mermaid",
    "graph --format dot",
    "graph --format svg",
    "validate --format github",
    "validate --format sarif",
    "check",
    "compose",
)
WRITING = ("apply --yes", "apply --yes --json", "restart api --no-wait", "rollback api", "destroy --yes")


def check(command: str, ended: Ended) -> None:
    """Each output by the rules of who reads it."""
    check_text(ended.err)
    assert "Traceback" not in ended.err
    if not ended.out:
        return
    if "markdown" in command:
        check_markdown(ended.out)
    elif "html" in command or "svg" in command:
        check_html(ended.out)
    elif "json" in command or "sarif" in command:
        check_json(ended.out)
    elif "github" in command:
        assert all(line.startswith("::") for line in ended.out.splitlines()), ended.out
    else:
        check_text(ended.out)


def echoes(text: str) -> list[dict[str, Any]]:
    """Answers in which what is free text, or an object of somebody else's, says this."""
    variables = [{"name": text, "value": text}]
    return [
        {"name": text, "message": text, "reason": text, "error": text},
        {"configuration.environment_variables": variables, "configuration.labels": variables},
        {"configuration.image": text, "configuration.command": [text], "image": text},
        {"health": text, "status": text, "location": text, "region": text, "created_at": text},
        {"status": {"health": text, "message": text}, "current_placement": {"status": {"health": text}}},
        {"id": text, "version": text, "description": text, "created_on": text, "modified_on": text},
    ]


@pytest.fixture
def applied(shop: Project) -> Project:
    shop.environ["RECONCILER_TRACEBACK"] = ""
    shop.write(SHOP)
    shop.apply()
    return shop


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_whatever_the_service_answers_is_harmless(applied: Project, number: int) -> None:
    for turn, echo in enumerate(echoes(NASTY[number])):
        applied.faults({"method": "GET", "path": "/client/v4/", "times": 0, "fault": {"echo": echo}})
        for command in COMMANDS[(number + turn) % 3 :: 3]:
            check(command, applied.run(*command.split()))


@pytest.mark.parametrize(
    ("status", "texts"),
    [
        (400, NASTY[::2]),
        (403, NASTY[1::2]),
        (404, NASTY[::3]),
        (409, NASTY[1::3]),
        (500, NASTY[2::3]),
        (429, NASTY[1:2]),  # costs its second of waiting
    ],
    ids=lambda one: str(one) if isinstance(one, int) else "",
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_whatever_the_service_refuses_with_is_harmless(
    applied: Project, status: int, texts: tuple[str, ...], method: str
) -> None:
    applied.write(SHOP.replace("max_instances: 4", "max_instances: 5"))
    for text in texts:
        body = {
            "success": False,
            "errors": [{"code": 1000, "message": text}],
            "error": text,
            "messages": [text],
        }
        fault = {"status": status, "body": body, "headers": {"Retry-After": "0"}}
        applied.faults({"method": method, "path": "/containers/applications", "times": 5, "fault": fault})
        for command in ("apply --yes -v", "apply --yes --json", "status", "plan --json"):
            check(command, applied.run(*command.split()))


def nasty_manifest(text: str) -> str:
    """A manifest that is full of it, wherever text may stand."""
    quoted = json.dumps(text.replace("${", "$${"))
    return (
        SHOP.replace(
            "environment_variables: {LOG_LEVEL: info}",
            f"environment_variables: {{LOG_LEVEL: {quoted}}}\n    labels: {{team: {quoted}}}",
        )
        .replace("vars: {LOG_LEVEL: info}", f"vars: {{LOG_LEVEL: {quoted}}}")
        .replace("outputs:", f"outputs:\n  nasty: {quoted}")
    )


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_whatever_stands_in_a_manifest_is_harmless(shop: Project, number: int) -> None:
    shop.environ["RECONCILER_TRACEBACK"] = ""
    shop.write(nasty_manifest(NASTY[number]))
    for command in (*COMMANDS, *WRITING):
        check(command, shop.run(*command.split()))


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_whatever_a_key_or_a_wrong_value_is_called_is_harmless(shop: Project, number: int) -> None:
    shop.environ["RECONCILER_TRACEBACK"] = ""
    quoted = json.dumps(NASTY[number])
    for text in (
        SHOP.replace("applications:\n  api:", f"applications:\n  {quoted}:"),
        SHOP.replace("max_instances: 4", f"max_instances: {quoted}"),
        SHOP.replace("project: shop", f"project: {quoted}"),
        SHOP.replace("instance_type: basic", f"instance_type: {quoted}\n    {quoted}: 1"),
        SHOP.replace("${images.api}", f"${{images.{NASTY[number]}}}".replace("\n", " ").replace('"', "")),
    ):
        shop.write(text)
        for command in (
            "validate",
            "validate --format json",
            "validate --format github",
            "validate --format sarif",
            "plan",
            "status",
            "fmt --check",
            "compose",
        ):
            check(command, shop.run(*command.split()))
