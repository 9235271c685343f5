"""deploy/nginx/loupe.conf with the real nginx before two servers: TLS, keys, sessions that stick by their name, a server that is killed. Standard library only."""

import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.fspath(pathlib.Path(__file__).resolve().parents[1] / "interop" / "python"))

from support import CLIENT, ROOT, SERVER, Server  # noqa: E402

CONFIGURATION = ROOT / "deploy" / "nginx" / "loupe.conf"
SAMPLES = ROOT / "samples"
CAMERAS = [f"camera-{number}" for number in range(12)]


def run(*command, check=True, **options):
    return subprocess.run([os.fspath(part) for part in command], check=check, capture_output=True, text=True, timeout=180, **options)


def free_port():
    """Outside the range from which the system gives ports to whoever asks for any: another test would take it in between."""
    while True:
        port = random.randrange(12_000, 30_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def certificates(folder):
    """An authority, and by it a certificate of localhost."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test authority",
        "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
        "-keyout", folder / "tls.key", "-out", folder / "tls.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", encoding="ascii")
    run("openssl", "x509", "-req", "-days", "2", "-in", folder / "tls.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
        "-extfile", folder / "names", "-out", folder / "tls.pem")


class Nginx:
    """The deployed configuration with the places of this test in it, and nothing else changed."""

    def __init__(self, folder, servers, webs):
        self.port = free_port()
        text = CONFIGURATION.read_text(encoding="utf-8")
        for old, new in [
                ("loupe-1:5005", servers[0]), ("loupe-2:5005", servers[1]), ("loupe-1:5007", webs[0]), ("loupe-2:5007", webs[1]),
                ("listen 443 ", f"listen 127.0.0.1:{self.port} "), ("/etc/loupe-grpc/", f"{folder}/")]:
            assert old in text, f"{CONFIGURATION} has no {old}"
            text = text.replace(old, new)
        (folder / "loupe.conf").write_text(text, encoding="utf-8")
        temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log info;\nevents {{}}\n"
            f"http {{ access_log off;\n{temporary}\ninclude {folder}/loupe.conf;\n}}\n", encoding="utf-8")
        run("nginx", "-t", "-p", folder, "-c", folder / "nginx.conf")
        self._process = subprocess.Popen(["nginx", "-p", os.fspath(folder), "-c", os.fspath(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((folder / "error.log").read_text(encoding="utf-8"))

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=60)


def sessions_of(server):
    return set(re.findall(r" '(camera-\d+)' of ", server.log()))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificates(folder)
        key = re.search(r"key: (\S+)", run(SERVER, "key", "add", "--file", folder / "keys.json", "--name", "gate").stdout)[1]
        (folder / "key").write_text(key, encoding="ascii")
        os.chmod(folder / "key", 0o600)
        web = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        servers = [Server(f"--Loupe:Security:Keys={folder}/keys.json", web=f"http://{address}") for address in web]
        nginx = Nginx(folder, [server.address for server in servers], web)
        try:
            return check(folder, servers, f"https://localhost:{nginx.port}")
        finally:
            nginx.stop()
            for server in servers:
                server.stop()


def check(folder, servers, url):
    trusted = ["--server", url, "--ca", folder / "ca.pem"]
    known = [*trusted, "--key", f"@{folder}/key"]
    environment = os.environ | {"TERM": "dumb"}

    # Keys go through, and who has none or a wrong one is not let in.
    rows = [json.loads(line) for line in run(CLIENT, "analyze", SAMPLES, *known, "--format", "jsonl", check=False).stdout.splitlines()]
    assert len(rows) == 18 and all(row["outcome"] == "RESULT" for row in rows), rows
    assert run(CLIENT, "analyze", SAMPLES, *trusted, check=False).returncode == 77
    assert run(CLIENT, "analyze", SAMPLES, *trusted, "--key", "loupe_wrong", check=False).returncode == 77
    # A picture that takes longer than a moment to send, and one over plain HTTP.
    big = folder / "big.bmp"
    big.write_bytes(bitmap(2600, 2600))
    row = json.loads(run(CLIENT, "analyze", big, *known, "--format", "jsonl", check=False).stdout)
    assert row["outcome"] == "RESULT" and row["width"] == 2600, row
    posted = run("curl", "-sS", "--cacert", folder / "ca.pem", "-H", f"authorization: Bearer {(folder / 'key').read_text(encoding='ascii')}",
                 "-F", f"file=@{SAMPLES}/authentic-coffee.jpg", f"{url}/v1/analyze").stdout
    assert json.loads(posted)["outcome"] == "RESULT", posted

    # A camera's sessions go to the same server, and cameras to both.
    def stream(camera, *arguments):
        return run(CLIENT, "stream", SAMPLES / "clip.avi", *known, "--session", camera, "--format", "jsonl", *arguments, check=False, env=environment)

    for _ in range(2):
        for camera in CAMERAS:
            stream(camera, "--max-frames", "1")
    first, second = (sessions_of(server) for server in servers)
    assert first and second and not first & second and first | second == set(CAMERAS), (first, second)

    # A server is killed while its cameras send: each frame sent has one outcome, and the client says what was lost.
    camera = sorted(first)[0]
    with subprocess.Popen(
            [os.fspath(part) for part in [CLIENT, "stream", SAMPLES / "clip.avi", *known, "--session", camera, "--delivery", "budget:60000", "--fps", "10", "--format", "jsonl"]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as running:
        began = [running.stdout.readline() for _ in range(10)]
        servers[0].kill()
        rest, error = running.communicate(timeout=180)
    rows = [json.loads(line) for line in [*began, *rest.splitlines()]]
    ids = [row["frame_id"] for row in rows]
    assert ids == sorted(set(ids)), ids
    assert ids[:10] == list(range(10)) and {row["outcome"] for row in rows[:10]} == {"RESULT"}, rows
    assert running.returncode == 20 and "does not have the session any more" in error, error
    # Whoever comes next is served by the one that is left.
    done = stream(camera, "--max-frames", "2")
    assert done.returncode in (0, 10), done.stderr
    assert camera in sessions_of(servers[1])
    return 0


def bitmap(width, height):
    """A BMP of 24 bits a pixel."""
    size = 3 * width * height
    header = b"BM" + (54 + size).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    header += (40).to_bytes(4, "little") + width.to_bytes(4, "little") + height.to_bytes(4, "little") + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    return header + bytes(range(256)) * (size // 256) + bytes(size % 256)


sys.exit(main())
