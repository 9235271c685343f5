using System.Collections;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Configuration;

public sealed class LoupeOptionsTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");

    [Fact]
    public void What_callers_may_fill_shrinks_in_proportion_to_the_memory_there_is()
    {
        var options = new LoupeOptions();
        Assert.Same(options, options.WithinMemory(64L << 30));

        // Half of what there is, or what is set.
        foreach (var small in (LoupeOptions[])
            [options.WithinMemory(1L << 30), (options with { Limits = options.Limits with { MaxMemoryBytes = 512L << 20 } }).WithinMemory(64L << 30)])
        {
            long[] shares =
            [
                small.Limits.MaxReceivingBytes, small.Limits.MaxBufferedBytes, small.Limits.MaxRespondingBytes, small.Adaptation.MaxStateBytes,
                small.Engine.MaxBytesInPipeline,
            ];
            Assert.InRange(shares.Sum(), (512L << 20) - shares.Length, 512L << 20);
            Assert.Equal(options.Limits.MaxBufferedBytes / (double)options.Limits.MaxReceivingBytes, shares[1] / (double)shares[0], 6);
        }
    }

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Without_any_setting_everything_has_its_default()
    {
        var (options, errors) = Read();
        Assert.Empty(errors);
        AssertDefaults(options);
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        File.WriteAllText(_file, """{ "Loupe": { "Limits": { "Credits": 1, "MaxSessions": 1, "MaxSide": 1 } } }""");
        var (options, errors) = Read(
            new Hashtable { ["Loupe__Limits__MaxSessions"] = "2", ["LOUPE__LIMITS__MAXSIDE"] = "2" }, "--Loupe:Limits:MaxSide=3");
        Assert.Empty(errors);
        Assert.Equal((1, 2, 3), (options.Limits.Credits, options.Limits.MaxSessions, options.Limits.MaxSide));
        Assert.Equal(3, options.Engine.Limits.MaxSide);
    }

    [Fact]
    public void Each_error_says_what_is_expected_and_where_the_value_stands()
    {
        File.WriteAllText(_file, """{ "Loupe": { "Limits": { "Credits": "many" }, "Admin": { "Enabled": "yes" }, "Modell": { "Path": "x" } } }""");
        var (_, errors) = Read(new Hashtable { ["Loupe__Thresholds__High"] = "1.5" }, "--Loupe:Limits:MaxFrameBytes=99");
        Assert.Equal(
            [
                $"Loupe:Admin:Enabled is 'yes' ({Path.GetFileName(_file)}): expected true or false.",
                $"Loupe:Limits:Credits is 'many' ({Path.GetFileName(_file)}): expected a whole number from 1 to 4096.",
                "Loupe:Limits:MaxFrameBytes is '99' (command line): expected a number of bytes from 1 KiB to 1 GiB.",
                $"Loupe:Modell:Path ({Path.GetFileName(_file)}) is not a setting; did you mean Loupe:Model:Path?",
                "Loupe:Thresholds:High is '1.5' (environment): expected a number from 0 to 1.",
            ],
            errors.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("20", 20)]
    [InlineData("0.5", 0.5)]
    [InlineData("00:01:30", 90)]
    [InlineData("00:00:00.25", 0.25)]
    [InlineData("15s", 15)]
    [InlineData("1.5 min", 90)]
    [InlineData("250ms", 0.25)]
    [InlineData("1H", 3600)]
    public void A_duration_is_seconds_or_a_clock_or_has_a_unit(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Read(null, $"--Loupe:Shutdown:DrainTimeout={text}").Options.Shutdown.DrainTimeout);

    [Theory]
    [InlineData("-1")]
    [InlineData("1e400")]
    [InlineData("99999999999999999999")]
    [InlineData("1.00:00:00")]
    [InlineData("soon")]
    [InlineData("s")]
    [InlineData("15 sm")]
    public void What_is_not_a_duration_is_an_error(string text) =>
        Assert.Single(Read(null, $"--Loupe:Shutdown:DrainTimeout={text}").Errors);

    [Theory]
    [InlineData("65536", 65_536)]
    [InlineData("64KiB", 65_536)]
    [InlineData("1 mib", 1 << 20)]
    [InlineData("1 GiB", 1 << 30)]
    public void Bytes_are_a_number_or_have_a_unit(string text, int bytes) =>
        Assert.Equal(bytes, Read(null, $"--Loupe:Limits:MaxResponseBytes={text}").Options.Limits.MaxResponseBytes);

    [Theory]
    [InlineData("64 MB")]
    [InlineData("1.5 MiB")]
    [InlineData("MiB")]
    [InlineData("8796093022208 TiB")]
    [InlineData("-9223372036854775808")]
    public void What_is_not_a_number_of_bytes_is_an_error(string text) =>
        Assert.Single(Read(null, $"--Loupe:Limits:MaxBufferedBytes={text}").Errors);

    /// <summary>Types end before settings do: nothing may wrap around or throw.</summary>
    [Fact]
    public void A_number_beyond_any_type_is_an_error_of_each_setting()
    {
        var numbers = SettingDescription.All.Where(static setting => char.IsAsciiDigit(setting.Default[0]) && !setting.Name.Contains(":N:", StringComparison.Ordinal)).ToList();
        Assert.True(numbers.Count > 20);
        foreach (var text in new[] { "2147483648", "9223372036854775807", "9223372036854775808", "-2147483649", "1e30", "NaN" })
        {
            var (_, errors) = Read(null, [.. numbers.Select(setting => $"--{setting.Name}={text}")]);
            var wrong = numbers.Count(setting => errors.Any(error => error.StartsWith($"{setting.Name} is '{text}' (command line): expected ", StringComparison.Ordinal)));
            // 2 GiB are fine for some.
            var fine = text == "2147483648" ? numbers.Count(static setting => setting.Range.EndsWith(" TiB", StringComparison.Ordinal)) : 0;
            Assert.Equal(numbers.Count - fine, wrong);
        }
    }

    [Fact]
    public void More_pixels_than_can_be_decoded_are_an_error() => Assert.Equal(
        ["Loupe:Limits:MaxPixels is '2000000000' (command line): expected a whole number from 1 to 1073741824."],
        Read(null, "--Loupe:Limits:MaxPixels=2000000000").Errors);

    [Theory]
    [InlineData("Limits:Nope", null)]
    [InlineData("Limits:MaxSid", "Limits:MaxSide")]
    [InlineData("limit:maxside", "Limits:MaxSide")]
    [InlineData("MaxSide", "Limits:MaxSide")]
    [InlineData("Server:MaxSide", "Limits:MaxSide")]
    [InlineData("Execution:CUDA:Device", "Execution:CUDA:Devices")]
    [InlineData("Execution:CPU:Devices", "Execution:CUDA:Devices")]
    [InlineData("Limits", null)]
    [InlineData("Limits:Credits:0", null)]
    [InlineData("X:Y:Z", null)]
    public void A_name_that_is_near_is_suggested_and_none_that_is_not(string name, string? suggestion) => Assert.Equal(
        suggestion is null
            ? $"Loupe:{name} (command line) is not a setting; 'serve --help' lists all of them."
            : $"Loupe:{name} (command line) is not a setting; did you mean Loupe:{suggestion}?",
        Assert.Single(Read(null, $"--Loupe:{name}=1").Errors));

    [Fact]
    public void Lists_replace_their_default_however_they_are_written()
    {
        File.WriteAllText(_file, """{ "Loupe": { "Execution": { "Buckets": [4, 1], "Providers": "cuda, cpu", "CUDA": { "Devices": ["1", "GPU-x"] } } } }""");
        var (options, errors) = Read();
        Assert.Empty(errors);
        Assert.Equal([1, 4], options.Execution.Buckets);
        Assert.Equal(["CUDA", "CPU"], options.Execution.Providers);
        Assert.Equal(["1", "GPU-x"], options.Execution.Cuda.Devices);
    }

    [Theory]
    [InlineData("Buckets=2,4")]
    [InlineData("Buckets=1,1")]
    [InlineData("Buckets=1,65")]
    [InlineData("Buckets=1,,2")]
    [InlineData("CpuBuckets=one")]
    [InlineData("Providers=CPU,cpu")]
    [InlineData("Providers=CPU,")]
    [InlineData("Providers=NPU")]
    [InlineData("CUDA:Devices=-1")]
    [InlineData("CUDA:Devices=0,0")]
    [InlineData("TensorRT:Precision=fp8")]
    public void A_list_or_a_word_that_cannot_be_is_an_error(string setting) =>
        Assert.StartsWith($"Loupe:Execution:{setting.Split('=')[0]} is '{setting.Split('=')[1]}' (command line): expected ", Assert.Single(Read(null, $"--Loupe:Execution:{setting}").Errors), StringComparison.Ordinal);

    [Theory]
    [InlineData("TensorRT")]
    [InlineData("CUDA")]
    [InlineData("Plugins:0")]
    public void Eight_bits_are_for_the_CPU(string entry)
    {
        string[] plugin = entry == "CUDA" ? [] : ["--Loupe:Execution:Plugins:0:Name=NPU", "--Loupe:Execution:Plugins:0:Path=/opt/npu.so"];
        Assert.Equal(
            $"Loupe:Execution:{entry}:Precision is int8, which is for the CPU: expected auto, fp32 or fp16",
            Assert.Single(Read(null, [.. plugin, $"--Loupe:Execution:{entry}:Precision=int8"]).Errors).TrimEnd('.'));
        var (options, errors) = Read(null, "--Loupe:Execution:CPU:Precision=INT8");
        Assert.Empty(errors);
        Assert.Equal("int8", options.Execution.Cpu.Precision);
    }

    [Fact]
    public void A_provider_of_ones_own_is_a_section_with_a_number()
    {
        var (options, errors) = Read(
            new Hashtable { ["Loupe__Execution__Plugins__0__Options__Threads"] = "4" },
            "--Loupe:Execution:Plugins:0:Name=NPU", "--Loupe:Execution:Plugins:0:Path=/opt/npu.so", "--Loupe:Execution:Plugins:0:Precision=FP16", "--Loupe:Execution:Providers=npu,CPU");
        Assert.Empty(errors);
        var plugin = Assert.Single(options.Execution.Plugins);
        Assert.Equal(("NPU", "/opt/npu.so", "fp16", "4"), (plugin.Name, plugin.Path, plugin.Precision, plugin.Options["Threads"]));
        Assert.Equal(["NPU", "CPU"], options.Execution.Providers);
    }

    [Fact]
    public void Everything_that_is_wrong_with_providers_is_told_at_once()
    {
        var (_, errors) = Read(
            null,
            "--Loupe:Execution:Plugins:0:Name=NPU", "--Loupe:Execution:Plugins:0:Path=npu.so", "--Loupe:Execution:Plugins:1:Name=npu", "--Loupe:Execution:Plugins:1:Nam=x",
            "--Loupe:Execution:ProbeTimeout=2h");
        Assert.Equal(
            [
                "2 entries of Loupe:Execution:Plugins have the Name 'NPU'; each needs its own.",
                "Loupe:Execution:Plugins:0:Path is 'npu.so' (command line): expected a full path.",
                "Loupe:Execution:Plugins:1 needs a Name and a Path.",
                "Loupe:Execution:Plugins:1:Nam (command line) is not a setting; did you mean Loupe:Execution:Plugins:1:Name?",
                "Loupe:Execution:ProbeTimeout is '2h' (command line): expected a duration from 1 s to 1 h, such as 90, 90s or 00:01:30.",
            ],
            errors.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(null, null, 0.2f, 0.3f)]
    [InlineData(0.4f, 0.6f, 0.4f, 0.6f)]
    [InlineData(0.1f, null, 0.1f, 0.6f)]
    [InlineData(null, 0.5f, 0.4f, 0.5f)]
    public void Thresholds_are_the_models_unless_either_is_set(float? low, float? high, float expectedLow, float expectedHigh)
    {
        var thresholds = new ThresholdOptions { Low = low, High = high };

        Assert.Equal(new VerdictThresholds(expectedLow, expectedHigh), thresholds.For(new CalibratedThresholds(0.2f, 0.3f)));
        Assert.Equal(new VerdictThresholds(low ?? 0.4f, high ?? 0.6f), thresholds.For(null));
    }

    [Fact]
    public void Thresholds_the_wrong_way_round_are_told_once_and_only_where_both_can_be_read()
    {
        Assert.Equal(
            ["Loupe:Thresholds:Low is 0.9, above Loupe:Thresholds:High, which is 0.6."], Read(null, "--Loupe:Thresholds:Low=0.9").Errors);
        Assert.Equal(
            ["Loupe:Thresholds:High is '-1' (command line): expected a number from 0 to 1."], Read(null, "--Loupe:Thresholds:High=-1").Errors);
    }

    [Theory]
    [InlineData("Logging:LogLevel:Default=Verbose")]
    [InlineData("Logging:LogLevel:Grpc=9")]
    [InlineData("Logging:Console:LogLevel:Microsoft=on")]
    public void A_wrong_log_level_is_an_error_that_names_the_category_and_the_levels(string setting)
    {
        var (name, level) = (setting.Split('=')[0], setting.Split('=')[1]);
        Assert.Equal(
            $"{name} is '{level}' (command line): expected Trace, Debug, Information, Warning, Error, Critical or None as the log level of category {name.Split(':')[^1]}.",
            Assert.Single(Read(null, $"--{setting}", "--Logging:LogLevel:Microsoft=warning").Errors));
    }

    [Fact]
    public void Control_characters_of_a_value_are_not_repeated() =>
        Assert.Contains("is '\uFFFD[31m' ", Assert.Single(Read(null, "--Loupe:Limits:Credits=\u001b[31m").Errors), StringComparison.Ordinal);

    [Fact]
    public void Options_made_in_code_are_had_both_ways_and_held_to_the_same_ranges()
    {
        var options = new LoupeOptions { Limits = new LimitOptions { Credits = 7 } };
        using var good = new ServiceCollection().AddLoupeOptions(options).BuildServiceProvider();
        good.GetRequiredService<IStartupValidator>().Validate();
        Assert.Same(options, good.GetRequiredService<LoupeOptions>());
        Assert.Same(options, good.GetRequiredService<IOptions<LoupeOptions>>().Value);

        using var bad = new ServiceCollection().AddLoupeOptions(options with { Limits = new LimitOptions { Credits = 0, MaxSide = 0 } }).BuildServiceProvider();
        var exception = Assert.Throws<OptionsValidationException>(bad.GetRequiredService<IStartupValidator>().Validate);
        Assert.Equal(
            ["Loupe:Limits:MaxSide is 0: expected a whole number from 1 to 65535.", "Loupe:Limits:Credits is 0: expected a whole number from 1 to 4096."],
            exception.Failures);
    }

    [Fact]
    public void The_engine_is_held_to_the_limits_of_frames()
    {
        var limits = new LimitOptions { MaxSide = 5 };
        Assert.Same(limits, new LoupeOptions { Limits = limits, Engine = new EngineOptions { DecodeWorkers = 3 } }.Engine.Limits);
    }

    [Fact]
    public void Every_setting_is_described_once_with_its_default()
    {
        var settings = SettingDescription.All;
        Assert.Equal(settings.Count, settings.DistinctBy(static setting => setting.Name).Count());
        Assert.All(settings, static setting => Assert.All([setting.Default, setting.Title, setting.Meaning], static text => Assert.NotEmpty(text)));
    }

    [Fact]
    public void Every_default_is_within_its_own_range()
    {
        // A default that is shown can be written down as it is, but for the descriptions of paths, and where the model has a say.
        var settings = SettingDescription.All.Where(static setting => setting.Range.Length > 0
            && !setting.Name.Contains(":N:", StringComparison.Ordinal) && !setting.Default.StartsWith("the model's", StringComparison.Ordinal));
        var (options, errors) = Read(null, [.. settings.Select(static setting => $"--{setting.Name}={setting.Default}")]);
        Assert.Empty(errors);
        AssertDefaults(options);
    }

    [Fact]
    public void A_file_that_is_not_json_is_named()
    {
        File.WriteAllText(_file, "{");
        Assert.Contains(_file, Assert.Throws<InvalidDataException>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_that_would_move_the_server_elsewhere_are_found() => Assert.Equal(
        ["ASPNETCORE_URLS", "DOTNET_HTTP_PORTS"],
        ConfigurationSources.IgnoredAddressVariables(
            new Hashtable { ["ASPNETCORE_URLS"] = "http://*:80", ["DOTNET_HTTP_PORTS"] = "8080", ["HTTP_PORTS"] = "", ["PATH"] = "/bin" }));

    private static void AssertDefaults(LoupeOptions options)
    {
        var defaults = new LoupeOptions();
        Assert.Equal(defaults.Endpoints, options.Endpoints);
        // An address cannot be looked into.
        Assert.Equivalent(defaults with { Endpoints = null! }, options with { Endpoints = null! }, strict: true);
    }

    private (LoupeOptions Options, IReadOnlyList<string> Errors) Read(IDictionary? environment = null, params string[] arguments)
    {
        var configuration = ConfigurationSources.Build(_file, environment ?? new Hashtable(), arguments);
        using var services = new ServiceCollection().AddLoupeOptions(configuration).BuildServiceProvider();
        try
        {
            services.GetRequiredService<IStartupValidator>().Validate();
            Assert.Same(services.GetRequiredService<LoupeOptions>(), services.GetRequiredService<IOptions<LoupeOptions>>().Value);
            return (services.GetRequiredService<LoupeOptions>(), []);
        }
        catch (OptionsValidationException exception)
        {
            return (new LoupeOptions(), [.. exception.Failures]);
        }
    }
}
