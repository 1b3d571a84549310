"""Where `docker login` keeps credentials: `config.json` (under `DOCKER_CONFIG` or `~/.docker`) and credential helpers.

Looks one registry up; never writes, never shows what a helper printed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.clients.image_reference import DOCKER_HUB
from reconciler.clients.registry_auth import Credentials
from reconciler.errors import AuthenticationError

_HUB_KEY = "https://index.docker.io/v1/"
_LARGEST_CONFIG = 4 * 1024 * 1024
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN_USER = "<token>"  # noqa: S105  the name under which helpers hand out identity tokens
_HELPER_SECONDS = 60.0


def docker_credentials(host: str, environ: Mapping[str, str] | None = None) -> Credentials | None:
    """Finds what `docker login HOST` left behind: the host's own helper, the general one, then the file."""
    env = os.environ if environ is None else environ
    path = _config_path(env)
    config = _read(path)
    key = _HUB_KEY if host == DOCKER_HUB else host
    helper = _mapping(config.get("credHelpers")).get(key) or config.get("credsStore")
    found = _ask_helper(helper, key, env) if isinstance(helper, str) and helper else None
    return found or _from_file(_mapping(config.get("auths")), key, path)


def _config_path(environ: Mapping[str, str]) -> Path:
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", "~")).expanduser() / ".docker")
    return Path(folder) / "config.json"


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_LARGEST_CONFIG))
    except (OSError, ValueError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(document, dict):
        raise _damaged(path)
    return document


def _from_file(auths: Mapping[str, Any], key: str, path: Path) -> Credentials | None:
    for name in (key, f"https://{key}", f"http://{key}", f"https://{key}/v1/", f"https://{key}/v2/"):
        entry = _mapping(auths.get(name))
        if entry:
            return _credentials(entry, path)
    return None


def _credentials(entry: Mapping[str, Any], path: Path) -> Credentials | None:
    username, password = _text(entry, "username"), _text(entry, "password")
    if encoded := _text(entry, "auth"):
        username, password = _decoded(encoded, path)
    found = Credentials(
        username,
        password,
        identity_token=_text(entry, "identitytoken"),
        registry_token=_text(entry, "registrytoken"),
    )
    return found if found.password or found.identity_token or found.registry_token else None


def _decoded(encoded: str, path: Path) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _damaged(path) from None
    if not colon:
        raise _damaged(path)
    return username, password.rstrip("\0")


def _ask_helper(helper: str, key: str, environ: Mapping[str, str]) -> Credentials | None:
    answer = _run_helper(helper, key, environ)
    if answer is None:
        return None
    try:
        document = _mapping(json.loads(answer))
    except ValueError:
        raise _helper_failed(helper, key) from None
    username, secret = _text(document, "Username"), _text(document, "Secret")
    if not secret:
        return None
    if username == _TOKEN_USER:
        return Credentials("", "", identity_token=secret)
    return Credentials(username, secret)


def _run_helper(helper: str, key: str, environ: Mapping[str, str]) -> bytes | None:
    program = shutil.which(f"docker-credential-{helper}", path=environ.get("PATH"))
    if not _HELPER.fullmatch(helper) or program is None:
        raise AuthenticationError(
            f"docker's configuration names the credential helper {helper!r}, which is not installed",
            fix=f"install docker-credential-{helper[:80]}, or log in without it",
        )
    try:
        done = subprocess.run(
            [program, "get"],
            input=key.encode(),
            capture_output=True,
            env=dict(environ),
            timeout=_HELPER_SECONDS,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _helper_failed(helper, key) from None
    if done.returncode == 0:
        return done.stdout
    # Every helper says so in these words when it knows the registry not at all.
    if b"credentials not found" in done.stdout + done.stderr:
        return None
    raise _helper_failed(helper, key)


def _helper_failed(helper: str, key: str) -> AuthenticationError:
    return AuthenticationError(
        f"the credential helper docker-credential-{helper} gave no credentials for {key}",
        fix=f"run `docker login {key}` and try again",
    )


def _damaged(path: Path) -> AuthenticationError:
    return AuthenticationError(f"{path} cannot be read", fix="mend it, or run `docker login` again")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
