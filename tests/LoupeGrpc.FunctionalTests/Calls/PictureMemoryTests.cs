using System.Net.Http.Headers;
using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>Pictures lie in memory that is used again. Allocations are counted in the whole process, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(PictureMemoryTests), DisableParallelization = true)]
[Collection(nameof(PictureMemoryTests))]
public class PictureMemoryTests
{
    private const int Length = 600_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nobody_gets_the_memory_of_a_picture_before_its_outcome(bool encoded)
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { FrameFormat = new FrameFormat { PixelFormat = PixelFormat.Gray8, Width = Length, Height = 1 } });
        Queue<ScriptedAnalysis> inside = [];
        for (byte round = 0; round < 40; round++)
        {
            await session.SendFrameAsync(round, frame => Fill(frame, round, encoded));
            var analysis = await analyzer.NextAsync();
            inside.Enqueue(analysis);
            if (inside.Count == 4)
            {
                var oldest = inside.Dequeue();
                var data = oldest.Data;
                Assert.Equal(Length, data.Length);
                Assert.False(data.Span.ContainsAnyExcept(oldest.Mark), "the picture became another while it was analysed");
                oldest.Succeed();
                await session.NextOutcomeAsync();
                Assert.Throws<ObjectDisposedException>(() => data.Span.Length);
            }
        }

        await session.CompleteAsync();
        while (inside.TryDequeue(out var left))
        {
            left.Succeed();
        }

        await session.RestAsync();
    }

    [Fact]
    public async Task A_picture_by_itself_too()
    {
        ReadOnlyMemory<byte> seen = default;
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer
        {
            Answer = input =>
            {
                seen = input.Data;
                return input.Data.Span.ContainsAnyExcept((byte)7) ? new FrameFailure(FailureKind.Invalid, "another picture") : ScriptedAnalyzer.Result(0.1f);
            },
        });

        await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = new EncodedImage { Data = Picture(7) } }, cancellationToken: Patience.Token());

        Assert.Throws<ObjectDisposedException>(() => seen.Span.Length);
    }

    /// <summary>With its length said, and in a form, which says none.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_picture_over_HTTP_too(bool form)
    {
        ReadOnlyMemory<byte> seen = default;
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer
        {
            Answer = input =>
            {
                seen = input.Data;
                return seen.Length != Length || seen.Span.ContainsAnyExcept((byte)7) ? new FrameFailure(FailureKind.Invalid, "another picture") : ScriptedAnalyzer.Result(0.1f);
            },
        });
        using var client = new HttpClient { BaseAddress = server.Server.Web };
        using var picture = new ByteArrayContent([.. Enumerable.Repeat((byte)7, Length)]);
        picture.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        using HttpContent content = form ? new MultipartFormDataContent { { picture, "file", "a.jpg" } } : picture;

        using var answer = await client.PostAsync("/v1/analyze", content, Patience.Token());

        Assert.Contains("\"RESULT\"", await answer.Content.ReadAsStringAsync(Patience.Token()), StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => seen.Span.Length);
    }

    /// <summary>A fault of the engine does not say that nobody reads the picture any more.</summary>
    [Fact]
    public async Task After_a_fault_of_the_engine_the_memory_is_nobodys()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1, frame => Fill(frame, 1, encoded: true));
        var faulty = await analyzer.NextAsync();
        var data = faulty.Data;
        faulty.Throw(new InvalidOperationException("scripted"));
        Assert.Equal(FailureCode.Internal, (await session.NextOutcomeAsync()).Failed.Code);

        await session.SendFrameAsync(2, frame => Fill(frame, 2, encoded: true));
        (await analyzer.NextAsync()).Succeed();
        await session.NextOutcomeAsync();

        Assert.False(data.Span.ContainsAnyExcept((byte)1));
        Assert.Contains("scripted", server.Log.TakeError(), StringComparison.Ordinal);
        await session.CompleteAsync();
        await session.RestAsync();
    }

    /// <summary>Client and server together allocate less than a twentieth of the frame.</summary>
    [Fact]
    public async Task A_stream_of_large_pictures_leaves_no_large_garbage()
    {
        const int Frames = 100, Ceiling = Length / 20;
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) });
        using var session = await server.OpenAsync();
        var request = new AnalyzeRequest { Frame = new Frame { Encoded = new EncodedImage { Data = Picture(1) } } };
        await StreamAsync();

        // The least of three: what the runtime allocates now and then for itself is not the frames'.
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await StreamAsync();
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / Frames);
        }

        Assert.InRange(least, 0, Ceiling);
        await session.CompleteAsync();
        await session.RestAsync();

        async Task StreamAsync()
        {
            for (var i = 0; i < Frames; i++)
            {
                await session.SendAsync(request);
                await session.NextOutcomeAsync();
            }
        }
    }

    private static void Fill(Frame frame, byte value, bool encoded)
    {
        if (encoded)
        {
            frame.Encoded.Data = Picture(value);
        }
        else
        {
            frame.Raw = new RawImage { Data = Picture(value) };
        }
    }

    private static ByteString Picture(byte value)
    {
        var bytes = new byte[Length];
        Array.Fill(bytes, value);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }
}
