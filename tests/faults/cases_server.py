"""What once killed, starved or filled a server, and what it once answered with a stack trace."""

import concurrent.futures
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.request
import zlib

import grpc

from harness import WHOLE, case, expect
from support import CLIENT, DATA, ROOT, SERVER, Server

SERVICE = "/loupe.v1.ForgeryAnalysisService"
TINY = DATA / "tiny" / "tiny-s"
LISTEN = ("--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off")


def shell(line, *arguments, limit=60, **environment):
    """A line of shell with the server as "$0"."""
    command = ["/bin/sh", "-c", line, SERVER, *arguments]
    return subprocess.run(
        [os.fspath(part) for part in command], capture_output=True, text=True, timeout=limit, env=os.environ | environment)


def sentence(done, code, words):
    """One sentence as the last line, no stack trace, and the exit code."""
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return expect(
        done.returncode == code and words in last and "   at " not in done.stderr, f"exit {done.returncode}: {last[-110:]}")


def raw(channel, method):
    """A unary call whose messages are bytes."""
    return channel.unary_unary(f"{SERVICE}/{method}", request_serializer=lambda data: data, response_deserializer=lambda data: data)


def status(call, *arguments, **options):
    """How a call ends, and whether details say why."""
    try:
        call(*arguments, timeout=60, **options)
    except grpc.RpcError as error:
        details = any(name == "grpc-status-details-bin" for name, _ in error.trailing_metadata() or ())
        return error.code().name, details
    return "OK", False


def memory(pid):
    """Resident, in MiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii"))[1]) // 1024


def processor_time(pid, ended_children=False):
    """Seconds used so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return sum(map(int, fields[11:15 if ended_children else 13])) / os.sysconf("SC_CLK_TCK")


def children_of(pid):
    found = set()
    for task in pathlib.Path("/proc").glob(f"{pid}/task/*"):
        try:
            found.update(map(int, (task / "children").read_text(encoding="ascii").split()))
        except OSError:
            pass  # A thread that has just ended.
    return found


def decoder_times(pid):
    """Seconds that each decoder of a server has used."""
    used = []
    for child in children_of(pid):
        try:
            used.append(processor_time(child))
        except OSError:
            pass  # It has just ended.
    return used


def time_with_children(pid):
    """Seconds of a server and of its decoders, those that have ended too: however busy the machine is."""
    return processor_time(pid, ended_children=True) + sum(decoder_times(pid))


def until(holds, seconds=60):
    """Waits until it holds; whether it did."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_ready(server):
    operations = re.search(r"operations=(\S+)", server.ready)[1]
    with urllib.request.urlopen(f"{operations}/healthz/ready", timeout=10) as answer:
        return answer.status == 200


@case("1,100 silent connections at 1,024 files", "one core, 50 MB/s, SIGABRT after 4 s")
def silent_connections(place):
    launcher = place.folder / "server"
    launcher.write_text(f'#!/bin/sh\nulimit -n 1024\nexec "{ROOT}/out/server/loupe-grpc-server" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    with Server("--Loupe:Connections:SilenceTimeout=60s", program=launcher) as server:
        host, port = server.address.split(":")
        sockets = []
        try:
            for _ in range(1100):
                connection = socket.socket()
                sockets.append(connection)
                try:
                    connection.connect((host, int(port)))
                except ConnectionResetError:
                    pass

            def used_in_a_while():
                before = processor_time(server.pid)
                time.sleep(2)
                return processor_time(server.pid) - before

            # It has come to rest once it has refused them; one that tries to accept never does.
            until(lambda: used_in_a_while() < 0.5)
            used, resident, ready = used_in_a_while(), memory(server.pid), is_ready(server)
        finally:
            for connection in sockets:
                connection.close()
        code = server.stop()
    return expect(ready and used < 1 and code == 0, f"{used / 2:.0%} of a core, {resident} MiB, ready, exit {code}")


def deflated(size):
    """Zeros, deflated in pieces that stand for themselves."""
    piece = zlib.compressobj(9)
    block = piece.compress(bytes(1 << 20)) + piece.flush(zlib.Z_FULL_FLUSH)
    return block[:2] + block[2:] * (size >> 20) + zlib.compressobj(9, zlib.DEFLATED, -15).flush() + struct.pack(">I", 1)


def tiff(width, height, tile, tiles, data):
    """Tiles that all are at one place."""
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1),
        (322, 4, 1, tile), (323, 4, 1, tile), (324, 4, tiles, 8 + len(data)), (325, 4, tiles, 8 + len(data) + 4 * tiles)]
    if tiles == 1:
        tags[-2:] = [(324, 4, 1, 8), (325, 4, 1, len(data))]
    arrays = struct.pack(f"<{tiles}I", *[8] * tiles) + struct.pack(f"<{tiles}I", *[len(data)] * tiles)
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data) + len(arrays)) + data + arrays + directory


def png(data, side=8, colors=2):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, colors, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def scans(number):
    """A progressive JPEG with scans that add nothing: each begins and ends nothing of the first component."""
    jpeg = (DATA / "preprocess" / "progressive-320x240.jpg").read_bytes()
    empty = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10\x00"
    return jpeg[:-2] + empty * number + b"\xff\xd9"


BOMBS = {
    "tiles.tif": ("TIFF, 530 kB: 1,024 tiles that share their bytes", "over 90 s, SIGTERM too", lambda: tiff(8192, 8192, 256, 1024, deflated(512 << 20))),
    "giant.tif": ("TIFF, 656 kB: 1x1 with one giant tile", "1 GB a decode worker", lambda: tiff(1, 1, 16384 + 9600, 1, deflated(640 << 20))),
    "scans-300.jpg": ("progressive JPEG of 300 empty scans", "bystanders wait", lambda: scans(300)),
    "scans-1500.jpg": ("progressive JPEG of 1,500 empty scans", "bystanders' p50 19 ms -> 7.7 s", lambda: scans(1500)),
    "inflates.png": ("PNG 8x8 with 4 GB of IDAT", "one decode worker for seconds", lambda: png(deflated(4 << 30))),
}


def bomb(file):
    name, before, make = BOMBS[file]

    @case(name, before)
    def run(place):
        (place.folder / file).write_bytes(make())
        before = time_with_children(place.pid)
        answer = place.client("analyze", file)
        # What another case asks of the server meanwhile is in it.
        used = time_with_children(place.pid) - before
        error = answer.errors()[0]
        return expect(error["code"] in ("INVALID", "TOO_LARGE") and used < 15, f"{used:.1f} s, {error['code']}: {error['message'][:90]}")


for bomb_file in BOMBS:
    bomb(bomb_file)


def slow_picture():
    """One that is let through where the limits are wide, and then takes seconds: its frame says 64 megapixels, its scans go over all of them."""
    jpeg = bytearray(scans(480))
    frame = jpeg.index(b"\xff\xc2")
    struct.pack_into(">HH", jpeg, frame + 5, 8000, 8000)
    return bytes(jpeg)


@case("SIGTERM while such a picture is decoded", "the process goes on for over 90 s")
def stopped_while_decoding(place):
    (place.folder / "slow.jpg").write_bytes(slow_picture())
    wide = ("--Loupe:Limits:MaxScans=1000", "--Loupe:Limits:MaxPixels=1000000000", "--Loupe:Imaging:DecodeTime=600s", "--Loupe:Shutdown:DrainTimeout=1s")
    used = 0.0

    def is_decoding():
        nonlocal used
        times = decoder_times(server.pid)
        used = max([used, *times])
        return bool(times)

    with Server(*wide) as server, subprocess.Popen(
            [CLIENT, "analyze", place.folder / "slow.jpg", "--server", server.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        decoding = until(lambda: is_decoding() and used > 0.5)
        server.terminate()
        ended = until(lambda: not is_decoding())
        code = server.stop()
        client.kill()
    # Of the five seconds that it takes, however long that is on a machine that is busy.
    return expect(decoding and ended and code == 0 and used < 3, f"exit {code} after {used:.1f} s of decoding" if decoding else "it was not decoded")


@case("a pipe for the log that nobody reads", "the server stops answering")
def blocked_log(place):
    command = [SERVER, "serve", *LISTEN, "--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Microsoft=Trace"]
    with subprocess.Popen([os.fspath(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().split()[1].removeprefix("http://")
        with grpc.insecure_channel(address) as channel:
            ask = raw(channel, "GetServerInfo")
            answered = sum(status(ask, b"")[0] == "OK" for _ in range(300))
        began = time.monotonic()
        server.terminate()
        server.wait(timeout=30)
        took = time.monotonic() - began
    return expect(answered == 300 and server.returncode == 0, f"{answered} of 300 answered, exit {server.returncode} after {took:.1f} s")


@case("bytes that are no message", "UNKNOWN, and a stack trace in the log each")
def no_message(place):
    with Server() as server, grpc.insecure_channel(server.address) as channel:
        ends = {status(raw(channel, "AnalyzeImage"), b"\xff\xff\xff\xff\x01") for _ in range(1000)}
        log = server.log()
    lines = log.count("its request cannot be read")
    return expect(ends == {("INVALID_ARGUMENT", True)} and "   at " not in log and lines == 600, f"{ends.pop()[0]}, {lines} lines of log for 1,000 calls")


@case("a message over the limit, of a single picture", "RESOURCE_EXHAUSTED without details")
def large_message(place):
    with Server("--Loupe:Limits:MaxFrameBytes=65536") as server, grpc.insecure_channel(server.address) as channel:
        end = status(raw(channel, "AnalyzeImage"), bytes(3 << 20))
    return expect(end == ("RESOURCE_EXHAUSTED", True), f"{end[0]}, {'with' if end[1] else 'without'} details")


def after(server, burst):
    """Resident MiB before a burst, at most while it lasts, and once what it left had time to go."""
    begin = memory(server.pid)
    most, done = begin, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.02):
            most = max(most, memory(server.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    burst()
    done.set()
    watching.join()
    until(lambda: memory(server.pid) <= begin + 64)
    return begin, most, memory(server.pid)


@case("a burst of 40 messages of 24 MB", "4.2 GB stay")
def burst_of_messages(place):
    message = bytes(24 << 20)
    with Server() as server, grpc.insecure_channel(server.address, options=[("grpc.max_send_message_length", -1)]) as channel:
        with concurrent.futures.ThreadPoolExecutor(40) as callers:
            begin, most, end = after(server, lambda: list(callers.map(lambda _: status(raw(channel, "AnalyzeImage"), message), range(40))))
    return expect(most > begin + 100 and end <= begin + 64, f"{begin} MiB, then {most}, then {end}")


@case("masks of pictures of 100 megapixels", "500 MB stay for each of the workers")
def huge_masks(place):
    (place.folder / "huge.png").write_bytes(png(zlib.compress(bytes(10_001 * 10_000), 1), side=10_000, colors=0))
    with Server() as server:
        command = [CLIENT, "analyze", WHOLE, place.folder / "huge.png", place.folder / "huge.png", "--mask", "always", "--server", server.url, "--format", "csv"]
        subprocess.run(command[:3] + command[5:], check=False, capture_output=True, timeout=120)
        rows = []
        begin, most, end = after(server, lambda: rows.extend(
            subprocess.run(command, check=False, capture_output=True, text=True, timeout=120).stdout.splitlines()))
    return expect(len(rows) == 4 and most > begin + 400 and end <= begin + 64, f"{len(rows) - 1} pictures; {begin} MiB, then {most}, then {end}")


@case("metadata of 60 kB beside another call", "both calls end")
def large_metadata(place):
    with Server() as server, grpc.insecure_channel(server.address, options=[("grpc.max_metadata_size", 1 << 20)]) as channel:
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch", request_serializer=lambda data: data, response_deserializer=lambda data: data)(b"")
        next(watch)
        end = status(raw(channel, "GetServerInfo"), b"", metadata=[("x", "y" * 60_000)])
        alive = watch.is_active()
        watch.cancel()
    return expect(end == ("RESOURCE_EXHAUSTED", True) and alive, f"{end[0]}, the other call goes {'on' if alive else 'too'}")


@case("who watches health while the server stops", "NOT_SERVING a second later, or with the end")
def health_watch(place):
    # A busy machine may be slow once; a server that asks itself once a second is so each time.
    took = min(health_told(), health_told(), health_told())
    return expect(took < 0.5, f"NOT_SERVING after {took * 1000:.0f} ms, at best of three")


def health_told():
    serving, not_serving = b"\x08\x01", b"\x08\x02"
    with Server() as server, grpc.insecure_channel(server.address) as channel:
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch", request_serializer=lambda data: data, response_deserializer=lambda data: data)(b"")
        first = next(watch)
        began = time.monotonic()
        server.terminate()
        second = next(watch)
        took = time.monotonic() - began
        server.stop()
    return took if first == serving and second == not_serving else float("inf")


@case("weights truncated under a running server", "SIGBUS")
def truncated_weights(place):
    package = place.folder / "package"
    subprocess.run([SERVER, "convert", "--weights", TINY / "model.safetensors", "--config", TINY / "config.json", "--output", package], check=True, capture_output=True)
    with Server("--model", package) as server:
        command = [CLIENT, "analyze", WHOLE, "--mask", "always", "--format", "csv", "--server", server.url]
        before = subprocess.run(command, capture_output=True, text=True, timeout=120)
        os.truncate(package / "fp32" / "weights.bin", 0)
        after = subprocess.run(command, capture_output=True, text=True, timeout=120)
        code = server.stop()
    same = [line.split(",")[:4] for line in before.stdout.splitlines()] == [line.split(",")[:4] for line in after.stdout.splitlines()]
    return expect(same and before.returncode in (0, 10) and code == 0, f"the same answer, exit {code}" if same else after.stderr.strip()[:100])


@case("SIGKILL to a server", "child processes go on")
def killed_server(place):
    with Server() as server:
        subprocess.run([CLIENT, "analyze", WHOLE, "--server", server.url], capture_output=True, timeout=120)
        children = children_of(server.pid)
        server.kill()
        until(lambda: not left_of(children), seconds=30)
        left = left_of(children)
    return expect(children and not left, f"{len(children)} children, {len(left)} left")


def left_of(children):
    return [child for child in children if os.path.exists(f"/proc/{child}/exe")]


def stream_case(name, before, line, *arguments, code, words, **environment):
    @case(name, before)
    def run(place):
        values = {variable: value.replace("DIR", str(place.folder)) for variable, value in environment.items()}
        return sentence(shell(line, *arguments, **values), code, words)


stream_case(
    "serve > /dev/full", "a stack trace", 'exec "$0" "$@" > /dev/full', "serve", *LISTEN, code=1,
    words="standard output cannot be written: No space left on device")
stream_case(
    "no HOME, no TMPDIR that can be written", "a stack trace", 'unset HOME XDG_CACHE_HOME; exec "$0" "$@"', "serve", *LISTEN, code=1,
    words="set Loupe:Model:CacheDirectory, HOME or TMPDIR", TMPDIR="DIR/nowhere")
stream_case("ulimit -n 64", "a stack trace", 'ulimit -n 64; exec "$0" "$@"', "serve", *LISTEN, code=1, words="ulimit -n 1024")
stream_case("ulimit -v 4000000", "a stack trace", 'ulimit -v 4000000; exec "$0" "$@"', "serve", *LISTEN, code=1, words="ulimit -v unlimited")
stream_case("MaxPixels=2000000000", "a fault at the first picture", 'exec "$0" "$@"', "serve", "--Loupe:Limits:MaxPixels=2000000000", code=2, words="Loupe:Limits:MaxPixels")
stream_case("a log level that does not exist", "a stack trace", 'exec "$0" "$@"', "serve", "--Logging:LogLevel:Default=Loud", code=2, words="Loud")


@case("serve 2>&-", "aborts")
def no_standard_error(place):
    command = ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', os.fspath(SERVER), "serve", *LISTEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        ready = server.stdout.readline().startswith("ready ")
        server.terminate()
        server.wait(timeout=30)
    return expect(ready and server.returncode == 0, f"{'ready' if ready else 'no ready line'}, exit {server.returncode}")


@case("convert >&-", "exit 1 with the package written")
def conversion_without_output(place):
    arguments = ("convert", "--weights", TINY / "model.safetensors", "--config", TINY / "config.json", "--output", place.folder / "package")
    done = shell('exec "$0" "$@" >&-', *arguments)
    return expect(done.returncode == 0 and os.listdir(place.folder) == ["package"], f"exit {done.returncode}, {os.listdir(place.folder)}")


@case("a conversion that is killed", ".partial-* stays for ever")
def killed_conversion(place):
    command = [SERVER, "convert", "--weights", TINY / "model.safetensors", "--config", TINY / "config.json", "--output", place.folder / "package"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        deadline = time.monotonic() + 60
        while not os.listdir(place.folder) and time.monotonic() < deadline:
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
    left = [name for name in os.listdir(place.folder) if ".partial-" in name]
    again = subprocess.run(command, capture_output=True, timeout=60)
    now = sorted(os.listdir(place.folder))
    return expect(left and again.returncode == 0 and now == ["package"], f"left {len(left)}, behind the next one {now}")
