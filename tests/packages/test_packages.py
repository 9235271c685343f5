"""The packages that are published: what they say of themselves, what is in them, and that they work where nothing else of this repository is."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = pathlib.Path(os.environ["LOUPE_PACKAGES"])
VERSION = re.search(r"<Version>([^<]+)</Version>", (ROOT / "Directory.Build.props").read_text(encoding="utf-8")).group(1)
LIBRARIES = {"LoupeGrpc.Protocol": {"Google.Protobuf", "Grpc.Core.Api"},
             "LoupeGrpc.Client": {"LoupeGrpc.Protocol", "Grpc.Net.Client", "Grpc.StatusProto", "Polly.Core", "Microsoft.Extensions.Configuration.Abstractions",
                                  "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions"}}
TOOL = "loupe-grpc-client"

FRAMEWORKS = ("net8.0", "net10.0")
# What a program that has a container brings itself.
CONTAINER = "".join(f'<PackageReference Include="Microsoft.Extensions.{name}" Version="10.0.0" />' for name in ("Configuration", "DependencyInjection"))
SERVER = pathlib.Path(os.environ.get("LOUPE_SERVER", ROOT / "out" / "loupe-grpc-server"))
PICTURE = ROOT / "samples" / "forged-cat-in-coffee.jpg"

PROGRAM = """
using LoupeGrpc.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

var picture = new EncodedFrame(await File.ReadAllBytesAsync(args[1]));
var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string> { ["Loupe:Address"] = args[0], ["Loupe:ConnectTimeout"] = "00:00:10" }).Build();
await using var container = new ServiceCollection().AddLoupeClient(configuration.GetSection("Loupe")).BuildServiceProvider();
var client = container.GetRequiredService<LoupeClient>();
var answer = await client.AnalyzeImageAsync(picture);
Console.WriteLine($"{answer.Result.Verdict} {answer.Result.Score:R}");

await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Name = "stranger" });
await session.SendAsync(picture with { FrameId = 7 });
await session.SendAsync(new EncodedFrame(new byte[] { 1, 2, 3 }) { FrameId = 8 });
var summary = await session.CompleteAsync();
await foreach (var outcome in session.Results())
{
    Console.WriteLine(outcome switch
    {
        LoupeResult { Result: var result } => $"{outcome.FrameId} {result.Verdict} {result.Score:R} {Area(result)}",
        LoupeFailed failed => $"{outcome.FrameId} {failed.Code}",
        _ => "?",
    });
}

static int Area(LoupeGrpc.V1.FrameResult result)
{
    var mask = LoupeGrpc.Client.Masks.CocoRleDecoder.Decode(result.Mask.Rle);
    var forged = mask.Pixels.Count(static pixel => pixel == LoupeGrpc.Client.Masks.BinaryMask.Forged);
    return (ulong)forged == result.Mask.Area ? forged : throw new InvalidOperationException("another mask");
}
"""


class Package:
    def __init__(self, name, extension="nupkg"):
        self.file = PACKAGES / f"{name}.{VERSION}.{extension}"
        self.archive = zipfile.ZipFile(self.file)
        self.names = [entry for entry in self.archive.namelist() if not entry.startswith(("_rels/", "package/", "[Content"))]
        nuspec = ElementTree.fromstring(self.archive.read(f"{name}.nuspec"))
        self.metadata = nuspec.find("{*}metadata")

    def value(self, element):
        return self.metadata.findtext("{*}" + element)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.archive.close()


class PackageTests(unittest.TestCase):
    def test_nothing_else_is_packed(self):
        expected = {f"{name}.{VERSION}.{extension}" for name in (*LIBRARIES, TOOL) for extension in ("nupkg", "snupkg")}
        self.assertEqual({file.name for file in PACKAGES.iterdir()}, expected)

    def test_each_says_what_it_is_and_under_which_licence(self):
        for name in (*LIBRARIES, TOOL):
            with self.subTest(name), Package(name) as package:
                self.assertEqual(package.value("version"), VERSION)
                self.assertEqual((package.metadata.find("{*}license").get("type"), package.value("license")), ("expression", "Apache-2.0"))
                self.assertTrue(package.archive.read("LICENSE") == (ROOT / "LICENSE").read_bytes(), "LICENSE differs")
                self.assertTrue(package.archive.read("THIRD-PARTY-NOTICES.txt") == (ROOT / "THIRD-PARTY-NOTICES.txt").read_bytes(), "THIRD-PARTY-NOTICES.txt differs")
                self.assertIn("LoupeGrpc contributors", package.value("copyright"))
                self.assertEqual(package.value("authors"), "LoupeGrpc contributors")
                self.assertGreater(len(package.value("description")), 20)
                self.assertIn("forgery-detection", package.value("tags").split())
                self.assertIn(package.value("readme"), package.names)

    def test_libraries_hold_an_assembly_its_documentation_and_nothing_else(self):
        for name, wanted in LIBRARIES.items():
            with self.subTest(name), Package(name) as package:
                libraries = {f"lib/{framework}/{name}.{extension}" for framework in FRAMEWORKS for extension in ("dll", "xml")}
                self.assertEqual(set(package.names), {f"{name}.nuspec", "LICENSE", "README.md", "THIRD-PARTY-NOTICES.txt"} | libraries)
                groups = {group.get("targetFramework"): group for group in package.metadata.iterfind(".//{*}group")}
                self.assertEqual(set(groups), set(FRAMEWORKS))
                for group in groups.values():
                    dependencies = {entry.get("id"): entry.get("version") for entry in group.iterfind("{*}dependency")}
                    self.assertLessEqual(wanted, set(dependencies))
                    self.assertEqual(dependencies.get("LoupeGrpc.Protocol", VERSION), VERSION)

    def test_symbols_belong_to_the_assemblies_and_name_no_place_of_this_machine(self):
        for name in LIBRARIES:
            with self.subTest(name), Package(name) as package, Package(name, "snupkg") as symbols:
                for framework in FRAMEWORKS:
                    self.assertIn(f"lib/{framework}/{name}.pdb", symbols.names)
                    pdb = symbols.archive.read(f"lib/{framework}/{name}.pdb")
                    dll = package.archive.read(f"lib/{framework}/{name}.dll")
                    # The stream #Pdb begins with the id that the assembly's debug directory holds behind "RSDS".
                    stream = re.search(rb"(.{8})#Pdb\0", pdb, re.DOTALL).group(1)
                    offset = int.from_bytes(stream[:4], "little")
                    self.assertTrue(b"RSDS" + pdb[offset:offset + 16] in dll, "the symbols are of another build")
                    self.assertFalse(str(ROOT).encode() in dll or str(ROOT).encode() in pdb, "a path of this machine is in there")

    def test_the_tool_brings_the_libraries_of_the_systems_it_runs_on(self):
        with Package(TOOL) as package:
            tools = "tools/net10.0/any/"
            for file in ("DotnetToolSettings.xml", "loupe-grpc-client.dll", "loupe-grpc-client.runtimeconfig.json", "notices/ScottPlot.txt",
                         "runtimes/linux-x64/native/libOpenCvSharpExtern.so", "runtimes/linux-x64/native/libSkiaSharp.so",
                         "runtimes/linux-arm64/native/libSkiaSharp.so", "runtimes/win-x64/native/libSkiaSharp.dll", "runtimes/osx/native/libSkiaSharp.dylib"):
                self.assertIn(tools + file, package.names)
            systems = {re.match(rf"{tools}runtimes/([^/]+)/", entry).group(1) for entry in package.names if entry.startswith(tools + "runtimes/")}
            self.assertEqual(systems, {"linux-x64", "linux-arm64", "win-x64", "osx"})


class UseTests(unittest.TestCase):
    """What these restore lies in a folder of its own: the same version may be packed again with other contents."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        cache = os.environ.get("NUGET_PACKAGES", str(pathlib.Path.home() / ".nuget" / "packages"))
        (self.folder / "Directory.Build.props").write_text(
            f"<Project><PropertyGroup><RestorePackagesPath>{self.folder / 'packages'}</RestorePackagesPath>"
            f"<RestoreFallbackFolders>{cache}</RestoreFallbackFolders><RestoreAdditionalProjectSources>{PACKAGES}</RestoreAdditionalProjectSources>"
            "<TreatWarningsAsErrors>true</TreatWarningsAsErrors></PropertyGroup></Project>", encoding="utf-8")
        # The machine's sources, whatever they are; nothing of this repository.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("Loupe", "LOUPE"))}

    def run_dotnet(self, *arguments):
        done = subprocess.run(["dotnet", *map(str, arguments)], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def write_program(self, framework, properties="", items=""):
        folder = self.folder / framework
        folder.mkdir(exist_ok=True)
        (folder / "stranger.csproj").write_text(
            f'<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>{framework}</TargetFramework><OutputType>Exe</OutputType><ImplicitUsings>enable</ImplicitUsings>'
            f'<InvariantGlobalization>true</InvariantGlobalization>{properties}'
            f'</PropertyGroup><ItemGroup><PackageReference Include="LoupeGrpc.Client" Version="[{VERSION}]" />{CONTAINER}{items}</ItemGroup></Project>', encoding="utf-8")
        (folder / "Program.cs").write_text(PROGRAM, encoding="utf-8")
        return folder

    def run_program(self, *command):
        server = subprocess.Popen(
            [SERVER, "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off"], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = re.search(r"http://\S+", server.stdout.readline()).group()
            done = subprocess.run([*map(str, command), address, str(PICTURE)], env=self.environment, capture_output=True, text=True, timeout=120)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            picture, frame, bad = done.stdout.splitlines()
            self.assertRegex(picture, r"^Manipulated 0\.\d+$")
            self.assertRegex(frame, rf"^7 {re.escape(picture)} [1-9]\d+$")
            self.assertEqual(bad, "8 Invalid")
        finally:
            server.terminate()
            server.communicate(timeout=60)

    def test_a_program_is_written_against_the_client_library(self):
        folder = self.write_program("net10.0")
        self.run_dotnet("build", folder, "--output", self.folder / "out", "--verbosity", "quiet")
        self.run_program("dotnet", self.folder / "out" / "stranger.dll")

    def test_a_program_for_net_8_too(self):
        """It is built against .NET 8 and its half of the packages; it runs on what there is here, which is newer."""
        folder = self.write_program("net8.0", "<RollForward>Major</RollForward>")
        self.run_dotnet("build", folder, "--output", self.folder / "out", "--verbosity", "quiet")
        self.run_program("dotnet", self.folder / "out" / "stranger.dll")

    def test_a_program_is_compiled_ahead_of_time(self):
        """One native file. All of the libraries is looked at, not only what the program calls; a warning of trimming or of ahead-of-time compiling is an error."""
        folder = self.write_program(
            "net10.0", "<PublishAot>true</PublishAot><TrimmerSingleWarn>false</TrimmerSingleWarn>", "".join(f'<TrimmerRootAssembly Include="{name}" />' for name in LIBRARIES))
        self.run_dotnet("publish", folder, "--output", self.folder / "out", "--verbosity", "quiet", "--use-current-runtime")
        self.assertEqual({file.name for file in (self.folder / "out").iterdir()} - {"stranger.dbg"}, {"stranger"})
        self.run_program(self.folder / "out" / "stranger")

    def test_the_tool_is_installed_and_runs(self):
        place = self.folder / "tools"
        self.environment["NUGET_PACKAGES"] = str(self.folder / "packages")
        self.run_dotnet("tool", "install", TOOL, "--version", VERSION, "--tool-path", place, "--source", PACKAGES)
        done = subprocess.run([place / TOOL, "--version"], env=self.environment, capture_output=True, text=True, timeout=60)
        self.assertTrue(done.stdout.startswith(VERSION), done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
