from __future__ import annotations

import pytest

from reconciler.clients.secret_files import is_secret_file

SECRETS = """.env a/.env.production server.pem tls/server.key id_rsa id_ed25519 .npmrc .netrc .pypirc secrets.yaml
/root/.aws/credentials .ssh/ .ssh/config service-account-prod.json"""


@pytest.mark.parametrize("path", SECRETS.split())
def test_a_secret(path: str) -> None:
    assert is_secret_file(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env.example",
        ".env.template",
        "id_rsa.pub",
        ".",
        "",
        "src/keys.py",
        "environment",
        "docker/",
        "a.key.md",
    ],
)
def test_no_secret(path: str) -> None:
    assert not is_secret_file(path)
