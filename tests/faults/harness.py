"""What the cases share: how one is written down, and the client as its users run it. Standard library only."""

import json
import os
import pathlib
import signal
import subprocess
import time

from support import CLIENT, DATA

FAULTS = DATA / "faults"
VIDEO = DATA / "video"
CHECKPOINTS = DATA / "checkpoints"
WHOLE = FAULTS / "jpeg-whole.jpg"

CASES = []


class Broken(Exception):
    """A case is not as it should be; the message is what it did instead."""


class Skipped(Exception):
    """A case cannot be tried on this machine; the message says why."""


def case(name, before):
    """Marks a function as a case: it gets a `Place`, returns what happened in a few words, or raises `Broken` or `Skipped`."""

    def keep(function):
        CASES.append((name, before, function))
        return function

    return keep


def expect(holds, now):
    """What happened, if that is as it should be."""
    if not holds:
        raise Broken(now)
    return now


class Answer:
    """What the client did: its exit code, its rows, what it told people, and how long it took."""

    def __init__(self, code, output, error, seconds):
        self.code, self.error, self.seconds = code, error, seconds
        # Names that are not UTF-8 come escaped.
        self.rows = [json.loads(line) for line in output.splitlines()]

    @property
    def outcomes(self):
        return [row["outcome"] for row in self.rows]

    def names(self, field="path"):
        return [os.path.basename(row[field]) for row in self.rows]

    def notes(self):
        return [note["code"] if isinstance(note, dict) else note for row in self.rows for note in row.get("notes", [])]

    def errors(self):
        return [row["error"] for row in self.rows if "error" in row]

    def short(self):
        """Outcomes counted, and the exit code."""
        counted = ", ".join(f"{self.outcomes.count(outcome)} {outcome}" for outcome in sorted(set(self.outcomes)))
        return f"{counted or 'no rows'}, exit {self.code}"


class Place:
    """A folder of a case's own, and a server that all cases share."""

    def __init__(self, folder, server):
        self.folder, self.url, self.pid = pathlib.Path(folder), server.url, server.pid

    def client(self, verb, *arguments, cwd=None, prefix=(), limit=60, sent=None):
        """Runs the client; one that does not end within `limit` seconds gets one SIGTERM, and is broken."""
        command = [*prefix, CLIENT, verb, *arguments, "--server", self.url, "--format", "jsonl"]
        began = time.monotonic()
        with subprocess.Popen(
                [os.fsencode(part) for part in command], cwd=cwd or self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                if sent is not None:
                    sent(process)
                output, error = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired as late:
                process.send_signal(signal.SIGTERM)
                try:
                    process.communicate(timeout=20)
                    raise Broken(f"does not end in {limit} s") from late
                except subprocess.TimeoutExpired as deaf:
                    process.kill()
                    raise Broken(f"does not end in {limit} s, nor by one SIGTERM") from deaf
        return Answer(process.returncode, output.decode(), error.decode(errors="replace"), time.monotonic() - began)
