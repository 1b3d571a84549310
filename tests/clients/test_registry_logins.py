"""Logging in to Debian's docker-registry: with a password, and with tokens of a service that signs them."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.clients.docker_config import docker_credentials
from reconciler.clients.image_copy import copy_image
from reconciler.clients.image_source import RegistrySource
from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.errors import AuthenticationError
from tests.clients.conftest import debian_registry, free_port
from tests.clients.images import image, pull, push

pytestmark = pytest.mark.registry

PASSWORD = "s3cret-of-a-registry"
LINE = "somebody:$2y$04$abcdefghijklmnopqrstuuHYcpRifjov9qnCXRRXYux7AKX9OeLtm\n"  # what htpasswd makes of it
MADE = image(b"layer" * 1000)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that lets nobody in without a password."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "htpasswd").write_text(LINE)
    with debian_registry(folder, f"{{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}") as host:
        yield host


def test_what_docker_login_left_behind_opens_it(closed: str, tmp_path: Path) -> None:
    auth = base64.b64encode(f"somebody:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {closed: {"auth": auth}}}))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    with Registry(closed, credentials=lambda: docker_credentials(closed, environ)) as registry:
        push(registry, "app", "1", MADE)
        copied = copy_image(RegistrySource(registry, "app", "1"), registry, "again", ["1"])
        assert (copied.digest, copied.blobs_mounted) == (MADE.top.digest, 2)


@pytest.mark.parametrize("found", [None, Credentials("somebody", "wrong-password")])
def test_without_the_password_it_says_how_to_log_in(closed: str, found: Credentials | None) -> None:
    with (
        Registry(closed, credentials=lambda: found) as registry,
        pytest.raises(AuthenticationError) as caught,
    ):
        registry.head_manifest("app", "1")
    assert f"docker login {closed}" in caught.value.fix
    assert "wrong-password" not in str(caught.value)


class Signer:
    """A token service: grants what is asked for, signed with a key that the registry trusts."""

    def __init__(self, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"]
        _openssl(*words, "-keyout", str(self.key), "-out", str(self.certificate))
        self.scopes: list[list[str]] = []

    def token(self, scopes: list[str], lasts: int = 300) -> str:
        self.scopes.append(scopes)
        now = int(time.time())
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (scope.split(":") for scope in scopes)
        ]
        claims: dict[str, Any] = {
            "iss": "tests",
            "aud": "tests",
            "sub": "",
            "jti": str(len(self.scopes)),
            "access": access,
        }
        claims |= {"iat": now - 7200, "nbf": now - 7200, "exp": now + lasts}
        pem = self.certificate.read_text().splitlines()[1:-1]
        signed = f"{_packed({'typ': 'JWT', 'alg': 'RS256', 'x5c': [''.join(pem)]})}.{_packed(claims)}"
        return f"{signed}.{_text(_openssl('dgst', '-sha256', '-sign', str(self.key), given=signed.encode()))}"


def _openssl(*words: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def _packed(document: dict[str, Any]) -> str:
    return _text(json.dumps(document).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def serving(signer: Signer, port: int) -> Iterator[None]:
    """The service, over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(
                {"token": signer.token(parse_qs(urlsplit(self.path).query)["scope"])}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, *_: object) -> None:
            """Stays quiet."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Signer]]:
    """One that wants a token for whatever is done, and the service that gives it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (apt-get install openssl)")
    folder, port = tmp_path_factory.mktemp("guarded"), free_port()
    signer = Signer(folder)
    auth = f"realm: 'http://127.0.0.1:{port}/token', service: tests, issuer: tests"
    bundle = f"rootcertbundle: {signer.certificate}"
    with serving(signer, port), debian_registry(folder, f"{{token: {{{auth}, {bundle}}}}}") as host:
        yield host, signer


def test_a_token_is_fetched_for_what_is_done(guarded: tuple[str, Signer]) -> None:
    host, signer = guarded
    with Registry(host) as registry:
        copy_image(MADE, registry, "team/app", ["1"])
        assert MADE.top.digest in pull(registry, "team/app", "1")
        copied = copy_image(RegistrySource(registry, "team/app", "1"), registry, "team/again", ["1"])
    assert copied.blobs_mounted == 2
    assert ["repository:team/app:pull,push"] in signer.scopes
    assert ["repository:team/again:pull,push", "repository:team/app:pull"] in signer.scopes


def test_a_token_that_has_run_out_is_fetched_anew_in_the_middle_of_a_push(
    guarded: tuple[str, Signer],
) -> None:
    host, signer = guarded

    with Registry(host) as registry:
        held = registry._connection._authorizer._tokens

        def run_out(*_: object) -> None:
            for scopes in held:
                held[scopes] = f"Bearer {signer.token(list(scopes), lasts=-3600)}"

        asked = len(signer.scopes)
        copy_image(MADE, registry, "team/long", ["1"], parallel=1, progress=run_out)
        assert MADE.top.digest in pull(registry, "team/long", "1")
    assert len(signer.scopes) - asked > 4
