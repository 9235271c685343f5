// Writes THIRD-PARTY-NOTICES.txt: what the programs are shipped with, under which licence, whose it is. Packages are taken from the restored projects
// (obj/project.assets.json) and say it themselves (*.nuspec); what is not a package is in the table below. Restore first.
//   dotnet run scripts/third-party-notices.cs              writes the file
//   dotnet run scripts/third-party-notices.cs -- --check   exit code 1 where it is out of date
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

// All that is shipped is reached from these: the programs and the packages.
string[] projects = ["src/LoupeGrpc.Server", "clients/dotnet/LoupeGrpc.Client.Cli", "clients/dotnet/LoupeGrpc.Client"];

// One and the same library; a build takes one of them.
string[] runtimes = ["Microsoft.ML.OnnxRuntime", "Microsoft.ML.OnnxRuntime.Gpu.Linux"];

const string OpenCv = "OpenCvSharp4.official.runtime.linux-x64";
// The version whose contents were read, from the library itself (Cv2.GetBuildInformation, FFmpeg's and libjpeg's own strings).
const string OpenCvRead = "4.13.0.20260627";

Component[] inOpenCv =
[
    new("OpenCV", "4.13.0", "Apache-2.0", "Copyright (C) 2000-2026 OpenCV contributors", "https://opencv.org"),
    new("FFmpeg (avcodec, avformat, avutil, swscale, swresample; built without its GPL parts)", "7.1", "LGPL-2.1-or-later", "Copyright (c) 2000-2026 the FFmpeg developers", "https://ffmpeg.org"),
    new("libjpeg-turbo", "3.1.3", "IJG AND BSD-3-Clause AND Zlib", "Copyright (C) 1991-2025 The libjpeg-turbo Project and many others. This software is based in part on the work of the Independent JPEG Group.", "https://libjpeg-turbo.org"),
    new("libpng", "1.6.55", "libpng-2.0", "Copyright (c) 1995-2026 The PNG Reference Library Authors", "http://www.libpng.org"),
    new("libtiff", "4.7.1", "libtiff", "Copyright (c) 1988-1997 Sam Leffler, Copyright (c) 1991-1997 Silicon Graphics, Inc.", "https://libtiff.gitlab.io/libtiff"),
    new("libwebp", "1.6.0", "BSD-3-Clause", "Copyright (c) 2010, Google Inc.", "https://chromium.googlesource.com/webm/libwebp"),
    new("OpenJPEG", "2.5.4", "BSD-2-Clause", "Copyright (c) 2002-2014, Universite catholique de Louvain (UCL), Belgium, and the other authors of OpenJPEG", "https://www.openjpeg.org"),
    new("zlib", "1.3.1", "Zlib", "Copyright (C) 1995-2024 Jean-loup Gailly and Mark Adler", "https://zlib.net"),
    new("Protocol Buffers", "3.19.1", "BSD-3-Clause", "Copyright 2008 Google Inc.", "https://protobuf.dev"),
    new("FlatBuffers", "25.9.23", "Apache-2.0", "Copyright 2014 Google Inc.", "https://flatbuffers.dev"),
    new("Tesseract OCR", "", "Apache-2.0", "Copyright Google Inc. and the contributors of Tesseract", "https://github.com/tesseract-ocr/tesseract"),
    new("Leptonica", "", "BSD-2-Clause", "Copyright (C) 2001-2020 Leptonica", "http://www.leptonica.org"),
    new("Intel Integrated Performance Primitives (ICV)", "2022.2.0", "Intel Simplified Software License (Version October 2022)", "Copyright (C) Intel Corporation", "https://www.intel.com/content/www/us/en/developer/articles/license/end-user-license-agreement.html"),
    new("Intel ITT API", "3.25.4", "BSD-3-Clause", "Copyright (C) 2005-2024 Intel Corporation", "https://github.com/intel/ittapi"),
];

Component[] besides =
[
    new("Google Highway (headers, compiled into libloupe_native.so; the library is the system's)", "", "Apache-2.0", "Copyright Google LLC", "https://github.com/google/highway"),
    new("ONNX (part of onnx.proto, as src/LoupeGrpc.Modeling/Onnx/onnx.proto)", "", "Apache-2.0", "Copyright (c) ONNX Project Contributors", "https://onnx.ai"),
    new("@bufbuild/protobuf (part of the server's page)", "2.17.0", "Apache-2.0 AND BSD-3-Clause", "Copyright 2021-2026 Buf Technologies, Inc.; parts copyright 2008 Google Inc.", "https://github.com/bufbuild/protobuf-es"),
    new("DejaVu Sans (part of the font, inside loupe-grpc-client)", "2.37", "see below", "Copyright (c) 2003 Bitstream, Inc.; (c) Tavmjong Bah; DejaVu changes are in the public domain", "https://dejavu-fonts.github.io"),
];

// Of a choice that a package leaves, this is taken.
Dictionary<string, string> choices = new() { ["MS-PL OR Apache-2.0"] = "Apache-2.0" };

string root = Path.GetDirectoryName(Path.GetDirectoryName(AppContext.GetData("EntryPointFilePath") as string))
    ?? throw new InvalidOperationException("Run this with `dotnet run scripts/third-party-notices.cs`.");
SortedDictionary<string, string> packages = new(StringComparer.OrdinalIgnoreCase);
string folder = string.Empty;
foreach (string project in projects)
{
    string assets = Path.Combine(root, project, "obj", "project.assets.json");
    if (!File.Exists(assets))
    {
        Console.Error.WriteLine($"error: {assets} is not there: run dotnet restore first.");
        return 1;
    }

    using var json = JsonDocument.Parse(File.ReadAllBytes(assets));
    folder = json.RootElement.GetProperty("packageFolders").EnumerateObject().First().Name;
    foreach (var library in json.RootElement.GetProperty("targets").EnumerateObject().SelectMany(static target => target.Value.EnumerateObject()))
    {
        if (library.Value.GetProperty("type").ValueEquals("package") && Ships(library.Value))
        {
            string[] name = library.Name.Split('/');
            packages[name[0]] = name[1];
        }
    }
}

if (packages.GetValueOrDefault(OpenCv) is { } found && found != OpenCvRead)
{
    Console.Error.WriteLine($"error: {OpenCv} is {found} now. Read what it contains (Cv2.GetBuildInformation) and bring scripts/third-party-notices.cs up to date.");
    return 1;
}

var text = new StringBuilder();
HashSet<string> licences = [];
text.AppendLine("""
    THIRD-PARTY NOTICES

    LoupeGrpc itself is licensed under Apache-2.0 (LICENSE). Its programs and packages bring or use what is listed here, under the licences named; their
    texts are at the end. Written by scripts/third-party-notices.cs: do not edit. What a package says of its own third parties lies beside the
    programs in notices/.


    PACKAGES

    """);
bool runtimeWritten = false;
foreach ((string id, string version) in packages)
{
    string name = id;
    if (runtimes.Contains(id))
    {
        if (runtimeWritten)
        {
            continue;
        }

        name = string.Join(" or ", runtimes);
        runtimeWritten = true;
    }

    var metadata = XDocument.Load(Path.Combine(folder, id.ToLowerInvariant(), version, $"{id.ToLowerInvariant()}.nuspec")).Root!.Elements().First();
    string Of(string element) => metadata.Elements().FirstOrDefault(child => child.Name.LocalName == element)?.Value.Trim() ?? string.Empty;
    string licence = Of("license");
    if (metadata.Elements().Any(static child => child.Name.LocalName == "license" && (string?)child.Attribute("type") == "file"))
    {
        string own = File.ReadAllText(Path.Combine(folder, id.ToLowerInvariant(), version, licence));
        licence = own.StartsWith("MIT License", StringComparison.Ordinal) || own.StartsWith("The MIT License", StringComparison.Ordinal) ? "MIT"
            : throw new InvalidOperationException($"{id} brings a licence of its own that this script does not know: {licence}.");
    }

    if (id == "HdrHistogram")
    {
        // It has an address instead, where its text stands: in the public domain (CC0), or under this.
        licence = "BSD-2-Clause";
    }

    Write(new Component(name, version, licence, Of("copyright") is { Length: > 0 } copyright ? copyright : Of("authors"), Of("projectUrl")), string.Empty);
    if (id == OpenCv)
    {
        text.AppendLine("    A library of its own, libOpenCvSharpExtern.so, which may be replaced by another build. Inside:");
        text.AppendLine();
        foreach (var component in inOpenCv)
        {
            Write(component, "    ");
        }
    }
}

text.AppendLine();
text.AppendLine("BESIDE PACKAGES");
text.AppendLine();
foreach (var component in besides)
{
    Write(component, string.Empty);
}

foreach (string licence in licences.Where(static licence => licence != "Apache-2.0").Order(StringComparer.Ordinal))
{
    Append(licence, File.ReadAllText(Path.Combine(root, "licenses", $"{licence}.txt")));
}

Append("Apache-2.0", "The text is in the file LICENSE beside this one.");
Append("DejaVu Sans", File.ReadAllText(Path.Combine(root, "clients/dotnet/LoupeGrpc.Client.Cli/Plotting/DejaVuSans.LICENSE.txt")));

string target = Path.Combine(root, "THIRD-PARTY-NOTICES.txt");
string written = text.ToString().ReplaceLineEndings("\n");
if (!args.Contains("--check"))
{
    File.WriteAllText(target, written);
    Console.WriteLine($"{packages.Count} packages, {licences.Count} licences: {target}");
    return 0;
}

if (File.Exists(target) && File.ReadAllText(target) == written)
{
    Console.WriteLine($"THIRD-PARTY-NOTICES.txt is up to date: {packages.Count} packages.");
    return 0;
}

Console.Error.WriteLine("error: THIRD-PARTY-NOTICES.txt is out of date. Write it anew: dotnet run scripts/third-party-notices.cs");
return 1;

// Something of the package goes into the output; `_._` says that nothing does.
static bool Ships(JsonElement library) => library.EnumerateObject().Any(static assets =>
    assets.Name is "runtime" or "native" or "runtimeTargets" && assets.Value.EnumerateObject().Any(static asset => !asset.Name.EndsWith("_._", StringComparison.Ordinal)));

void Write(Component component, string indent)
{
    string taken = choices.GetValueOrDefault(component.Licence, component.Licence);
    text.AppendLine($"{indent}{component.Name} {component.Version}".TrimEnd());
    text.AppendLine($"{indent}    {component.Licence}{(taken == component.Licence ? string.Empty : $" (taken: {taken})")}");
    text.AppendLine($"{indent}    {Regex.Replace(component.Copyright, @"\s+", " ")}");
    if (component.Url.Length > 0)
    {
        text.AppendLine($"{indent}    {component.Url}");
    }

    text.AppendLine();
    foreach (string part in taken.Split(" AND "))
    {
        if (part == "Apache-2.0" || File.Exists(Path.Combine(root, "licenses", $"{part}.txt")))
        {
            licences.Add(part);
        }
        else if (!part.StartsWith("Intel ", StringComparison.Ordinal) && part != "see below")
        {
            throw new InvalidOperationException($"{component.Name} is under {part}, whose text is not in licenses/.");
        }
    }
}

void Append(string title, string body)
{
    text.AppendLine();
    text.AppendLine(new string('-', 100));
    text.AppendLine(title);
    text.AppendLine(new string('-', 100));
    text.AppendLine();
    text.AppendLine(body.Trim());
    text.AppendLine();
}

internal sealed record Component(string Name, string Version, string Licence, string Copyright, string Url);
