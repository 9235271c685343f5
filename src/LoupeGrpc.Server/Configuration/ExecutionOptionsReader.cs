using System.Globalization;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Configuration;

/// <summary>The settings under <c>Loupe:Execution</c>.</summary>
internal static class ExecutionOptionsReader
{
    private const int LargestBucket = 64;

    public static ExecutionOptions Read(SettingsReader reader, ExecutionOptions defaults)
    {
        var plugins = ReadPlugins(reader);
        string[] known = [ExecutionOptions.TensorRtName, ExecutionOptions.CudaName, ExecutionOptions.CpuName, .. plugins.Select(static plugin => plugin.Name)];
        return new ExecutionOptions
        {
            Providers = [.. reader.Words(
                "Execution:Providers", defaults.Providers, "TensorRT, CUDA, CPU or the Name of a plugin, each once, with commas between",
                name => known.Contains(name, StringComparer.OrdinalIgnoreCase),
                "execution providers in the order of preference").Select(name => known.First(word => word.Equals(name, StringComparison.OrdinalIgnoreCase)))],
            Require = reader.Switch("Execution:Require", defaults.Require, "whether the first provider must serve, or nothing does"),
            Buckets = ReadBuckets(reader, "Execution:Buckets", defaults.Buckets, "frames that one run on a device takes together"),
            CpuBuckets = ReadBuckets(reader, "Execution:CpuBuckets", defaults.CpuBuckets, "the same on the CPU, where a batch brings nothing"),
            CacheDirectory = reader.Text(
                "Execution:CacheDirectory", defaults.CacheDirectory, "engines/ in Model:CacheDirectory", "where built engines are kept"),
            ProbeTimeout = reader.Duration(
                "Execution:ProbeTimeout", defaults.ProbeTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1),
                "after which a provider that is being tried counts as hanging"),
            BuildTimeout = reader.Duration(
                "Execution:BuildTimeout", defaults.BuildTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), "after which building engines is given up"),
            TensorRt = ReadProvider(reader, "Execution:TensorRT", defaults.TensorRt),
            Cuda = ReadProvider(reader, "Execution:CUDA", defaults.Cuda),
            Cpu = new ProviderSettings { Precision = ReadPrecision(reader, "Execution:CPU", "fp32 where the package has it") },
            Plugins = plugins,
        };
    }

    private static List<PluginSettings> ReadPlugins(SettingsReader reader)
    {
        var plugins = new List<PluginSettings>();
        foreach (var entry in reader.Entries("Execution:Plugins"))
        {
            var plugin = ReadPlugin(reader, entry);
            plugins.Add(plugin);
            if (plugin.Name.Length == 0 || plugin.Path.Length == 0)
            {
                reader.Mistake($"{LoupeOptionsReader.Section}:{entry} needs a Name and a Path.");
            }
            else if (!Path.IsPathFullyQualified(plugin.Path))
            {
                reader.Mistake($"{LoupeOptionsReader.Section}:{entry}:Path is '{plugin.Path}': a full path is wanted.");
            }
        }

        if (plugins.Count == 0)
        {
            // So that --help shows them.
            ReadPlugin(reader, "Execution:Plugins:N");
        }

        foreach (var twice in plugins.GroupBy(static plugin => plugin.Name, StringComparer.OrdinalIgnoreCase).Where(static same => same.Count() > 1))
        {
            reader.Mistake($"{LoupeOptionsReader.Section}:Execution:Plugins has the Name '{twice.Key}' {twice.Count()} times.");
        }

        return plugins;
    }

    private static PluginSettings ReadPlugin(SettingsReader reader, string entry)
    {
        var common = ReadProvider(reader, entry, new ProviderSettings());
        return new PluginSettings
        {
            Name = reader.Text($"{entry}:Name", string.Empty, "none", "the plugin's name in Execution:Providers, results and logs"),
            Path = reader.Text($"{entry}:Path", string.Empty, "none", "full path of an execution provider's library"),
            EngineCacheOption = reader.Text(
                $"{entry}:EngineCacheOption", string.Empty, "none", "its option that takes a directory for built engines: they are built beside the service then"),
            Devices = common.Devices,
            MemoryLimit = common.MemoryLimit,
            Precision = common.Precision,
            Options = common.Options,
        };
    }

    private static ProviderSettings ReadProvider(SettingsReader reader, string entry, ProviderSettings defaults) => new()
    {
        Devices = reader.Words(
            $"{entry}:Devices", defaults.Devices, "indices from 0 or UUIDs (GPU-...), each once, with commas between",
            static device => int.TryParse(device, NumberStyles.None, CultureInfo.InvariantCulture, out _) || device.StartsWith("GPU-", StringComparison.OrdinalIgnoreCase),
            "devices that share the sessions"),
        MemoryLimit = reader.Integer($"{entry}:MemoryLimit", defaults.MemoryLimit, 0, 1L << 42, "bytes of device memory for one graph; 0: no limit"),
        Precision = ReadPrecision(reader, entry, "fp16 where the package has it"),
        Options = reader.Pairs($"{entry}:Options", "an option of the provider, over what the server sets"),
    };

    private static string ReadPrecision(SettingsReader reader, string entry, string otherwise) => reader.Choice(
        $"{entry}:Precision", [ProviderSettings.AnyPrecision, PackageLayout.Fp32, PackageLayout.Fp16],
        $"folder of the package that it runs; {ProviderSettings.AnyPrecision}: {otherwise}");

    private static int[] ReadBuckets(SettingsReader reader, string name, IReadOnlyList<int> fallback, string meaning)
    {
        var words = reader.Words(
            name, [.. fallback.Select(static bucket => bucket.ToString(CultureInfo.InvariantCulture))],
            $"whole numbers from 1 to {LargestBucket}, 1 among them, each once, with commas between",
            static word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var bucket) && bucket is >= 1 and <= LargestBucket,
            meaning);
        int[] buckets = [.. words.Select(static word => int.Parse(word, CultureInfo.InvariantCulture)).Order()];
        if (buckets[0] != 1)
        {
            reader.Mistake($"{LoupeOptionsReader.Section}:{name} is {string.Join(',', buckets)}: 1 must be among them.");
        }

        return buckets;
    }
}
