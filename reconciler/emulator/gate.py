"""Who may come in: whose `Host`, whose `Origin`, which token, how often."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from math import ceil

from reconciler.emulator.answers import GatewayError, Headers
from reconciler.emulator.settings import Settings

UNLIMITED = 1_000_000
DEFAULT_WINDOW = 300


def check_origin(headers: dict[str, str]) -> None:
    """Refuses a foreign `Host` (a name rebound to loopback) and web pages of another origin."""
    host = headers.get("host", "")
    if not _is_loopback(host):
        raise GatewayError(
            403, 1000, f"this is a stand-in on loopback; it does not answer for the host {host!r}"
        )
    origin = headers.get("origin")
    if origin and origin.partition("://")[2] != host:
        raise GatewayError(403, 1000, "this is a stand-in on loopback; it does not answer web pages")


def _is_loopback(host: str) -> bool:
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_token(headers: dict[str, str], token: str | None) -> None:
    """Wants any bearer token or global key, or exactly the one the emulator was started with (reference 1.3)."""
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    given = sent.strip() if scheme.lower() == "bearer" else ""
    if token is None and (given or (headers.get("x-auth-key") and headers.get("x-auth-email"))):
        return
    if token is not None and hmac.compare_digest(given.encode(), token.encode()):
        return
    raise GatewayError(401, 10000, "Authentication error")


@dataclass(slots=True)
class _Window:
    began: float
    used: int = 0
    blocked_until: float = 0.0


@dataclass(slots=True)
class Limiter:
    """Counts the requests of each token in windows of the world's time (reference 1.7).

    Without a `rate_limit` in the settings nobody is held up, and the headers tell of a budget that nobody reaches.
    """

    settings: Settings
    _windows: dict[str, _Window] = field(default_factory=dict)

    def admit(self, who: str, now: float) -> Headers:
        """The rate limit headers for this answer, or a refusal with 429 once the budget is spent."""
        limit = self.settings.rate_limit
        quota, window = (int(limit["requests"]), limit["window"]) if limit else (UNLIMITED, DEFAULT_WINDOW)
        mine = self._windows.setdefault(who, _Window(now))
        if now >= mine.began + window or now < mine.began:
            mine.began, mine.used = now, 0
        mine.used += 1
        if limit and mine.used > quota and now >= mine.blocked_until:
            mine.blocked_until = now + limit["block"]
        headers = _headers(quota, window, max(0, quota - mine.used), mine.began + window - now)
        if limit and now < mine.blocked_until:
            retry = ("Retry-After", str(max(1, ceil(mine.blocked_until - now))))
            raise GatewayError(429, 10429, "Rate limit exceeded: too many requests", [*headers, retry])
        return headers


def _headers(quota: int, window: float, remaining: int, reset: float) -> Headers:
    return [
        ("Ratelimit", f'"default";r={remaining};t={ceil(reset)}'),
        ("Ratelimit-Policy", f'"default";q={quota};w={ceil(window)}'),
    ]


def check_refused(settings: Settings, segments: list[str]) -> None:
    """Refuses the families of the setting `refuse`, as an account that may not use them sees it.

    A family is named by its path (`secrets`, `ssh-public-keys`, `jobs`, `protos`, `me`) or by its section.
    """
    if not settings.refuse or len(segments) < 4 or segments[2] not in ("containers", "cloudchamber"):
        return
    family = segments[3:4] + segments[5:6] if segments[3] == "applications" else segments[3:5]
    words = {_family_word(word) for word in settings.refuse}
    if words & {_family_word(segment) for segment in family}:
        raise GatewayError(403, 7003, "Could not route to this URI: the account is not entitled to it")


def _family_word(word: str) -> str:
    word = word.replace("-", "_")
    return {"account": "me", "registry_protocols": "protos", "ssh_keys": "ssh_public_keys"}.get(word, word)
