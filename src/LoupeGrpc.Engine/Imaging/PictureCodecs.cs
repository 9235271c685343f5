using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Makes the codecs of an engine's decode workers.</summary>
internal sealed class PictureCodecs
{
    private readonly ImagingOptions _options;
    private readonly DecoderProgram? _program;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;

    private PictureCodecs(ImagingOptions options, DecoderProgram? program, ILogger logger, TimeProvider time)
    {
        _time = time;
        _options = options;
        _program = program;
        _logger = logger;
    }

    /// <exception cref="ModelLoadException">What decodes pictures is not there.</exception>
    public static PictureCodecs Create(ImagingOptions options, ILogger logger, TimeProvider time) =>
        new(options, options.Isolation == DecoderIsolation.Process ? DecoderProgram.Find() : null, logger, time);

    /// <summary>For one thread. Its process, where it has one, is started with the first picture.</summary>
    public IPictureCodec CreateCodec() => _program is { } program ? new WorkerCodec(program, _options, _logger, _time) : new LocalCodec();
}
