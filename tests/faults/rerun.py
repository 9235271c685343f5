"""Runs the cases and prints the table: case, before, now, ok or NOT. Exit code 1 where one is not as it should be."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap

import cases_inputs  # noqa: F401
import cases_server  # noqa: F401
from harness import CASES, Broken, Place, Skipped
from support import Server

WIDTHS = (34, 46, 62)


def judge(function, folder, server):
    """Verdict and what happened."""
    os.makedirs(folder)
    try:
        return "ok", function(Place(folder, server))
    except Broken as broken:
        return "NOT", str(broken)
    except Skipped as skipped:
        return "-", str(skipped)
    except (OSError, subprocess.SubprocessError, AssertionError, LookupError, ValueError) as error:
        return "NOT", f"{type(error).__name__}: {error}"


def show(*cells):
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, WIDTHS)]
    for line in range(max(map(len, columns))):
        parts = [(column[line] if line < len(column) else "").ljust(width) for column, width in zip(columns, WIDTHS)]
        print(" | ".join([*parts, cells[-1] if line == 0 else ""]).rstrip(), flush=True)


def main(words):
    chosen = [case for case in CASES if not words or any(word in case[0] for word in words)]
    show("case", "before", "now", "")
    print("-" * (sum(WIDTHS) + 12))
    counts = {"ok": 0, "NOT": 0, "-": 0}
    with tempfile.TemporaryDirectory() as root, Server() as server, concurrent.futures.ThreadPoolExecutor(2) as pool:
        os.chmod(root, 0o755)
        running = [
            pool.submit(judge, function, pathlib.Path(root, str(number)), server) for number, (_, _, function) in enumerate(chosen)]
        for (name, before, _), answer in zip(chosen, running):
            verdict, now = answer.result()
            counts[verdict] += 1
            show(name, before, now, verdict)
    print(f"faults: {counts['ok']} passed, {counts['NOT']} failed, {counts['-']} skipped")
    return 1 if counts["NOT"] or not counts["ok"] else 0


sys.exit(main(sys.argv[1:]))
