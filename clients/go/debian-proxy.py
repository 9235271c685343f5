"""Writes a module proxy of Go's into FOLDER, out of Debian's packages (golang-*-dev): the packages of other modules that the given directory needs,
under the versions that go.mod names. For machines that reach no other proxy."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

DEBIAN = pathlib.Path("/usr/share/gocode/src")


def main(source: pathlib.Path, folder: pathlib.Path) -> None:
    versions: dict[str, str] = {}
    for line in (source / "go.mod").read_text().splitlines():
        words = line.split()
        if line.startswith("\t") and len(words) > 1:
            versions[words[0]] = words[1]
    with tempfile.TemporaryDirectory() as path:
        (pathlib.Path(path) / "src").mkdir()
        os.symlink(source, pathlib.Path(path) / "src/loupegrpc")
        environment = os.environ | {"GO111MODULE": "off", "GOPATH": f"{path}:{DEBIAN.parent}", "GOFLAGS": ""}
        wanted = "{{if not .Standard}}{{.ImportPath}}{{end}}"
        listed = subprocess.run(
            ["go", "list", "-deps", "-test", "-f", wanted, "loupegrpc", "loupegrpc/loupe/v1"],
            env=environment, check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
    for module, version in versions.items():
        target = folder / module / "@v"
        target.mkdir(parents=True)
        (target / "list").write_text(f"{version}\n")
        (target / f"{version}.info").write_text(json.dumps({"Version": version}))
        # None of what its own tests and other packages of it need.
        (target / f"{version}.mod").write_text(f"module {module}\n\ngo 1.17\n")
        with zipfile.ZipFile(target / f"{version}.zip", "w") as archive:
            archive.writestr(f"{module}@{version}/go.mod", f"module {module}\n\ngo 1.17\n")
            for package in listed:
                if package == module or package.startswith(module + "/"):
                    for file in (DEBIAN / package).iterdir():
                        if file.suffix in (".go", ".s") and not file.name.endswith("_test.go"):
                            archive.write(file, f"{module}@{version}/{(DEBIAN / package / file.name).relative_to(DEBIAN / module)}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]))
