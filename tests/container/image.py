"""What tests/container/run.sh wants to know of an image, out of its description, its layers and its files. Prints what it found; exit code 1 where it is not as it should be."""

import json
import pathlib
import re
import sys

PROGRAM = "/opt/loupe-grpc/server/loupe-grpc-server"
# Opened while it runs, where it is there, and linked by nothing.
OPENED = {"libheif1"}


def config(description, version, revision):
    image = json.loads(pathlib.Path(description).read_text())["Docker"]["config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in image["Labels"].items()}
    environment = dict(entry.split("=", 1) for entry in image["Env"])
    assert labels["title"] == "LoupeGrpc" and labels["description"], labels
    assert labels["licenses"] == "Apache-2.0" and labels["source"].startswith("https://"), labels
    assert labels["version"] == version, f"{labels['version']}, but Directory.Build.props says {version}"
    assert labels["revision"] == revision, labels
    assert image["User"] == environment["APP_UID"] != "0", image["User"]
    assert image["Healthcheck"]["Test"] == ["CMD", PROGRAM, "health"], image["Healthcheck"]
    assert image["Entrypoint"] == [PROGRAM], image["Entrypoint"]
    assert set(image["ExposedPorts"]) == {"5005/tcp", "5006/tcp", "5007/tcp"}, image["ExposedPorts"]


def environment(description):
    print("\n".join(json.loads(pathlib.Path(description).read_text())["Docker"]["config"]["Env"]))


def size(pushed, limit):
    pushed = pathlib.Path(pushed)
    blob = lambda digest: json.loads((pushed / "blobs" / digest.replace(":", "/")).read_text())
    layers = blob(json.loads((pushed / "index.json").read_text())["manifests"][0]["digest"])["layers"]
    sizes = [layer["size"] for layer in layers]
    print(f"layers, compressed: {' + '.join(f'{each / 1e6:.1f}' for each in sizes)} = {sum(sizes) / 1e6:.1f} MB")
    assert sum(sizes) < int(limit), f"more than {int(limit) / 1e6:.0f} MB"


def sbom(folder, version):
    for name, wanted in (("server", "Grpc.AspNetCore"), ("client", "Spectre.Console")):
        bom = json.loads((pathlib.Path(folder) / f"{name}.cdx.json").read_text())
        assert bom["bomFormat"] == "CycloneDX", bom["bomFormat"]
        assert bom["metadata"]["component"]["name"] == f"loupe-grpc-{name}", bom["metadata"]
        assert bom["metadata"]["component"]["version"] == version, bom["metadata"]
        components = {component["name"]: component for component in bom["components"]}
        assert components[wanted]["purl"].startswith("pkg:nuget/") and components[wanted]["hashes"], components.get(wanted)
        print(f"{name}: {len(components)} packages")


def linked(listing, dockerfile):
    libraries = [line.split(" ", 1) for line in pathlib.Path(listing).read_text().splitlines()]
    missing = [library for package, library in libraries if package in ("missing", "unknown")]
    assert not missing, f"of no package, or not there: {missing}"
    packages = {}
    for package, library in libraries:
        packages.setdefault(package, []).append(library.rsplit("/", 1)[1])
    print("\n".join(f"{package:<24} {' '.join(sorted(names))}" for package, names in sorted(packages.items())))
    installed = set(re.search(r"apt-get install -y --no-install-recommends ([^&\\]+)", pathlib.Path(dockerfile).read_text())[1].split())
    assert installed - OPENED <= set(packages), f"installed, and linked by nothing: {installed - OPENED - set(packages)}"


if __name__ == "__main__":
    try:
        {"config": config, "environment": environment, "size": size, "sbom": sbom, "linked": linked}[sys.argv[1]](*sys.argv[2:])
    except (AssertionError, KeyError) as fault:
        sys.exit(f"{type(fault).__name__}: {fault}")
