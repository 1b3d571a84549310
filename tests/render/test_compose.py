from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.cli.workplace import binding_handlers
from reconciler.manifest import read_manifest
from reconciler.model.address import ResourceAddress
from reconciler.model.manifest import Inputs
from reconciler.render.compose import ComposeFile, Surroundings, compose_file

IMAGES = (
    "images: {api: {build: {context: ., dockerfile: d/Dockerfile, target: run, args: {APP: api, N: 3}}}}\n"
)


@pytest.fixture
def composed(tmp_path: Path) -> Any:
    def make(text: str, around: Surroundings | None = None) -> ComposeFile:
        path = tmp_path / "containers.yaml"
        path.write_text(f"version: 1\nproject: shop\n{text}")
        manifest = read_manifest(path, binding_handlers(), None, Inputs(offline=True))
        return compose_file(manifest, around or Surroundings())

    return make


def services(file: ComposeFile) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(file.text)["services"]
    return found


def test_a_build_is_the_same_build(composed: Any) -> None:
    found = services(composed(IMAGES + "applications: {api: {image: '${images.api}'}}\n"))["api"]
    build = {"context": ".", "dockerfile": "d/Dockerfile", "target": "run", "args": {"APP": "api", "N": "3"}}
    assert found["build"] == build
    assert found["platform"] == "linux/amd64"
    assert "volumes" not in found


def test_variables_and_secrets_come_from_outside(composed: Any) -> None:
    file = composed(
        IMAGES + "secrets: {db-password: {from: {env: DB_PASSWORD}}, other-key: {from: {file: x}}}\n"
        "applications:\n  api:\n    image: ${images.api}\n"
        "    environment_variables: {LEVEL: '${env.LEVEL:-info}', A: 'x-${env.X}', D: 'cost $5', S: '${git.sha}'}\n"
        "    secrets: {PASSWORD: '${secrets.db-password}', KEY: '${secrets.other-key}'}\n"
        "    generation_variable: GENERATION\n"
    )
    assert services(file)["api"]["environment"] == {
        "LEVEL": "${LEVEL:-info}",
        "A": "x-${X}",
        "D": "cost $$5",
        "S": "${GIT_SHA}",
        "GENERATION": "1",
        "PASSWORD": "${DB_PASSWORD}",
        "KEY": "${OTHER_KEY}",
    }
    assert file.env_example.splitlines()[1:] == [
        "# secret.db-password",
        "DB_PASSWORD=",
        "# stands for ${git.sha}",
        "GIT_SHA=",
        "LEVEL=info",
        "# secret.other-key",
        "OTHER_KEY=",
        "X=",
    ]


def test_ports_are_those_of_the_manifest_else_of_the_dockerfile_each_once(composed: Any) -> None:
    around = Surroundings(exposed={ResourceAddress("image", "api"): ("8080", "53/udp")})
    file = composed(
        IMAGES + "applications:\n  a: {image: '${images.api}'}\n  b: {image: '${images.api}'}\n"
        "  c: {image: '${images.api}', ports: {web: {port: 3000}, any: {}}}\n",
        around,
    )
    assert [one["ports"] for one in services(file).values()] == [
        ["8080:8080", "53:53/udp"],
        ["8080", "53/udp"],
        ["3000:3000"],
    ]


@pytest.mark.parametrize(
    ("image", "written"),
    [
        ("{image: 'docker.io/library/redis:7.4', push: true}", "docker.io/library/redis:7.4"),
        ("{image: 'own:1'}", "registry.cloudflare.com/${CLOUDFLARE_ACCOUNT_ID}/own:1"),
        (f"{{image: 'own:1', digest: 'sha256:{'a' * 64}'}}", None),
        ("{archive: 'docker-daemon:mine:1'}", "mine:1"),
        ("{archive: image}", "cloudflare-dev/x:local"),
    ],
)
def test_images_that_are_not_built(image: str, written: str | None, composed: Any) -> None:
    file = composed(f"images: {{x: {image}}}\napplications: {{a: {{image: '${{images.x}}'}}}}\n")
    pinned = f"registry.cloudflare.com/${{CLOUDFLARE_ACCOUNT_ID}}/own:1@sha256:{'a' * 64}"
    assert services(file)["a"]["image"] == (written or pinned)
    assert bool(file.notes) == (image == "{archive: image}")


def test_an_applications_own_image(composed: Any) -> None:
    found = services(composed("applications: {a: {image: 'own:1'}}\n"))["a"]
    assert found["image"] == "registry.cloudflare.com/${CLOUDFLARE_ACCOUNT_ID}/own:1"


def test_profiles_instances_and_what_is_left_out(composed: Any) -> None:
    file = composed(
        IMAGES + "defaults: {applications: {image: '${images.api}'}}\napplications:\n"
        "  web: {labels: {compose.profiles: 'frontend, tools'}, command: [serve, '$X'], dns: {servers: [1.1.1.1]}}\n"
        "  part: {for_each: [eu, us]}\n  theirs: {external: true, id: 00000000-0000-0000-0000-000000000000}\n"
    )
    found = services(file)
    assert list(found) == ["web", "part-eu", "part-us"]
    assert found["web"]["profiles"] == ["frontend", "tools"]
    assert (found["web"]["command"], found["web"]["dns"]) == (["serve", "$$X"], ["1.1.1.1"])
    assert "profiles" not in found["part-eu"]


def test_a_version_file_is_the_users_to_write(composed: Any) -> None:
    file = composed(
        "images: {a: {build: {context: ., version_file: version.json}}}\napplications: {a: {image: '${images.a}'}}\n"
    )
    assert file.notes == (
        "image.a: Compose does not write version.json; the build takes the one that lies there",
    )


def test_a_default_stays_on_its_line(composed: Any) -> None:
    file = composed(
        IMAGES
        + "applications: {a: {image: '${images.api}', environment_variables: {A: \"${env.A:-x\\nEVIL=1}\"}}}\n"
    )
    assert not any(line.startswith("EVIL") for line in file.env_example.splitlines())
    assert services(file)["a"]["environment"] == {"A": "${A:-x\nEVIL=1}"}
