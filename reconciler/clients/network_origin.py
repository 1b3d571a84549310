"""Which server a URL belongs to, and whether one server may send us on to another.

The only question asked of the outside is what a host name resolves to.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from enum import IntEnum
from urllib.parse import urlsplit

from reconciler.frozen import frozen

_DEFAULT_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str], Iterable[str]]


class Reach(IntEnum):
    """From how far away an address can be spoken to; the smaller, the further."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    LINK_LOCAL = 3


@frozen
class Origin:
    """Scheme, host and port: what credentials are bound to."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Gives the origin of an absolute URL; ValueError if it is none of http or https."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("not an http or https URL")
        return cls(parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def is_loopback(host: str) -> bool:
    """Tells whether a host, with or without port, is `localhost`, 127.0.0.0/8 or `[::1]`."""
    try:
        name = host if host.count(":") > 1 and host[0] != "[" else urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def resolve_host(host: str) -> Iterable[str]:
    """Gives the addresses of a host; none where its name cannot be resolved from here."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return {str(entry[4][0]).partition("%")[0] for entry in found}


def reason_not_to_follow(here: Origin, there: Origin, resolve: Resolve = resolve_host) -> str:
    """Says why `here` may not send us to `there`; empty if it may.

    A server elsewhere must not make us ask machines that only we can reach: a registry reaches what is
    as public as itself, one on loopback also private networks, and nobody a link-local address (cloud metadata).
    """
    if there == here:
        return ""
    if here.scheme == "https" and there.scheme == "http":
        return "it is not encrypted"
    target = _reaches(there.host, resolve)
    if max(target, default=Reach.PUBLIC) is Reach.LINK_LOCAL:
        return "it is a link-local address"
    if max(target, default=Reach.PUBLIC) > min(_reaches(here.host, resolve), default=Reach.PUBLIC):
        return "it is an internal address"
    return ""


def _reaches(host: str, resolve: Resolve) -> list[Reach]:
    try:
        return [_reach(host)]
    except ValueError:
        return [_reach(address) for address in resolve(host)]


def _reach(address: str) -> Reach:
    parsed = ipaddress.ip_address(address)
    found = getattr(parsed, "ipv4_mapped", None) or parsed
    if found.is_loopback or found.is_unspecified:
        return Reach.LOOPBACK
    if found.is_link_local:
        return Reach.LINK_LOCAL
    return Reach.PUBLIC if found.is_global or found.is_multicast else Reach.PRIVATE
