"""Plans and applies Cloudflare Containers from one containers.yaml."""

__version__ = "0.1.0"
