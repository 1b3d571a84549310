"""A stand-in for Cloudflare's Containers API, Workers API and image registry, over HTTP on loopback.

Imports nothing else of this project: it is the other side of the wire.
"""
