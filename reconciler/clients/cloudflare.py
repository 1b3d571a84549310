"""The Cloudflare API as plain methods, named by what they do: `list_applications`, `upload_script`, `create_secret`."""

from __future__ import annotations

from reconciler.clients.containers_api import ContainersApi
from reconciler.clients.secrets_store_api import SecretsStoreApi
from reconciler.clients.workers_api import WorkersApi


class Cloudflare(ContainersApi, WorkersApi, SecretsStoreApi):
    """Everything one account can be asked for; safe to share between threads."""
