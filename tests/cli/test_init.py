from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.cli.main import run
from reconciler.cli.workplace import binding_handlers
from reconciler.manifest import Inputs, read_manifest
from reconciler.manifest.layout import formatted
from reconciler.model.address import ResourceAddress

DOCKERFILE = "FROM scratch\nCOPY app /app\nUSER 1000\n"
WORKER = (
    "export class Helper {}\nexport class Api extends Container {}\nclass Container {}\nexport default {}\n"
)
WRANGLER: dict[str, Any] = {
    "$schema": "node_modules/wrangler/config-schema.json",
    "name": "my-app",
    "main": "src/index.ts",
    "account_id": "b" * 32,
    "compatibility_date": "2026-01-01",
    "containers": [
        {
            "class_name": "MyContainer",
            "image": "./docker/Dockerfile",
            "image_build_context": ".",
            "image_vars": {"MODE": "fast"},
            "max_instances": 5,
            "instance_type": "basic",
            "constraints": {"tier": 1},
            "wrangler_ssh": {"enabled": False},
            "gpu": 1,
        }
    ],
    "durable_objects": {
        "bindings": [
            {"name": "MY", "class_name": "MyContainer"},
            {"name": "COUNTER", "class_name": "Counter"},
            {"name": "FOREIGN", "class_name": "Far", "script_name": "elsewhere"},
        ]
    },
    "migrations": [
        {"tag": "v1", "new_sqlite_classes": ["MyContainer", "Old"]},
        {"tag": "v2", "renamed_classes": [{"from": "Old", "to": "Counter"}], "deleted_classes": ["Gone"]},
    ],
    "vars": {"LOG": "info", "COUNT": 3, "SHELL": "${HOME}"},
    "kv_namespaces": [{"binding": "KV", "id": "c" * 32}],
    "queues": {"producers": [{"binding": "Q", "queue": "jobs"}], "consumers": [{"queue": "jobs"}]},
    "routes": [{"pattern": "example.com/*", "zone_name": "example.com"}],
    "triggers": {"crons": ["*/5 * * * *"]},
    "observability": {"enabled": True},
    "assets": {"directory": "public"},
    "env": {
        "staging": {
            "vars": {"LOG": "debug"},
            "containers": [{"class_name": "MyContainer", "image": "docker.io/library/nginx:1.27"}],
            "durable_objects": {"bindings": [{"name": "MY", "class_name": "MyContainer"}]},
        }
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "Shop Front"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def init(folder: Path, *args: str) -> Any:
    """The manifest that is written, which has to be valid and in its layout."""
    assert run(["init", *args]) == 0
    text = (folder / "containers.yaml").read_text()
    assert formatted(text) == text
    assert run(["validate"]) == 0
    return YAML(typ="safe").load(text)


def test_a_dockerfile_and_a_worker_can_be_planned_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "app").write_text("app")
    (folder / "worker.js").write_text(WORKER)
    manifest = init(folder)
    assert manifest["project"] == "shop-front"
    assert manifest["applications"]["app"]["class_name"] == "Api"
    capsys.readouterr()
    assert run(["plan", "--local", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert {one["address"]: one["action"] for one in plan["changes"]} == {
        "image.app": "create",
        "worker.worker": "create",
        "application.app": "create",
    }


def test_a_dockerfile_alone_runs_by_itself(folder: Path) -> None:
    (folder / "docker").mkdir()
    (folder / "docker" / "Dockerfile").write_text(DOCKERFILE)
    (folder / "package.json").write_text('{"name": "@acme/orders"}')
    manifest = init(folder)
    assert manifest["project"] == "orders"
    assert manifest["images"]["app"]["build"] == {"context": "docker", "dockerfile": "Dockerfile"}
    assert manifest["applications"]["app"]["instances"] == 1
    assert "workers" not in manifest


def test_a_worker_that_has_to_be_bundled_says_how(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "index.ts").write_text(f"import x from 'y'\n{WORKER}")
    manifest = init(folder)
    assert manifest["workers"]["worker"]["main"] == "dist/index.js"
    assert manifest["applications"]["app"]["class_name"] == "Api"
    text = (folder / "containers.yaml").read_text()
    assert "# bundled from src/index.ts by `npx wrangler deploy --dry-run --outdir dist`" in text
    assert "# there is no Dockerfile here yet" in text


def test_a_manifest_is_never_overwritten_unasked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "containers.yaml").write_text("mine")
    assert run(["init"]) == 1
    assert "--force" in capsys.readouterr().err
    assert (folder / "containers.yaml").read_text() == "mine"
    init(folder, "--force")


@pytest.fixture
def wrangler(folder: Path) -> Path:
    (folder / "docker").mkdir()
    (folder / "docker" / "Dockerfile").write_text(DOCKERFILE)
    (folder / "src").mkdir()
    (folder / "src" / "index.ts").write_text(WORKER)
    path = folder / "wrangler.jsonc"
    path.write_text(f"// ours\n{json.dumps(WRANGLER, indent=1)}")
    return path


def test_what_wrangler_deployed_keeps_its_names(folder: Path, wrangler: Path) -> None:
    manifest = init(folder)
    assert manifest["account_id"] == "b" * 32
    worker, application = manifest["workers"]["my-app"], manifest["applications"]["my"]
    assert (worker["name"], worker["adopt"], worker["main"]) == ("my-app", True, "dist/index.js")
    assert (application["name"], application["adopt"]) == ("my-app-mycontainer", True)
    assert worker["bindings"] == {
        "MY": "${applications.my}",
        "COUNTER": {"type": "durable_object_namespace", "class_name": "Counter"},
        "FOREIGN": {
            "type": "durable_object_namespace",
            "class_name": "Far",
            "script_name": "elsewhere",
        },
        "KV": {"type": "kv_namespace", "namespace_id": "c" * 32},
        "Q": {"type": "queue", "queue_name": "jobs"},
    }
    assert worker["classes"] == {"Counter": {"renamed_from": "Old"}, "Gone": {"deleted": True}}
    assert worker["vars"] == {"LOG": "info", "COUNT": 3, "SHELL": "$${HOME}"}
    assert worker["triggers"] == {"crons": ["*/5 * * * *"]}
    assert manifest["images"]["my"]["build"] == {
        "context": ".",
        "dockerfile": "docker/Dockerfile",
        "args": {"MODE": "fast"},
    }
    assert application["constraints"] == {"tiers": [1]}


def test_what_cannot_be_converted_is_said_where_it_was(folder: Path, wrangler: Path) -> None:
    init(folder)
    text = (folder / "containers.yaml").read_text()
    assert [
        part for part in ("assets", "gpu", "queues.consumers") if f"# not converted: {part}" not in text
    ] == []


def test_environments_become_overlays_without_what_wrangler_does_not_inherit(
    folder: Path, wrangler: Path
) -> None:
    init(folder, "--from", "wrangler.jsonc")
    manifest = read_manifest(
        folder / "containers.yaml", binding_handlers(), "staging", Inputs(environ={}, offline=True)
    )
    worker = manifest.resources[ResourceAddress("worker", "my-app")]
    application = manifest.resources[ResourceAddress("application", "my")]
    assert worker.name == "my-app-staging"
    assert worker.attributes["vars"] == {"LOG": "debug"}
    assert list(worker.attributes["bindings"]) == ["MY"]
    assert application.name == "my-app-mycontainer-staging"
    assert application.attributes["max_instances"] == 20
    assert manifest.resources[ResourceAddress("image", "my")].attributes["image"] == (
        "docker.io/library/nginx:1.27"
    )


def test_toml_from_another_folder(folder: Path) -> None:
    (folder / "app").mkdir()
    (folder / "app" / "Dockerfile").write_text(DOCKERFILE)
    (folder / "app" / "index.js").write_text(WORKER)
    (folder / "app" / "wrangler.toml").write_text(
        'name = "x"\nmain = "index.js"\n[[containers]]\nclass_name = "Api"\nimage = "Dockerfile"\n'
    )
    manifest = init(folder, "--from", "app/wrangler.toml")
    assert manifest["workers"]["x"]["main"] == "app/index.js"
    assert manifest["images"]["api"]["build"] == {"context": "app", "dockerfile": "Dockerfile"}
    assert manifest["applications"]["api"]["worker"] == "x"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"name": 3, "containers": {"a": 1}, "env": [], "durable_objects": [], "migrations": "v1"},
        {"vars": [], "triggers": [], "routes": "x", "queues": [1], "ai": True, "kv_namespaces": [None, {}]},
    ],
)
def test_nonsense_is_no_defect(folder: Path, config: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wrangler.json").write_text(json.dumps(config))
    run(["init"])
    assert "defect" not in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--from", "nowhere.toml"]) == 1
    assert "nowhere.toml cannot be read" in capsys.readouterr().err
    assert not (folder / "containers.yaml").exists()
