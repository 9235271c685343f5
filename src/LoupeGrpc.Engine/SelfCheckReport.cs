namespace LoupeGrpc.Engine;

/// <summary>How well an engine answers the package's recorded input.</summary>
/// <param name="Output">The output that is nearest to its bound, as <see cref="Packaging.PackageTensors"/> names it.</param>
/// <param name="Distance">Root mean square of the difference, relative to that of the recorded output (to 1 where that is smaller); infinite where a value is not finite.</param>
/// <param name="Tolerance">The largest distance allowed in this precision.</param>
/// <param name="Bucket">Frames in the run that answered so.</param>
public sealed record SelfCheckReport(string Output, double Distance, double Tolerance, int Bucket)
{
    /// <summary>Whether the engine may serve.</summary>
    public bool Passed => Distance <= Tolerance;
}

/// <summary>A package does not answer its recorded input as it did where it was converted.</summary>
public sealed class SelfCheckException(string message, SelfCheckReport report) : ModelLoadException(message)
{
    public SelfCheckReport Report { get; } = report;

    /// <inheritdoc cref="SelfCheckReport.Output"/>
    public string Output => Report.Output;

    /// <inheritdoc cref="SelfCheckReport.Distance"/>
    public double Distance => Report.Distance;

    /// <inheritdoc cref="SelfCheckReport.Tolerance"/>
    public double Tolerance => Report.Tolerance;
}
