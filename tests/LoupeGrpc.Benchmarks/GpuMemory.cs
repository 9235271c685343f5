using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace LoupeGrpc.Benchmarks;

/// <summary>Device memory, as NVIDIA's tool tells it.</summary>
internal static class GpuMemory
{
    /// <returns>MiB that this process holds; a dash where there is no GPU, or none that it uses.</returns>
    public static string OfThisProcess()
    {
        var start = new ProcessStartInfo("nvidia-smi", ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]) { RedirectStandardOutput = true };
        try
        {
            using var process = Process.Start(start)!;
            string own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            return process.StandardOutput.ReadToEnd().Split('\n')
                .Select(static line => line.Split(',', StringSplitOptions.TrimEntries))
                .FirstOrDefault(fields => fields.Length == 2 && fields[0] == own)?[1] ?? "-";
        }
        catch (Win32Exception)
        {
            return "-";
        }
    }
}
