"""The stand-in as a process sees it: sockets, threads, folders, and the command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from reconciler.emulator.server import LocalServer
from reconciler.emulator.settings import Settings
from reconciler.emulator.store import DataFolderInUseError
from tests.emulator.cloud import ACCOUNT, wish

TOKEN = {"Authorization": "Bearer t"}


def client(server: LocalServer) -> httpx.Client:
    return httpx.Client(base_url=f"{server.base_url}/accounts/{ACCOUNT}/containers", headers=TOKEN)


def test_a_local_server_keeps_its_world(tmp_path: Path) -> None:
    accept = Settings(missing_images="accept")
    with LocalServer(tmp_path, settings=accept) as server, client(server) as api:
        assert api.post("/applications", json=wish()).status_code == 201
        with pytest.raises(DataFolderInUseError):
            LocalServer(tmp_path)
    with LocalServer(tmp_path) as server, client(server) as api:
        assert [item["name"] for item in api.get("/applications").json()["result"]] == ["api"]
        assert server.world.ids("application", ACCOUNT)


def test_two_servers_do_not_share_a_port() -> None:
    with LocalServer() as server, pytest.raises(OSError, match=f"port {server.port} of 127.0.0.1"):
        LocalServer(port=server.port)


@pytest.mark.parametrize(("drop", "there"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_is_really_cut(drop: str, there: int, capfd: pytest.CaptureFixture[str]) -> None:
    with LocalServer(settings=Settings(missing_images="accept")) as server, client(server) as api:
        rules = [{"method": "POST", "fault": {"drop": drop}}]
        httpx.put(f"http://127.0.0.1:{server.port}/emulator/faults", json=rules)
        with pytest.raises(httpx.RemoteProtocolError):
            api.post("/applications", json=wish())
        assert len(api.get("/applications").json()["result"]) == there
    assert capfd.readouterr() == ("", "")


def test_a_delayed_request_is_listed_and_holds_up_nobody() -> None:
    with LocalServer() as server, client(server) as api:
        pages = httpx.Client(base_url=f"http://127.0.0.1:{server.port}/emulator")
        pages.put("/faults", json=[{"fault": {"delay": 30}}])
        with pytest.raises(httpx.ReadTimeout):
            api.get("/me", timeout=0.05)
        assert api.get("/me").status_code == 200
        assert [entry["status"] for entry in pages.get("/ledger").json()] == [0, 200]
        pages.close()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_exports_and_ends_when_told(tmp_path: Path, stop: signal.Signals) -> None:
    code = f"from pathlib import Path; from reconciler.emulator.server import serve; serve(0, Path({str(tmp_path)!r}))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(4)]
            exported = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
            base = exported["CLOUDFLARE_API_BASE_URL"]
            account = exported["CLOUDFLARE_ACCOUNT_ID"]
            headers = {"Authorization": f"Bearer {exported['CLOUDFLARE_API_TOKEN']}"}
            assert httpx.get(f"{base}/accounts/{account}/containers/me", headers=headers).status_code == 200
            assert base == f"http://{exported['CLOUDFLARE_CONTAINER_REGISTRY']}/client/v4"
            os.kill(process.pid, stop)
            rest, errors = process.communicate(timeout=20)
            assert (rest, errors) == ("", "")
            assert process.returncode == 0
        finally:
            process.kill()
