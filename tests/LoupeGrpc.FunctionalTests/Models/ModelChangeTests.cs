using System.Runtime.CompilerServices;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Models;

/// <summary>Another package in a model's folder, while sessions run.</summary>
public sealed class ModelChangeTests(NanoEngine nano)
{
    private const int Frames = 8;

    private static ModelPackage Tiny => TestPackages.Tiny("tiny-l", PackageLayout.Fp32);

    [Fact]
    public async Task Sessions_that_run_end_on_what_they_have_as_if_nothing_had_happened_and_new_ones_get_the_new()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        var undisturbed = await EndAsync(await BeginAsync(server, adapts: true), 0);
        var plain = await EndAsync(await BeginAsync(server, adapts: false), 0);
        Assert.NotEqual(undisturbed, plain);

        var (adapting, other) = (await BeginAsync(server, adapts: true), await BeginAsync(server, adapts: false));
        var before = (await TakeAsync(adapting, 3), await TakeAsync(other, 2));
        models.Put("default", Tiny);
        var changing = ReloadAsync(server);
        before = (before.Item1 + await TakeAsync(adapting, 3, 1), before.Item2);
        var change = await changing;

        Assert.Equal((true, 2u, Tiny.Hash), (change.Changed, change.SessionsLeft, change.Model.Model.Hash));
        var fresh = await BeginAsync(server, adapts: true);
        Assert.Equal(Tiny.Hash, fresh.Grant.Model.Hash);
        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        Assert.Equal([(Tiny.Hash, 1u, false), (nano.Package.Hash, 2u, true)], info.Models.Select(static model => (model.Model.Hash, model.Sessions, model.Leaving)));
        Assert.Equal(Tiny.Hash, info.Model.Hash);
        Assert.NotEqual(undisturbed, await EndAsync(fresh, 0));
        Assert.Equal(plain, before.Item2 + await EndAsync(other, 2));
        Assert.Equal(undisturbed, before.Item1 + await EndAsync(adapting, 4));
    }

    /// <summary>Sessions that never stop, adapting ones among them, while packages come and go under them.</summary>
    [Fact]
    public async Task However_often_it_changes_each_session_has_the_answers_of_its_own_package()
    {
        var expected = new Dictionary<(string Hash, bool Adapts), string>();
        foreach (var package in (ModelPackage[])[nano.Package, Tiny])
        {
            await using var alone = await TestShelf.LoadAsync(("default", package));
            await using var one = await alone.StartServerAsync();
            expected[(package.Hash, true)] = await EndAsync(await BeginAsync(one, adapts: true), 0);
            expected[(package.Hash, false)] = await EndAsync(await BeginAsync(one, adapts: false), 0);
        }

        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        using var stop = new CancellationTokenSource();
        var streams = Enumerable.Range(0, 6).Select(number => StreamAsync(number % 2 == 0)).ToList();
        foreach (var package in (ModelPackage[])[Tiny, nano.Package, Tiny, nano.Package])
        {
            models.Put("default", package);
            Assert.True((await ReloadAsync(server)).Changed);
            // Somebody has come to it.
            await Patience.UntilAsync(() => models.Shelf.List()[0].Users > 0);
        }

        await stop.CancelAsync();
        var seen = (await Task.WhenAll(streams)).SelectMany(static hashes => hashes).ToHashSet();

        Assert.Equal(2, seen.Count);
        await Patience.UntilAsync(() => models.Shelf.List().Count == 1);

        async Task<List<string>> StreamAsync(bool adapts)
        {
            List<string> hashes = [];
            do
            {
                var session = await BeginAsync(server, adapts);
                hashes.Add(session.Grant.Model.Hash);
                Assert.Equal(expected[(session.Grant.Model.Hash, adapts)], await EndAsync(session, 0));
            }
            while (!stop.IsCancellationRequested);
            return hashes;
        }
    }

    /// <summary>Whoever asked does not wait any more: what was being loaded goes, and what serves serves on.</summary>
    [Fact]
    public async Task A_change_that_is_given_up_changes_nothing()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        models.Put("default", Tiny);
        using var abandon = new CancellationTokenSource();
        models.FreeMemory = () =>
        {
            abandon.Cancel();
            return long.MaxValue;
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => models.Shelf.ReloadAsync(string.Empty, abandon.Token));
        models.FreeMemory = static () => long.MaxValue;

        Assert.Equal(nano.Package.Hash, Assert.Single(models.Shelf.List()).Analyzer.Model.Hash);
        Assert.True((await ReloadAsync(server)).Changed);
    }

    [Fact]
    public async Task What_the_last_session_has_left_is_gone_from_memory()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        var old = WeakDefault(models);
        var session = await BeginAsync(server, adapts: true);
        await TakeAsync(session, 2);
        models.Put("default", Tiny);
        await ReloadAsync(server);
        Collect();
        Assert.True(old.IsAlive);
        Assert.Equal(2, models.Shelf.List().Count);

        await EndAsync(session, 2);

        await Patience.UntilAsync(() => models.Log.Lines.Any(static line => line.Contains("its memory is free", StringComparison.Ordinal)));
        Assert.Single(models.Shelf.List());
        await Patience.UntilAsync(() =>
        {
            Collect();
            return !old.IsAlive;
        });
    }

    [Fact]
    public async Task A_session_without_a_connection_keeps_what_it_has_and_goes_on_there()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        var undisturbed = await EndAsync(await BeginAsync(server, adapts: true), 0);
        using var connection = server.Connect();
        var session = await connection.OpenAsync(AdaptingStream.Open());
        var before = await TakeAsync(session, 3);
        await server.BreakAsync(connection);
        models.Put("default", Tiny);
        await ReloadAsync(server);

        var resumed = await server.ResumeAsync(session);

        Assert.Equal(nano.Package.Hash, resumed.Grant.Model.Hash);
        Assert.Equal(undisturbed, before + await EndAsync(resumed, 3));
        session.Dispose();
    }

    [Fact]
    public async Task The_same_package_is_no_change()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        models.Put("default", nano.Package);

        var change = await ReloadAsync(server);

        Assert.Equal((false, 0u, nano.Package.Hash), (change.Changed, change.SessionsLeft, change.Model.Model.Hash));
        Assert.Single(models.Shelf.List());
    }

    [Theory]
    [InlineData("gone", "is not a model package: there is no such directory")]
    [InlineData("else", "is not a model package: it holds no model.json")]
    [InlineData("manifest", "model.json")]
    [InlineData("weights", "weights.bin does not have the SHA-256 in model.json")]
    [InlineData("short", "bytes")]
    [InlineData("memory", "there is no memory for the model 'default'")]
    public async Task What_cannot_serve_is_refused_and_disturbs_nobody(string fault, string reason)
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        var undisturbed = await EndAsync(await BeginAsync(server, adapts: true), 0);
        var session = await BeginAsync(server, adapts: true);
        var before = await TakeAsync(session, 3);
        models.Put("default", Tiny);
        Spoil(models, fault);

        var failure = await Assert.ThrowsAsync<RpcException>(() => ReloadAsync(server));

        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Contains(reason, failure.Status.Detail, StringComparison.OrdinalIgnoreCase);
        var logged = models.Log.TakeError();
        Assert.Contains($"The model 'default' cannot be changed, loupe-nano@{nano.Package.ShortHash} serves on: {failure.Status.Detail}", logged, StringComparison.Ordinal);
        Assert.Equal(undisturbed, before + await EndAsync(session, 3));
        Assert.Equal(undisturbed, await EndAsync(await BeginAsync(server, adapts: true), 0));
        Assert.Single(models.Shelf.List());
    }

    [Fact]
    public async Task After_a_refusal_the_next_package_serves()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        models.Put("default", Tiny);
        Spoil(models, "manifest");
        await Assert.ThrowsAsync<RpcException>(() => ReloadAsync(server));
        models.Log.TakeError();
        models.Put("default", Tiny);

        Assert.True((await ReloadAsync(server)).Changed);
    }

    [Fact]
    public async Task A_name_that_is_not_there_is_refused()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(() => ReloadAsync(server, "huge"));

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains("expected default", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_come_and_go_with_the_settings()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        var undisturbed = await EndAsync(await BeginAsync(server, adapts: true), 0);
        var session = await BeginAsync(server, adapts: true);
        models.Put("tiny", Tiny);

        await models.Shelf.ReloadAsync([new ModelSource("tiny", models.Folder("tiny"))], Patience.Token());

        Assert.Equal(["tiny"], models.Shelf.Names);
        using var fresh = await server.OpenAsync();
        Assert.Equal(Tiny.Hash, fresh.Grant.Model.Hash);
        Assert.Equal(undisturbed, await EndAsync(session, 0));
        await Patience.UntilAsync(() => models.Shelf.List().Count == 1);
    }

    /// <summary>Or those who name none would have a model that nobody meant for them.</summary>
    [Fact]
    public async Task Where_one_of_the_settings_models_cannot_serve_the_others_stay()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package));
        await using var server = await models.StartServerAsync();
        models.Put("tiny", Tiny);

        var changes = await models.Shelf.ReloadAsync(
            [new ModelSource("wrong", models.Folder("wrong")), new ModelSource("tiny", models.Folder("tiny"))], Patience.Token());

        Assert.Equal([false, true], changes.Select(static change => change.Changed));
        Assert.Contains("nothing serves under this name", models.Log.TakeError(), StringComparison.Ordinal);
        Assert.Equal(["default", "tiny"], models.Shelf.Names);
    }

    private static void Spoil(TestShelf models, string fault)
    {
        var folder = models.Folder("default");
        switch (fault)
        {
            case "gone":
                Directory.Delete(folder, recursive: true);
                break;
            case "else":
                File.Move(Path.Combine(folder, PackageLayout.Manifest), Path.Combine(folder, "something.json"));
                break;
            case "manifest":
                File.WriteAllText(Path.Combine(folder, PackageLayout.Manifest), """{"format_version":""");
                break;
            case "weights":
                using (var file = File.Open(Largest(folder), FileMode.Open))
                {
                    file.Seek(file.Length / 2, SeekOrigin.Begin);
                    var old = file.ReadByte();
                    file.Seek(-1, SeekOrigin.Current);
                    file.WriteByte((byte)~old);
                }

                break;
            case "short":
                using (var file = File.Open(Largest(folder), FileMode.Open))
                {
                    file.SetLength(file.Length - 1);
                }

                break;
            default:
                models.FreeMemory = static () => 1 << 10;
                break;
        }
    }

    private static string Largest(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).MaxBy(static file => new FileInfo(file).Length)!;

    private static async Task<ReloadModelResponse> ReloadAsync(RunningServer server, string model = "") =>
        await new SessionAdminService.SessionAdminServiceClient(server.Channel).ReloadModelAsync(new ReloadModelRequest { Model = model }, cancellationToken: Patience.Token());

    private static Task<RawSession> BeginAsync(RunningServer server, bool adapts)
    {
        var open = AdaptingStream.Open();
        open.Resumable = true;
        open.Adaptation = adapts ? open.Adaptation : null;
        return server.OpenAsync(open);
    }

    /// <summary>The answers to some frames, one after the other.</summary>
    private static async Task<string> TakeAsync(RawSession session, int first, int count) =>
        string.Concat(await Enumerable.Range(first, count).ToAsyncEnumerable().Select(async (int number, CancellationToken _) =>
        {
            await AdaptingStream.SendFrameAsync(session, number);
            return AdaptingStream.Essence(await session.NextAsync()) + "\n";
        }).ToListAsync());

    private static Task<string> TakeAsync(RawSession session, int count) => TakeAsync(session, 0, count);

    /// <summary>The answers to the frames that are left, and the end.</summary>
    private static async Task<string> EndAsync(RawSession session, int first)
    {
        var answers = await TakeAsync(session, first, Frames - first);
        await session.CompleteAsync();
        await session.RestAsync();
        session.Dispose();
        return answers;
    }

    /// <summary>In a frame of its own, or a local would keep it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference WeakDefault(TestShelf models) => new(models.Shelf.Default);

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }
}
