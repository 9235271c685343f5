"""Writes src/loupe_grpc/v1 from the contract: by the build (as hatchling's hook), or by hand in a checkout: `python3 generate.py`.

Needs `protoc` 3.20 or newer on the path (Debian: protobuf-compiler), or the package grpcio-tools.
"""

from __future__ import annotations

import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def protos() -> pathlib.Path:
    """The contract's folder: beside this file in a source archive, at the top of a checkout."""
    for folder in (HERE / "protos", HERE.parent.parent / "protos"):
        if (folder / "loupe" / "v1").is_dir():
            return folder
    raise SystemExit("the contract is missing: protos/loupe/v1 is neither beside generate.py nor at the top of the checkout")


def compiler() -> list[str]:
    if program := shutil.which("protoc"):
        # Where distributions put Google's own files; a protoc that was unpacked brings them itself.
        return [program, "-I", "/usr/include"] if pathlib.Path("/usr/include/google/protobuf").is_dir() else [program]
    if importlib.util.find_spec("grpc_tools"):
        import grpc_tools

        return [sys.executable, "-m", "grpc_tools.protoc", "-I", str(pathlib.Path(grpc_tools.__file__).parent / "_proto")]
    raise SystemExit("there is no protoc: install protobuf-compiler (Debian) or grpcio-tools (pip)")


def generate(target: pathlib.Path = HERE / "src" / "loupe_grpc" / "v1") -> None:
    root = protos()
    files = sorted((root / "loupe" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        command = [*compiler(), "-I", str(root), f"--python_out={folder}", f"--pyi_out={folder}", *map(str, files)]
        subprocess.run(command, check=True)
        made = pathlib.Path(folder) / "loupe" / "v1"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        names: list[str] = []
        lines = ['"""The messages of loupe.v1; protos/loupe/v1 of the project says what each field means."""\n']
        for proto in files:
            module = f"{proto.stem}_pb2"
            for suffix in (".py", ".pyi"):
                # `loupe` is too short a name to take in everybody's environment.
                text = (made / f"{module}{suffix}").read_text()
                (target / f"{module}{suffix}").write_text(re.sub(r"^from loupe\.v1 import", "from loupe_grpc.v1 import", text, flags=re.M))
            own = sorted(re.findall(r"^(?:message|enum) (\w+)", proto.read_text(), flags=re.M))
            lines += [f"from loupe_grpc.v1.{module} import {name}" for name in own]
            names += own
        lines.append("\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in sorted(names)) + "]")
        (target / "__init__.py").write_text("\n".join(lines) + "\n")


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    pass
else:

    class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
        def initialize(self, version: str, build_data: dict[str, object]) -> None:
            if self.target_name == "wheel":
                generate()


if __name__ == "__main__":
    generate()
