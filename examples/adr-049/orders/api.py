"""Answers /health with the version of the image and the generation of the instance; uvicorn serves it and handles SIGTERM."""

import json
import os
from pathlib import Path

VERSION = json.loads(Path("/app/version.json").read_text())


async def app(scope, _receive, send):
    """The whole application, as ASGI wants it."""
    if scope["type"] != "http":
        return
    found = scope["path"] == "/health"
    answer = {**VERSION, "generation": os.environ.get("APP_GENERATION")} if found else {"error": "not found"}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
