using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Execution.Builds;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.Server.Sessions.Temporal;
using LoupeGrpc.V1;
using AdaptationState = LoupeGrpc.Engine.Adaptation.AdaptationState;

namespace LoupeGrpc.Fuzz.Targets;

/// <summary>What clients send to the server, and what libraries and children of it leave behind.</summary>
internal static class ServerTargets
{
    private const string ModelHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    private static readonly ScratchFile _library = new("library.so");
    private static readonly LoupeOptions _options = new();
    private static readonly IReadOnlyList<SessionOpening> _openings =
    [
        OpenReader.Read(new OpenSession(), _options, VerdictThresholds.Default, out _)!,
        OpenReader.Read(new OpenSession { FrameFormat = new FrameFormat { PixelFormat = PixelFormat.Bgr24, Width = 4, Height = 3 } }, _options, VerdictThresholds.Default, out _)!,
    ];

    private static readonly ResponseEncoding _encoding = new();
    private static readonly ThetaLayout _layout = new([new AdaptedTensor("a", [2, 3]), new AdaptedTensor("b", [3])]);
    private static readonly float[] _theta = [.. Enumerable.Range(0, _layout.Length).Select(static i => i * 0.5f)];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("wire-request", static input => Receive(Same(AnalyzeRequest.Parser.ParseFrom(input), RequestParser.ReadRequest(new ReadOnlySequence<byte>(input), large: 1))), typeof(InvalidProtocolBufferException))
        {
            Parsers = [typeof(RequestParser), typeof(OpenReader), typeof(FrameReader), typeof(ControlReader), typeof(AnalysisSettingsReader), typeof(TemporalReader), typeof(AdaptationMessages), typeof(Durations), typeof(FrameInspector)],
            Tokens = [[10], [18], [26], [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], [0x0D, 0, 0, 0xC0, 0x7F], [0x0A, 0], [0x12, 2, 8, 1]],
        },
        new("wire-image", static input => Receive(Same(AnalyzeImageRequest.Parser.ParseFrom(input), RequestParser.ReadPicture(new ReadOnlySequence<byte>(input), large: 1))), typeof(InvalidProtocolBufferException))
        {
            Parsers = [typeof(PictureReader)],
        },
        new("resume-token", static input => Resume(input)) { Parsers = [typeof(ResumeToken)] },
        new("adaptation-snapshot", static input => Restore(input))
        {
            Parsers = [typeof(AdaptationSnapshot)],
            Repair = static input => Seal(input),
            Tokens = [[.. "LOUPETTA"u8], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0xC0, 0x7F], [0, 0, 0x80, 0x7F], [0xFF, 0xFF, 0x7F, 0x7F], Convert.FromHexString(ModelHash)],
        },
        new("adaptation-checkpoint", static input => GoOn(input))
        {
            Parsers = [typeof(AdaptationCheckpoint)],
            Tokens = [[.. "LOUPECKP"u8], [.. "LOUPETTA"u8], [0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [31, 0, 0, 0]],
        },
        new("session-record", static input => TakeOver(input))
        {
            Parsers = [typeof(SessionRecordFormat), typeof(ResponseEncoding)],
            Repair = static input => SealRecord(input),
            Tokens =
            [
                [.. "LOUPESES"u8], [0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0x12, 0], [0x22, 0],
                .. new[] { "null", "{}", "[", "-1", "1e99", "\"NaN\"", "\"Infinity\"", "18446744073709551615", "\"Tally\":", "\"Adaptation\":", "\"Temporal\":", "\"StalenessBudget\":\"00:00:01\"" }.Select(Encoding.UTF8.GetBytes),
            ],
        },
        new("shared-library", static input => SharedLibraries.Needed(_library.Write(input)))
        {
            Parsers = [typeof(SharedLibraries)],
            Tokens = [[.. "\u007fELF\u0002\u0001"u8], [2, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0, 0], [56, 0, 3, 0]],
        },
        new("compile-line", static input => CompileLine.Parse(Encoding.UTF8.GetString(input)))
        {
            Parsers = [typeof(CompileLine)],
            Tokens = [.. new[] { "{\"provider\":\"", "\",\"state\":\"built\"", ",\"message\":\"", "null", "\\ud800", "[", "{" }.Select(Encoding.UTF8.GetBytes)],
        },
    ];

    private static T Same<T>(T expected, T request)
        where T : IMessage<T>
    {
        Require(request.Equals(expected), "a message is read as the generated parser reads it");
        return request;
    }

    private static void Receive(AnalyzeRequest request)
    {
        switch (request.PayloadCase)
        {
            case AnalyzeRequest.PayloadOneofCase.Open:
                Require(OpenReader.Read(request.Open, _options, VerdictThresholds.Default, out var failure) is null != (failure is null), "a session is opened or refused");
                Resume(request.Open.ResumeToken.ToByteArray());
                break;
            case AnalyzeRequest.PayloadOneofCase.Frame:
                foreach (var opening in _openings)
                {
                    var frame = FrameReader.Read(request.Frame, opening);
                    Require(frame.Deadline is null || frame.Deadline > TimeSpan.Zero, "a deadline is above zero");
                    if (frame.Failure is null)
                    {
                        FrameInspector.Inspect(frame.Input, new EngineLimits(), out _);
                    }
                }

                break;
            case AnalyzeRequest.PayloadOneofCase.Control:
                Require(ControlReader.Read(request.Control, VerdictThresholds.Default).ControlId == request.Control.ControlId, "a control keeps its number");
                break;
            default:
                break;
        }
    }

    private static void Receive(AnalyzeImageRequest request)
    {
        var picture = PictureReader.Read(request, _options, VerdictThresholds.Default, out var failure);
        Require(picture is null != (failure is null), "a picture is read or refused");
        if (picture is not null)
        {
            FrameInspector.Inspect(picture.Input, new EngineLimits(), out _);
        }
    }

    private static void Resume(byte[] token)
    {
        var secret = new ResumeToken();
        Require(!secret.Matches(token), "no session is found by what was not given out");
        Require(secret.Matches(secret.Value.Span) && ResumeToken.DigestOf(secret.Value.Span) == secret.Digest, "a session is found by its token");
        ResumeToken.DigestOf(token);
    }

    private static void Restore(byte[] input)
    {
        var state = new AdaptationState(_layout, _theta);
        var before = state.Values.ToArray();
        if (!AdaptationSnapshot.TryRestore(input, state, ModelHash, out var problem))
        {
            Require(problem.Length > 0 && state.Step == 0 && state.Values.SequenceEqual(before), "a refused snapshot leaves the state as it was");
            return;
        }

        foreach (var value in state.Values)
        {
            Require(float.IsFinite(value), "a restored state is finite");
        }

        Require(state.Step >= 0, "a restored state has a step");
        Require(AdaptationSnapshot.Write(state, ModelHash).AsSpan().SequenceEqual(input), "a restored state is what was brought");
    }

    private static void GoOn(byte[] input)
    {
        if (!AdaptationCheckpoint.TryRead(input, _layout, ModelHash, out var memory, out var problem))
        {
            Require(problem.Length > 0, "a refused checkpoint has a reason");
            return;
        }

        Require(AdaptationCheckpoint.TryRead(AdaptationCheckpoint.Write(memory, ModelHash), _layout, ModelHash, out _, out _), "what was read is written so that it is read again");
        var session = new AdaptationSession(_layout, _theta, ModelHash, new LoupeGrpc.Engine.Adaptation.AdaptationSettings());
        Require(session.TryGoOn(input, out _) && session.Report().Step == memory.State.Step, "a session goes on at the checkpoint's step");
    }

    private static void TakeOver(byte[] input)
    {
        if (!SessionRecordFormat.TryRead(input, _encoding, out var record, out var problem))
        {
            Require(problem.Length > 0, "a refused record has a reason");
            return;
        }

        Require(SessionRecordFormat.TryRead(SessionRecordFormat.Write(record), _encoding, out _, out _), "what was read is written so that it is read again");
        var claim = new ResumeClaim(ulong.MaxValue, ulong.MaxValue, 1);
        var stored = new StoredSession(record, new byte[32], 1, claim.ProblemWith(record) is null ? claim : new ResumeClaim(0, 0, 0));
        stored.ToOpening(_options.Limits, signs: true);
        Require(SessionNotice.Of(stored, null).Message.Length > 0, "a session says what it lost");
        new SessionTally().Restore(record.Facts.Tally);
        if (record.Facts.Settings.Temporal is { } temporal)
        {
            var filter = new TemporalFilter(temporal, record.Facts.Temporal);
            filter.Add(new JudgedFrame(ulong.MaxValue, new CaptureTime(0, 0), 0.9f, VerdictThresholds.Default, new byte[192]));
            Require(filter.Segments().Segments.Count <= temporal.MaxSegments && filter.Save().IsValid(temporal), "a session goes on within its bounds");
        }
    }

    /// <summary>Puts the hash right.</summary>
    private static void SealRecord(byte[] input)
    {
        const int Header = 8 + 4 + SHA256.HashSizeInBytes;
        if (input.Length >= Header)
        {
            SHA256.HashData(input.AsSpan(Header), input.AsSpan(Header - SHA256.HashSizeInBytes));
        }
    }

    /// <summary>Puts the checksum right.</summary>
    private static void Seal(byte[] input)
    {
        if (input.Length > SHA256.HashSizeInBytes)
        {
            SHA256.HashData(input.AsSpan(0, input.Length - SHA256.HashSizeInBytes), input.AsSpan(input.Length - SHA256.HashSizeInBytes));
        }
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Does not hold: {what}.");
        }
    }
}
