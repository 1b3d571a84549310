"""The outside world as plain methods: Cloudflare, registries, Docker, secret sources. Speaks dicts and strings."""
