"""Which API to speak to, and as whom, from the environment variables that wrangler reads (reference 1.1, 1.2).

Looks at no environment itself: it is handed one. Nothing in what it raises holds a credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import urlsplit

from reconciler.clients.network_origin import is_loopback
from reconciler.errors import AuthenticationError, ReconcilerError
from reconciler.frozen import frozen

_API_HOSTS = {
    "public": "api.cloudflare.com",
    "staging": "api.staging.cloudflare.com",
    "fedramp_high": "api.fed.cloudflare.com",
}
_REGISTRY_HOSTS = {
    "public": "registry.cloudflare.com",
    "staging": "staging.registry.cloudflare.com",
    "fedramp_high": "registry.fed.cloudflare.com",
}
_ACCOUNT = re.compile(r"[0-9a-f]{32}")


@frozen
class ApiCredentials:
    """An API token, or a global key with its e-mail address; prints neither."""

    token: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    email: str = field(default="", repr=False)

    def headers(self) -> dict[str, str]:
        """Gives what is sent with each request (reference 1.3); refuses what cannot stand in a header."""
        if self.key:
            return {"X-Auth-Key": _sendable(self.key, "key"), "X-Auth-Email": _sendable(self.email, "email")}
        return {"Authorization": f"Bearer {_sendable(self.token, 'token')}"}


@frozen
class ApiSettings:
    """Where the API and Cloudflare's registry are, and the account that the environment names, if any."""

    base_url: str
    credentials: ApiCredentials
    account_id: str
    registry_host: str
    registry_url: str

    @property
    def is_loopback(self) -> bool:
        """Tells whether the API is a stand-in on this machine."""
        return is_loopback(urlsplit(self.base_url).netloc)


def settings_from(environ: Mapping[str, str]) -> ApiSettings:
    """Reads the variables; names everything malformed at once, then what credentials lack."""
    problems: list[str] = []
    region = _region(environ, problems)
    base_url = _base_url(environ, region, problems)
    account_id = _account(environ, problems)
    if problems:
        raise ReconcilerError("; ".join(problems))
    host = _first(environ, "CLOUDFLARE_CONTAINER_REGISTRY").rstrip("/")
    return ApiSettings(
        base_url=base_url,
        credentials=_credentials(environ),
        account_id=account_id,
        registry_host=host.partition("://")[2] or host or _REGISTRY_HOSTS[region],
        registry_url=_registry_url(host, base_url, region),
    )


def _first(environ: Mapping[str, str], *names: str) -> str:
    return next((value for name in names if (value := environ.get(name, "").strip())), "")


def _region(environ: Mapping[str, str], problems: list[str]) -> str:
    region = _first(environ, "CLOUDFLARE_COMPLIANCE_REGION") or "public"
    stage = _first(environ, "WRANGLER_API_ENVIRONMENT") or "production"
    if region not in ("public", "fedramp_high"):
        problems.append(f"CLOUDFLARE_COMPLIANCE_REGION is public or fedramp_high, not {region!r}")
        return "public"
    if stage not in ("production", "staging"):
        problems.append(f"WRANGLER_API_ENVIRONMENT is production or staging, not {stage!r}")
    return "staging" if stage == "staging" and region == "public" else region


def _base_url(environ: Mapping[str, str], region: str, problems: list[str]) -> str:
    given = _first(environ, "CLOUDFLARE_API_BASE_URL", "CF_API_BASE_URL").rstrip("/")
    if not given:
        return f"https://{_API_HOSTS[region]}/client/v4"
    problem = _fault_of(given)
    if problem:
        problems.append(f"CLOUDFLARE_API_BASE_URL {problem}; it is a URL such as https://host/client/v4")
    return given


def _fault_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is neither an http nor an https URL"
    if parts.username or parts.password:
        return "holds a user name or password"
    if parts.query or parts.fragment:
        return "has something after the path"
    if parts.scheme == "http" and not is_loopback(parts.netloc):
        return "would send credentials unencrypted"
    return ""


def _account(environ: Mapping[str, str], problems: list[str]) -> str:
    account_id = _first(environ, "CLOUDFLARE_ACCOUNT_ID", "CF_ACCOUNT_ID")
    if account_id and not _ACCOUNT.fullmatch(account_id):
        problems.append(f"CLOUDFLARE_ACCOUNT_ID is 32 lower-case hex digits, not {account_id!r}")
    return account_id


def _credentials(environ: Mapping[str, str]) -> ApiCredentials:
    key = _first(environ, "CLOUDFLARE_API_KEY", "CF_API_KEY")
    email = _first(environ, "CLOUDFLARE_EMAIL", "CF_EMAIL")
    if key and email:
        return ApiCredentials(key=key, email=email)
    token = _first(environ, "CLOUDFLARE_API_TOKEN", "CF_API_TOKEN")
    if token:
        return ApiCredentials(token=token)
    if key:
        raise AuthenticationError(
            "CLOUDFLARE_API_KEY is set without CLOUDFLARE_EMAIL",
            fix="set the e-mail address of the key, or use CLOUDFLARE_API_TOKEN instead",
        )
    raise AuthenticationError(
        "no credentials for Cloudflare: CLOUDFLARE_API_TOKEN is not set",
        fix="set it to a token with the permission Workers Containers Write, or try things out with --local",
    )


def _registry_url(host: str, base_url: str, region: str) -> str:
    """A stand-in serves its registry beside its API, unless another is named (interface 7)."""
    if "://" in host:
        return host
    if host:
        return f"{'http' if is_loopback(host) else 'https'}://{host}"
    base = urlsplit(base_url)
    if is_loopback(base.netloc):
        return f"{base.scheme}://{base.netloc}"
    return f"https://{_REGISTRY_HOSTS[region]}"


def _sendable(value: str, what: str) -> str:
    if value and value.isprintable() and all(ord(character) <= 0xFF for character in value):
        return value
    raise AuthenticationError(
        f"the {what} for Cloudflare is empty or holds characters that no header can carry",
        fix=f"copy the {what} again, without quotation marks or line breaks",
    )
