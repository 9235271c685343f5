"""Servers for the tests: the real one, and one that does as a test says."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import subprocess
from typing import Any, Callable, Iterator

import grpc
import pytest

from loupe_grpc import v1

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "samples"
PROGRAM = pathlib.Path(os.environ.get("LOUPE_SERVER", ROOT / "out" / "loupe-grpc-server"))
TOKEN = b"t" * 32


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built: ./build.sh")
    folder = tmp_path_factory.mktemp("server")
    key = folder / "receipts.key"
    subprocess.run([PROGRAM, "key", "sign", "--output", key], check=True, capture_output=True)
    with open(folder / "log", "w+") as log:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off", f"--Loupe:Receipts:Key={key}"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout
        ready = process.stdout.readline()
        if not ready.startswith("ready "):
            process.wait(30)
            log.seek(0)
            raise AssertionError(f"no ready line but {ready!r}\n{log.read()}")
        yield ready.split()[1]
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()


#: Gets what the client sends on one `Analyze` call, and answers.
Script = Callable[[Iterator[v1.AnalyzeRequest], grpc.ServicerContext], Iterator[v1.AnalyzeResponse]]


class FakeServer:
    """Plays `script`; the n-th call gets the n-th of a list, and the last for all that follow."""

    def __init__(self, *scripts: Script, credentials: grpc.ServerCredentials | None = None) -> None:
        self.scripts = list(scripts)
        self.calls = 0
        self.metadata: list[dict[str, Any]] = []
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(32))
        handlers = {
            "Analyze": grpc.stream_stream_rpc_method_handler(self._analyze, v1.AnalyzeRequest.FromString, v1.AnalyzeResponse.SerializeToString),
            "GetServerInfo": grpc.unary_unary_rpc_method_handler(
                self._info, v1.GetServerInfoRequest.FromString, v1.GetServerInfoResponse.SerializeToString
            ),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("loupe.v1.ForgeryAnalysisService", handlers),))
        if credentials:
            self.port = self._server.add_secure_port("localhost:0", credentials)
            self.address = f"https://localhost:{self.port}"
        else:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
            self.address = f"http://127.0.0.1:{self.port}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _analyze(self, requests: Iterator[v1.AnalyzeRequest], context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        script = self.scripts[min(self.calls, len(self.scripts) - 1)]
        self.calls += 1
        self.metadata.append(dict(context.invocation_metadata()))
        yield from script(requests, context)

    def _info(self, _: v1.GetServerInfoRequest, context: grpc.ServicerContext) -> v1.GetServerInfoResponse:
        self.metadata.append(dict(context.invocation_metadata()))
        return v1.GetServerInfoResponse(server="fake")


@pytest.fixture
def fake() -> Iterator[Callable[..., FakeServer]]:
    servers: list[FakeServer] = []

    def start(*scripts: Script, **options: Any) -> FakeServer:
        servers.append(FakeServer(*scripts, **options))
        return servers[-1]

    yield start
    for started in servers:
        started.stop()


def granted(**fields: Any) -> v1.AnalyzeResponse:
    return v1.AnalyzeResponse(granted=v1.SessionGrant(session_id="fake", limits=v1.Limits(credits=4), **fields))


def result(sequence: int, frame_id: int = 0, **fields: Any) -> v1.AnalyzeResponse:
    return v1.AnalyzeResponse(outcome=v1.FrameOutcome(frame_id=frame_id, sequence=sequence, result=v1.FrameResult(score=0.5, **fields)))


def summary(**fields: Any) -> v1.AnalyzeResponse:
    return v1.AnalyzeResponse(summary=v1.SessionSummary(**fields))
