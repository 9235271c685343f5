"""Against a real server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, SAMPLES

import loupe_grpc as lg


def test_pictures_of_opencv_and_files_give_the_same(server: str) -> None:
    cv2 = pytest.importorskip("cv2")
    with lg.LoupeClient.connect(server) as client:
        file = SAMPLES / "forged-cat-inpainted.png"
        always = lg.Masks(lg.MaskPolicy.ALWAYS)
        by_file, by_pixels = client.analyze_image(file, masks=always), client.analyze_image(cv2.imread(str(file)), masks=always)
        assert by_file.score == by_pixels.score and by_file.verdict is lg.Verdict.MANIPULATED
        assert by_file.mask and by_pixels.mask and by_file.mask.rle == by_pixels.mask.rle
        assert by_file.mask.bitmap().shape == (by_file.height, by_file.width)
        assert by_file.mask.area == by_file.mask.bitmap().sum() > 0
        assert set(by_file.timings_ms) >= {"decode", "encode", "total"} and by_file.timings_ms["total"] > 0
        soft = client.analyze_image(file, masks=lg.Masks(lg.MaskPolicy.ALWAYS, lg.MaskEncoding.SOFT_PNG)).mask
        assert soft and np.array_equal(soft.bitmap(), by_file.mask.bitmap())


def test_results_are_explained_in_the_language_that_is_asked_for(server: str) -> None:
    file = SAMPLES / "forged-cat-in-coffee.jpg"
    with lg.LoupeClient(server) as client:
        assert client.analyze_image(file).explanation == ()
        first = client.analyze_image(file, explain="en").explanation[0]
        assert (first.code, first.numbers["high"]) == ("SCORE_MANIPULATED", 0.6) and first.text.startswith("The score of 0.")
        with client.open_session(explain="zh") as session:
            session.send(file)
            result = next(iter(session.results()))
            assert isinstance(result, lg.Result) and result.analysis.explanation[0].text.startswith("分数为 0.")
        with pytest.raises(lg.RequestError, match="en or zh"):
            client.analyze_image(file, explain="fr")


def test_a_program_that_fails_between_outcomes_ends(server: str) -> None:
    """Its traceback holds the iterator until the interpreter ends, when no other thread runs any more."""
    program = f"""
import loupe_grpc

def main():
    with loupe_grpc.LoupeClient("{server}") as client:
        outcomes = client.analyze([r"{SAMPLES / "authentic-coffee.jpg"}"] * 3)
        for outcome in outcomes:
            raise ValueError("of the program's own")

main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert ended.returncode == 1 and "ValueError: of the program's own" in ended.stderr


def test_results_are_signed_where_that_is_asked_for(server: str) -> None:
    file = SAMPLES / "forged-cat-in-coffee.jpg"
    with lg.LoupeClient(server) as client:
        assert client.analyze_image(file).receipt == b""
        alone = statement(client.analyze_image(file, receipt=True).receipt)
        assert alone["subject"][0]["digest"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        with client.open_session(receipts=True) as session:
            session.send(file)
            result = next(iter(session.results()))
            assert isinstance(result, lg.Result) and statement(result.analysis.receipt)["predicate"]["result"] == alone["predicate"]["result"]
            end = session.complete().receipt
        assert statement(end)["predicate"]["end"] == {"frames": 1, "results": 1}
        assert statement(end)["predicate"]["chain"]["previous"] == hashlib.sha256(payload(result.analysis.receipt)).hexdigest()


def test_frames_are_judged_over_time_where_that_is_asked_for(server: str) -> None:
    file = SAMPLES / "forged-cat-in-coffee.jpg"
    with lg.LoupeClient(server) as client:
        with client.open_session(over_time=lg.OverTime(window=2, max_frames=8, min_frames=2)) as session:
            assert session.grant.temporal.enabled and session.grant.temporal.max_frames == 8
            for _ in range(3):
                session.send(file)
            found = [outcome.analysis.over_time for _, outcome in zip(range(3), session.results()) if isinstance(outcome, lg.Result)]
            (segment,) = session.complete().segments
        assert [(v.verdict, v.frames, v.since) for v in found if v] == [
            (lg.Verdict.UNCERTAIN, 1, None),
            (lg.Verdict.MANIPULATED, 2, 0),
            (lg.Verdict.MANIPULATED, 3, 0),
        ]
        assert (segment.first_sequence, segment.last_sequence, segment.manipulated) == (0, 2, 3)
        with client.open_session() as session:
            session.send(file)
            result = next(iter(session.results()))
            assert isinstance(result, lg.Result) and result.analysis.over_time is None


def test_what_a_file_says_of_where_it_comes_from_is_there(server: str) -> None:
    with lg.LoupeClient(server) as client:
        signed = client.analyze_image(ROOT / "tests" / "data" / "provenance" / "es256.jpg").provenance
        plain = client.analyze_image(SAMPLES / "forged-cat-inpainted.png").provenance
    assert signed is not None and plain is None
    credentials = signed.content_credentials
    assert credentials.claim_generator == "loupe-grpc tests 1.0" and list(credentials.digital_source_types) == ["trainedAlgorithmicMedia"]
    holds = lg.v1.CredentialsCheckResult.CREDENTIALS_CHECK_RESULT_HOLDS
    assert [check.result for check in (credentials.binding, credentials.assertions, credentials.signature, credentials.chain)] == [holds] * 4


def payload(receipt: bytes) -> bytes:
    return base64.b64decode(json.loads(receipt)["payload"])


def statement(receipt: bytes) -> Any:
    return json.loads(payload(receipt))


def test_pictures_are_looked_at_in_tiles_where_that_is_asked_for(server: str) -> None:
    file = SAMPLES / "authentic-coffee.jpg"
    native = lg.Tiles(lg.TilePolicy.NATIVE)
    with lg.LoupeClient(server) as client:
        whole, tiled = client.analyze_image(file), client.analyze_image(file, tiles=native)
        assert whole.tiles is None and tiled.tiles is not None
        assert (tiled.tiles.analysed, tiled.tiles.total, tiled.tiles.step, tiled.tiles.whole_picture_run) == (4, 4, 160, False)
        assert tiled.score < tiled.tiles.peak.score and tiled.tiles.peak.box.width == 224
        with client.open_session(tiles=lg.Tiles(lg.TilePolicy.NATIVE, max_tiles=2)) as session:
            session.send(file)
            result = next(iter(session))
            assert isinstance(result, lg.Result) and result.analysis.tiles
            assert (result.analysis.tiles.analysed, result.analysis.tiles.whole_picture_run) == (2, True)
            assert result.analysis.tiles.window is None


def test_each_frame_of_a_session_may_show_some_tiles(server: str) -> None:
    windows = []
    with lg.LoupeClient(server) as client, client.open_session(tiles=lg.Tiles(lg.TilePolicy.NATIVE, per_frame=3, window=2)) as session:
        for _ in range(3):
            session.send(SAMPLES / "authentic-coffee.jpg")
            result = next(iter(session))
            assert isinstance(result, lg.Result) and result.analysis.tiles
            windows.append(result.analysis.tiles.window)
        assert [window and (window.frames, window.size, window.fresh) for window in windows] == [(1, 2, 2), (2, 2, 2), (2, 2, 2)]


def test_frames_of_a_video_go_straight_from_opencv(server: str) -> None:
    cv2 = pytest.importorskip("cv2")
    capture = cv2.VideoCapture(str(SAMPLES / "clip.avi"))

    def frames():  # type: ignore[no-untyped-def]
        while True:
            there, pixels = capture.read()
            if not there:
                return
            yield pixels

    with lg.LoupeClient(server) as client:
        outcomes = list(client.analyze(frames(), masks=lg.Masks(lg.MaskPolicy.NEVER)))
    assert [outcome.index for outcome in outcomes] == list(range(len(outcomes))) and len(outcomes) > 24
    assert sum(isinstance(outcome, lg.Result) and outcome.verdict is lg.Verdict.MANIPULATED for outcome in outcomes) == 24


def test_many_threads_and_many_sessions_share_a_client(server: str) -> None:
    picture = (SAMPLES / "authentic-coffee.jpg").read_bytes()
    found: list[list[int]] = []
    with lg.LoupeClient(server) as client:

        def run() -> None:
            found.append([outcome.frame_id for outcome in client.analyze([picture] * 20, max_frames_in_flight=3)])

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert found == [list(range(20))] * 4


def test_asyncio_sends_and_reads_side_by_side(server: str) -> None:
    async def main() -> list[lg.Outcome]:
        picture = (SAMPLES / "authentic-coffee.jpg").read_bytes()
        async with await lg.AsyncLoupeClient.connect(server) as client, await client.open_session(max_frames_in_flight=2) as session:

            async def send() -> None:
                for _ in range(10):
                    await session.send(picture)
                await session.complete()

            sending = asyncio.create_task(send())
            outcomes = [outcome async for outcome in session]
            await sending
            return outcomes

    outcomes = asyncio.run(main())
    assert [outcome.index for outcome in outcomes] == list(range(10)) and all(isinstance(outcome, lg.Result) for outcome in outcomes)


def test_a_session_that_loses_frames_goes_without_what_it_allows(server: str) -> None:
    file = SAMPLES / "forged-cat-inpainted.png"
    with lg.LoupeClient(server) as client, client.open_session(economies=(lg.Economy.NO_MASK,)) as session:
        session.send(file)
        # Of no use any more when it is received.
        session.send(file, deadline=1e-9)
        session.complete()
        first, lost = session
        assert isinstance(first, lg.Result) and first.analysis.mask and first.analysis.economies == ()
        assert isinstance(lost, lg.Expired)
    with lg.LoupeClient(server) as client, client.open_session(economies=(lg.Economy.NO_MASK,)) as session:
        session.send(file, deadline=1e-9)
        assert isinstance(next(iter(session)), lg.Expired)
        session.send(file)
        found = next(iter(session))
        assert isinstance(found, lg.Result) and found.analysis.mask is None and found.analysis.economies == (lg.Economy.NO_MASK,)


def test_one_threshold_alone_leaves_the_other_to_the_server(server: str) -> None:
    with lg.LoupeClient(server) as client:
        for thresholds, expected in ((lg.Thresholds(low=0.5), (0.5, 0.6)), (lg.Thresholds(high=0.7), (0.4, 0.7)), (lg.Thresholds(0, 0.7), (0, 0.7))):
            assert client.analyze_image(SAMPLES / "authentic-coffee.jpg", thresholds=thresholds).thresholds == pytest.approx(expected)


def test_a_request_that_the_server_refuses_keeps_its_code(server: str) -> None:
    with lg.LoupeClient(server) as client, pytest.raises(lg.RequestError, match="not a picture") as refused:
        client.analyze_image(b"not a picture")
    assert refused.value.code is lg.FailureCode.INVALID
    with lg.LoupeClient(server) as client, pytest.raises(lg.RequestError, match="thresholds") as refused:
        client.open_session(thresholds=lg.Thresholds(0.9, 0.1))
    assert refused.value.code is lg.FailureCode.INVALID


def test_a_model_is_asked_for_by_its_name(server: str) -> None:
    file = SAMPLES / "authentic-coffee.jpg"
    with lg.LoupeClient(server) as client:
        assert [model.name for model in client.server_info().models] == ["default"]
        assert client.analyze_image(file, model="default").score == client.analyze_image(file).score
        with client.open_session(model="default") as session:
            session.send(file)
            assert isinstance(next(iter(session)), lg.Result)
        for refused in (lambda: client.analyze_image(file, model="huge"), lambda: client.open_session(model="huge")):
            with pytest.raises(lg.RequestError, match="expected default") as told:
                refused()
            assert told.value.code is lg.FailureCode.INVALID


def test_the_readme_runs(server: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "clients/python/README.md").read_text()
    program = "\n".join(re.findall(r"```python\n(.*?)```", readme, flags=re.S)).replace("http://127.0.0.1:5005", server)
    shutil.copy(SAMPLES / "forged-cat-in-coffee.jpg", tmp_path / "holiday.jpg")
    (tmp_path / "photos").mkdir()
    shutil.copy(SAMPLES / "authentic-coffee.jpg", tmp_path / "photos")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"broken")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "README.md", "exec"), {"__name__": "readme"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("MANIPULATED 0.") and lines[1].startswith("(240, 320) ")
    assert "4 results" in lines and "goes on at step 1" in lines
    assert any(line.startswith("1: INVALID") for line in lines)
