"""Tells by its name which file is likely to hold a secret, and so must not enter an image. Opens nothing."""

from __future__ import annotations

import re

_FILE = re.compile(
    r"\.env(?:\.(?!example$|sample$|template$|dist$|defaults?$).+)?|.+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|tfstate)"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|[._]netrc|\.(?:npmrc|pypirc|yarnrc|git-credentials|htpasswd|pgpass|dockercfg|vault-token)"
    r"|credentials(?:\.(?:json|ya?ml|toml|ini))?|service[_-]?account.*\.json|kubeconfig|secrets?\.(?:json|ya?ml|toml|ini|txt|env)",
    re.IGNORECASE,
)
_FOLDER = re.compile(r"\.(?:ssh|aws|gnupg|azure|kube|docker|gcloud)", re.IGNORECASE)


def is_secret_file(path: str) -> bool:
    """Whether a path, or one that lies in such a folder, is likely to hold a secret."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        return False
    return _FILE.fullmatch(parts[-1]) is not None or any(_FOLDER.fullmatch(part) for part in parts)
