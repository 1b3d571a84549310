"""What a slip must not destroy: an emptied manifest, the wrong account, a protection whose block is gone, a newer state."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.storage.codec import UNSEALED, with_checksum
from tests.e2e.shop import SHOP
from tests.faults.conftest import Record
from tests.harness import Ended, Project

MANY = "version: 1\nproject: shop\nimages: {api: {archive: image}}\napplications:\n" + "".join(
    f'  a{number}: {{image: "${{images.api}}", instances: 0}}\n' for number in range(12)
)
ENVIRONMENTS = "environments: {staging: {}, production: {}}\n"


def touched(shop: Project, since: int) -> list[tuple[str, str]]:
    """What was written since; asking for permissions and credentials is none."""
    return [
        (method, path)
        for method, path in shop.requests(since)
        if method not in ("GET", "HEAD")
        and "asks-for" not in path
        and "0000-0000" not in path
        and "/credentials" not in path
    ]


def refused(shop: Project, *args: str, code: int = 3) -> Ended:
    """A command that is refused: nothing is written, neither there nor here, and no lock is left."""
    since, before = shop.last_request(), kept(shop)
    ended = shop.run(*args)
    assert ended.code == code, ended
    assert touched(shop, since) == []
    assert kept(shop) == before
    return ended


def kept(shop: Project) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (shop.folder / "state").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 1, "holds nothing"),
        ("# nothing\n", 1, "holds nothing"),
        ("null\n", 1, "holds nothing"),
        ("{}\n", 1, "holds nothing"),
        ("version: 1\n", 1, "project"),
        ("project: shop\n", 1, "version"),
        ("version: 1\nproject: shop\n", 3, "--allow-destroy 12"),
        ("version: 1\nproject: shop\napplications:\n", 3, "--allow-destroy 12"),
        ("version: 1\nproject: shop\nimages: {api: {archive: image}}\n", 3, "--allow-destroy 12"),
        (MANY.replace("  a11", "  b11"), 0, "1 to delete"),
        (MANY.partition("  a8:")[0], 3, "--allow-destroy 4"),
    ],
)  # fmt: skip
def test_a_manifest_that_lost_its_content_destroys_nothing(
    shop: Project, text: str, code: int, said: str, record: Record
) -> None:
    shop.write(MANY)
    shop.apply()
    shop.write(text)
    if code == 0:
        assert shop.run("apply", "--yes").code == 0
        return
    assert said in refused(shop, "apply", "--yes", code=code).err
    number = said.rpartition(" ")[2]
    if code == 3:
        refused(shop, "apply", "--yes", "--allow-destroy", str(int(number) - 1))
        assert shop.run("apply", "--yes", "--allow-destroy", number).code == 0
    record(
        19,
        "manifest empty, null, without a key, without its resources, shortened",
        1,
        "refused; done only with the exact number",
    )


def test_a_merge_that_empties_an_environment_destroys_nothing(shop: Project, record: Record) -> None:
    shop.write(ENVIRONMENTS + MANY)
    shop.apply("-e", "staging")
    gone = ", ".join(f"a{number}: null" for number in range(12))
    shop.write(MANY + f"environments: {{staging: {{applications: {{{gone}}}}}}}\n")
    assert "--allow-destroy 12" in refused(shop, "apply", "--yes", "-e", "staging").err
    record(
        19,
        "an environment's overlay that takes everything out",
        1,
        "refused; done only with the exact number",
    )


PROTECTED = SHOP.replace("    class_name: Api\n", "    class_name: Api\n    protect: true\n")


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nproject: shop\nimages: {api: {archive: image}}\nsecrets:\n  db: {from: {env: DB_PASSWORD}}\n",
        PROTECTED.replace("class_name: Api", "class_name: Jobs"),
        PROTECTED.replace("  api:\n    image: $", "  other:\n    image: $").replace(
            "{applications.api", "{applications.other"
        ),
        PROTECTED.replace("    protect: true\n", "    protect: false\n").replace(
            "class_name: Api", "class_name: Jobs"
        ),
    ],
    ids=["block gone", "replaced", "renamed", "lifted and replaced at once"],
)
def test_protection_outlives_its_block(shop: Project, text: str, record: Record) -> None:
    shop.write(PROTECTED)
    shop.apply()
    shop.write(text)
    ended = refused(shop, "apply", "--yes", "--allow", "DELETES_DATA", "--allow-destroy", "9", code=3)
    assert "PROTECTED" in ended.err
    record(
        18,
        "block of what is protected taken out, changed, renamed, lifted in the same apply",
        1,
        "refused; allowed by name only",
    )


def test_protection_that_was_lifted_by_an_apply_of_its_own_is_gone(shop: Project, record: Record) -> None:
    shop.write(PROTECTED)
    shop.apply()
    shop.write(SHOP)
    assert [change["effect"] for change in shop.plan()["changes"]] == ["none"]
    shop.apply()
    assert shop.run("destroy", "--yes", "--allow", "DELETES_DATA").code == 0
    record(18, "protection lifted by an apply of its own", 1, "then destroyed")


def edit(shop: Project, **fields: Any) -> None:
    """Makes the state another's, in a document that is whole."""
    path = shop.folder / "state" / "default.json"
    document = {**json.loads(path.read_text()), **fields, "checksum": UNSEALED}
    path.write_bytes(with_checksum(json.dumps(document, separators=(",", ":")).encode() + b"\n")[0])


WRONG: dict[str, tuple[Callable[[Project], object], tuple[str, ...]]] = {
    "account in the manifest": (lambda it: it.write(f"account_id: {'b' * 32}\n{SHOP}"), ("account",)),
    "account in the environment": (lambda it: it.environ.update(CLOUDFLARE_ACCOUNT_ID="b" * 32), ("account",)),
    "project": (lambda it: it.write(SHOP.replace("project: shop", "project: other")), ("project",)),
    "account in the state": (lambda it: edit(it, account_id="c" * 32), ("account",)),
    "target": (lambda it: edit(it, target="local"), ("target",)),
    "environment in the state": (lambda it: edit(it, environment="production"), ("environment",)),
    "API": (lambda it: edit(it, api_base_url="https://api.example.com/v4"), ("API base URL",)),
    "lineage": (lambda it: edit(it, lineage="another"), ("lineage",)),
    "newer version": (lambda it: edit(it, format_version="9.0"), ("newer version of reconciler",)),
    "newer minor version": (lambda it: edit(it, format_version="1.9"), ("newer version of reconciler",)),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("command", ["apply --yes", "destroy --yes --allow DELETES_DATA", "plan"])
def test_a_state_that_is_anothers_is_refused(shop: Project, what: str, command: str, record: Record) -> None:
    shop.write(SHOP)
    shop.apply()
    make_wrong, said = WRONG[what]
    make_wrong(shop)
    ended = refused(shop, *command.split())
    assert all(word in ended.err for word in said), ended.err
    row = 21 if "version" in what else 20
    record(
        row,
        f"state {'of a newer version' if row == 21 else 'of another account, project, environment, target, API or lineage'}",
        1,
        "refused before the first write, both sides named",
    )


def test_an_environment_cannot_take_anothers_state(shop: Project, record: Record) -> None:
    shop.write(ENVIRONMENTS + SHOP)
    shop.apply("-e", "staging")
    folder = shop.folder / "state"
    (folder / "production.json").write_bytes((folder / "staging.json").read_bytes())
    assert "environment" in refused(shop, "apply", "--yes", "-e", "production").err
    record(
        20,
        "state of one environment laid in another's place",
        1,
        "refused before the first write, both sides named",
    )


def test_tokens_that_were_swapped_are_noticed(shop: Project, record: Record) -> None:
    """Another account's token sees nothing of what the state knows: its account is not the one of the state."""
    shop.write(SHOP)
    shop.apply()
    shop.environ |= {"CLOUDFLARE_ACCOUNT_ID": "b" * 32, "CLOUDFLARE_API_TOKEN": "other"}
    assert "account" in refused(shop, "apply", "--yes").err
    shop.environ["CLOUDFLARE_ACCOUNT_ID"] = "a" * 32
    shop.faults(
        {
            "path": "/accounts/",
            "times": 0,
            "fault": {
                "status": 403,
                "body": {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]},
            },
        }
    )
    ended = refused(shop, "apply", "--yes", code=1)
    assert "the token lacks a permission" in ended.err
    record(20, "token of another account, with its account and without", 2, "refused before the first write")


def test_every_older_state_is_read(shop: Project, tmp_path: Path, record: Record) -> None:
    """The first format is the only one so far; what it leaves out has its default."""
    shop.write(SHOP)
    shop.apply()
    pulled = json.loads(shop.run("state", "pull").out)
    for left_out in ("tombstones", "intents", "outputs", "fingerprint_key_id"):
        document = {key: value for key, value in pulled.items() if key not in (left_out, "checksum")}
        path = shop.write(json.dumps(document), "older.json")
        assert shop.run("state", "push", str(path), "--force").code == 0
    record(21, "state of format 1.0, with and without what may be left out", 4, "read")
