"""Tells by its name, or by its form, what is likely to be a secret and so must not enter a build."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"password|passwd|passphrase|apikey|(?:^|[_.-])(?:pass|pwd|secrets?|tokens?|credentials?|netrc"
    r"|(?:api|access|private|secret|signing|encryption|ssh|deploy)[_-]?keys?)(?:$|[_.-])",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What is about a secret without being one: where it lies, what it is called, how long it lasts.
_HARMLESS = re.compile(
    r"(?:file|path|dir|url|uri|name|id|ttl|type|header|length|expiry|expires|enabled|public)$", re.IGNORECASE
)
_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}|\bnpm_[A-Za-z0-9]{36}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bsk_live_[A-Za-z0-9]{16,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|://[^/\s:@]+:[^/\s:@${}]+@"
)


def is_secret_name(name: str) -> bool:
    """Whether what has this name is likely to be a secret."""
    words = _HUMP.sub("_", name)
    return _NAME.search(words) is not None and _HARMLESS.search(words) is None


def is_secret_value(value: str) -> bool:
    """Whether a value has the form of a well-known kind of secret."""
    return _VALUE.search(value) is not None
