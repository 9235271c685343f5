from __future__ import annotations

import pathlib
import subprocess
from typing import Any, Callable, Iterator

import grpc
import pytest
from conftest import FakeServer

import loupe_grpc as lg


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """An authority, and a server's and a client's certificate by it."""
    folder = tmp_path_factory.mktemp("pki")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")
    for name in ("localhost", "camera"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy", "-days", "2")
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem")
    return folder


@pytest.fixture
def server(pki: pathlib.Path) -> Iterator[FakeServer]:
    pair = ((pki / "localhost.key").read_bytes(), (pki / "localhost.pem").read_bytes())
    credentials = grpc.ssl_server_credentials([pair], root_certificates=(pki / "ca.pem").read_bytes(), require_client_auth=True)
    started = FakeServer(lambda requests, _: iter(()), credentials=credentials)
    yield started
    started.stop()


def test_both_sides_show_their_certificates(server: FakeServer, pki: pathlib.Path) -> None:
    own = {"certificate": str(pki / "camera.pem"), "private_key": (pki / "camera.key").read_bytes()}
    with lg.LoupeClient(server.address, ca=pki / "ca.pem", **own) as client:
        assert client.server_info(timeout=20).server == "fake"


@pytest.mark.parametrize("options", [lambda pki: {}, lambda pki: {"ca": pki / "ca.pem"}], ids=["server not trusted", "client without certificate"])
def test_what_is_not_trusted_is_not_talked_to(server: FakeServer, pki: pathlib.Path, options: Callable[[pathlib.Path], dict[str, Any]]) -> None:
    with lg.LoupeClient(server.address, unary_retries=0, **options(pki)) as client, pytest.raises(lg.UnavailableError):
        client.server_info(timeout=20)
