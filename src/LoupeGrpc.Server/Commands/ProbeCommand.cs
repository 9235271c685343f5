using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>probe</c>: what could run a model on this machine.</summary>
internal static class ProbeCommand
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private static readonly Option<bool> Json = new("--json") { Description = "One JSON object instead of text." };

    public static Command Create()
    {
        var command = new Verb(
            "probe",
            "Shows what runs here: ONNX Runtime, its execution providers, the machine.",
            "Exit codes: 0, or 1 where ONNX Runtime cannot be loaded.")
        {
            Json,
        };
        command.SetAction(static result =>
        {
            try
            {
                var report = Report.OfThisMachine();
                var output = result.InvocationConfiguration.Output;
                if (result.GetValue(Json))
                {
                    output.WriteLine(JsonSerializer.Serialize(report, Format));
                }
                else
                {
                    report.WriteText(output);
                }

                return ExitCode.Success;
            }
            catch (Exception exception) when (exception is DllNotFoundException or TypeInitializationException or OnnxRuntimeException)
            {
                result.InvocationConfiguration.Error.WriteLine($"error: ONNX Runtime cannot be loaded: {exception.GetBaseException().Message}");
                return ExitCode.Failure;
            }
        });
        return command;
    }

    /// <param name="Providers">As ONNX Runtime names them.</param>
    private sealed record Report(string Server, string OnnxRuntime, IReadOnlyList<string> Providers, string System, string Architecture, int Cores, long MemoryBytes)
    {
        public static Report OfThisMachine()
        {
            var runtime = OrtEnv.Instance();
            return new Report(
                ProductVersion.Name,
                runtime.GetVersionString(),
                runtime.GetAvailableProviders(),
                RuntimeInformation.OSDescription,
                RuntimeInformation.ProcessArchitecture.ToString(),
                Environment.ProcessorCount,
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        }

        public void WriteText(TextWriter writer)
        {
            writer.WriteLine($"server        {Server}");
            writer.WriteLine($"ONNX Runtime  {OnnxRuntime}");
            writer.WriteLine($"providers     {string.Join(", ", Providers)}");
            writer.WriteLine($"system        {System}, {Architecture}, {Cores} cores, {MemoryBytes >> 20} MiB");
        }
    }
}
