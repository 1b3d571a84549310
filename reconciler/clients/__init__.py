"""The outside world as plain methods: Cloudflare, registries, Docker, secret sources. Speaks dicts and strings."""

import sys

# httpx brings a command line of its own, which loads rich and pygments: 50 ms of every plan, for nothing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
