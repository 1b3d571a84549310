"""A stand-in for Cloudflare's Containers API, Workers API and image registry, over HTTP on loopback.

The product's `--local`, the tests' only fake, and good enough for Cloudflare's own wrangler. One `World` holds
everything, one `Clock` is its time, `app.py` is the front door, `server.py` runs it. Imports nothing else of
this project: it is the other side of the wire.
"""
