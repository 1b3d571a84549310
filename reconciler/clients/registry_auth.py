"""How a registry wants to be told who asks: Basic, or a bearer token fetched from its realm.

Decides what is sent where; sending is the connection's. No secret is in a repr or a message, none is kept
longer than the process, and a rejected one makes us ask for fresh credentials, also in the middle of a push.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from reconciler.clients.network_origin import Origin
from reconciler.errors import AuthenticationError, ProviderError
from reconciler.frozen import frozen

# Registries whose operator runs the token service under another name. A realm is chosen by whoever answers,
# so any other one outside the registry's own scheme, host and port is only asked without credentials.
_SISTERS = {
    Origin("https", "registry-1.docker.io", 443): Origin("https", "auth.docker.io", 443),
    Origin("https", "registry.gitlab.com", 443): Origin("https", "gitlab.com", 443),
}

_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_SCHEME = re.compile(r"(?:^|,\s*)(Basic|Bearer)(?:\s+|$)", re.IGNORECASE)
_HIDDEN = "(sensitive)"


@frozen
class Credentials:
    """What a registry or its token service accepts; prints none of it."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    def basic(self) -> str:
        """The value of a Basic `Authorization` header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def secrets(self) -> tuple[str, ...]:
        """Everything in here that must not be seen, also in the form in which it is sent."""
        sent = self.basic().removeprefix("Basic ") if self.password else ""
        return tuple(s for s in (self.password, self.identity_token, self.registry_token, sent) if s)


@frozen
class Challenge:
    """What a 401 asks for: a scheme and its parameters."""

    scheme: str
    parameters: Mapping[str, str]

    @classmethod
    def read(cls, header: str) -> Challenge | None:
        """Reads a `WWW-Authenticate` header; a bearer challenge wins over a basic one."""
        parts = _SCHEME.split(header)
        found = [
            cls(scheme.lower(), _parameters(rest))
            for scheme, rest in zip(parts[1::2], parts[2::2], strict=True)
        ]
        return next((c for c in found if c.scheme == "bearer"), found[0] if found else None)


@frozen
class TokenRequest:
    """One question to a realm; `authorization` and `identity_token` are empty for an anonymous one."""

    realm: str
    service: str
    scopes: tuple[str, ...]
    authorization: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    def parameters(self) -> list[tuple[str, str]]:
        """What goes into the query, or with an identity token into the form."""
        service = [("service", self.service)] if self.service else []
        if not self.identity_token:
            return service + [("scope", scope) for scope in self.scopes]
        grant = [("grant_type", "refresh_token"), ("client_id", "reconciler")]
        return [*grant, *service, ("scope", " ".join(self.scopes)), ("refresh_token", self.identity_token)]


class Authorizer:
    """Keeps the `Authorization` header for one registry, per scope where it wants bearer tokens."""

    def __init__(
        self,
        host: str,
        origin: Origin,
        credentials: Callable[[], Credentials | None],
        fetch_token: Callable[[TokenRequest], Mapping[str, Any]],
    ) -> None:
        self._host = host
        self._origin = origin
        self._credentials = credentials
        self._fetch_token = fetch_token
        self._basic = ""
        self._tokens: dict[tuple[str, ...], str] = {}
        self._distrusted = ""
        self._secrets: set[str] = set()
        self._renewing = threading.Lock()

    def header(self, scopes: tuple[str, ...]) -> str:
        """Gives what to send now; nothing before the registry has asked for it."""
        return self._tokens.get(scopes) or self._basic

    def renew(self, scopes: tuple[str, ...], rejected: str, challenge: str) -> None:
        """Replaces a rejected header, with fresh credentials; once for all threads that hold the same."""
        with self._renewing:
            if self.header(scopes) != rejected:
                return
            wanted = Challenge.read(challenge)
            if wanted is None:
                raise self._refused("it asks for a login of an unknown kind")
            if wanted.scheme == "basic":
                self._basic = self._basic_header()
            else:
                self._tokens[scopes] = self._bearer_header(scopes, wanted.parameters)

    @property
    def advice(self) -> str:
        """What helps where a login was not enough."""
        if self._distrusted:
            return f"its token service is elsewhere ({self._distrusted}), where credentials for {self._host} are not sent"
        return f"check the credentials for {self._host} (`docker login {self._host}`) and what they allow"

    def scrub(self, text: str) -> str:
        """Takes out of a text from outside whatever secret of ours it repeats."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text

    def _mint(self) -> Credentials | None:
        found = self._credentials()
        if found is not None:
            self._secrets.update(found.secrets())
        return found

    def _basic_header(self) -> str:
        found = self._mint()
        if found is None or not found.password:
            raise self._refused("it asks for a login, and there are no credentials for it")
        return found.basic()

    def _bearer_header(self, scopes: tuple[str, ...], parameters: Mapping[str, str]) -> str:
        found = self._mint()
        token: object = found.registry_token if found is not None else ""
        if not token:
            answer = self._fetch_token(self._token_request(scopes, parameters, found))
            token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not token.isprintable() or not token.isascii():
            raise ProviderError(f"{self._host}: its token service gave no token that can be sent")
        self._secrets.add(token)
        return f"Bearer {token}"

    def _token_request(
        self, scopes: tuple[str, ...], parameters: Mapping[str, str], found: Credentials | None
    ) -> TokenRequest:
        realm, asked = parameters.get("realm", ""), parameters.get("scope", "").split()
        wanted = (*scopes, *(scope for scope in asked if not _is_among(scope, scopes)))
        question = TokenRequest(realm, parameters.get("service", ""), wanted)
        if not realm:
            raise self._refused("it names no token service")
        if found is None:
            return question
        if not self._is_trusted(realm):
            self._distrusted = urlsplit(realm).netloc
            return question
        if found.identity_token:
            return TokenRequest(realm, question.service, wanted, identity_token=found.identity_token)
        return TokenRequest(realm, question.service, wanted, authorization=found.basic())

    def _is_trusted(self, realm: str) -> bool:
        try:
            origin = Origin.of(realm)
        except ValueError:
            return False
        return origin in (self._origin, _SISTERS.get(self._origin))

    def _refused(self, why: str) -> AuthenticationError:
        return AuthenticationError(
            f"{self._host}: {why}", status=401, fix=f"log in (`docker login {self._host}`), then try again"
        )


def _parameters(text: str) -> dict[str, str]:
    found = _PARAMETER.finditer(text)
    return {m[1].lower(): re.sub(r"\\(.)", r"\1", m[2]) if m[2] is not None else m[3] for m in found}


def _is_among(scope: str, scopes: tuple[str, ...]) -> bool:
    """Whether a scope is asked for already; a registry may write its actions in any order."""
    what, _, actions = scope.rpartition(":")
    others = (other.rpartition(":") for other in scopes)
    return any(other == what and set(actions.split(",")) <= set(more.split(",")) for other, _, more in others)
