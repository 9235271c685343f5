using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Engine;

/// <summary>How picture files are decoded.</summary>
public sealed record ImagingOptions
{
    [Setting("pictures with guessed parts")]
    public DamagedPictures Damaged { get; init; } = DamagedPictures.Uncertain;

    [Setting("where decoders run")]
    public DecoderIsolation Isolation { get; init; } = DecoderIsolation.Process;

    /// <summary>
    /// What a picture may take, and as much again for each megapixel begun: some ten times what the slowest honest pictures do. Ten times as long by the clock on
    /// the wall. Without isolation it does not hold.
    /// </summary>
    [Setting("CPU time of a picture and of each megapixel")]
    [Duration("10ms", "10min")]
    public TimeSpan DecodeTime { get; init; } = TimeSpan.FromMilliseconds(250);
}

/// <summary>What becomes of a picture that is damaged, but not so that a decoder gives it up.</summary>
public enum DamagedPictures
{
    /// <summary>It is analysed, with a note, and whatever the score its verdict is uncertain.</summary>
    Uncertain,

    /// <summary>It is analysed, with a note; the score decides.</summary>
    Note,

    /// <summary>It fails with <see cref="FailureKind.Invalid"/>.</summary>
    Refuse,
}

/// <summary>Where decoders run on bytes that nobody vouches for.</summary>
public enum DecoderIsolation
{
    /// <summary>In a process for each decode worker, which is ended when a picture takes too long or too much memory.</summary>
    Process,

    /// <summary>In this process: a costly picture holds its decode worker until it is done, and a fault of a decoder ends the server.</summary>
    None,
}
