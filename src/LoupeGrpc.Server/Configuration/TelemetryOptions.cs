using System.ComponentModel.DataAnnotations;
using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>How log lines are written.</summary>
internal sealed record LoggingOptions
{
    [Setting("how log lines are written")]
    public LogFormat Format { get; init; }
}

/// <summary>How log lines are written.</summary>
internal enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}

/// <summary>Where traces, metrics and logs are sent by OTLP, the protocol of OpenTelemetry. Nothing is sent unless there is an address.</summary>
internal sealed record TelemetryOptions : IValidatableObject
{
    [Setting("OTLP collector: http://HOST:4317", DefaultText = "none")]
    public string Endpoint { get; init; } = string.Empty;

    /// <summary>Collectors take the first on port 4317 and the other on 4318.</summary>
    [Setting("what it speaks")]
    public OtlpProtocol Protocol { get; init; }

    /// <summary>A secret, most times.</summary>
    [Setting("sent along: NAME=VALUE,…", DefaultText = "none")]
    public string Headers { get; init; } = string.Empty;

    /// <summary>A call that comes with a trace context is traced as that says.</summary>
    [Setting("share of calls traced, without a context")]
    [Range(0d, 1d)]
    public float SampledCalls { get; init; } = 1;

    [Setting("share of a traced session's frames")]
    [Range(0d, 1d)]
    public float SampledFrames { get; init; } = 0.01f;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Endpoint.Length > 0 && !(Uri.TryCreate(Endpoint, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
        {
            yield return new ValidationResult("expected http://HOST:PORT or https://HOST:PORT", [nameof(Endpoint)]);
        }

        if (Headers.Length > 0 && Headers.Split(',').Any(static header => header.IndexOf('=', StringComparison.Ordinal) < 1))
        {
            // Without what stands there: it may be a secret.
            yield return new ValidationResult("Loupe:Telemetry:Headers is not NAME=VALUE, with commas between several");
        }
    }
}

/// <summary>The forms of OTLP.</summary>
internal enum OtlpProtocol
{
    Grpc,
    Http,
}
