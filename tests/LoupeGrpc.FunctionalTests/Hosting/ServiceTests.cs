using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LoupeGrpc.FunctionalTests.Hosting;

public class ServiceTests
{
    [Fact]
    public async Task The_server_says_what_it_serves_and_what_not()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = await server.OpenAsync();
        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        Assert.StartsWith("loupe-grpc-server/", info.Server, StringComparison.Ordinal);
        Assert.Equal("scripted", info.Model.Name);
        Assert.Equal(new ProviderRung { Provider = "CPU", State = RungState.Serving, Precision = "fp32" }, Assert.Single(info.Ladder));
        Assert.Equal((64u, 1u), (info.Limits.Credits, info.ActiveSessions));
        Assert.Equal((0.4f, 0.6f), (info.DefaultThresholds.Low, info.DefaultThresholds.High));
        Assert.Equal(["receipts", "SessionAdminService"], info.Unavailable.Select(static part => part.Feature));
        Assert.NotNull(info.ReadySince);
        Assert.True(info.Startup.ToTimeSpan() > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("")]
    [InlineData("loupe.v1.ForgeryAnalysisService")]
    public async Task Health_says_serving_and_not_serving_while_draining(string service)
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        var health = new Health.HealthClient(server.Channel);
        var request = new HealthCheckRequest { Service = service };
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(request, cancellationToken: Patience.Token())).Status);
        using var http = new HttpClient { BaseAddress = server.Server.Operations };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz/ready", Patience.Token())).StatusCode);

        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        var inside = await analyzer.NextAsync();
        var stopping = server.Server.StopAsync();
        Assert.Equal(SessionEventKind.Draining, (await session.NextAsync()).Event.Kind);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, (await health.CheckAsync(request, cancellationToken: Patience.Token())).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/healthz/ready", Patience.Token())).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz/live", Patience.Token())).StatusCode);
        inside.Succeed();
        await session.FailureAsync();
        await stopping;
    }

    [Fact]
    public async Task A_server_whose_run_does_not_end_is_not_ready_until_it_does()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        var health = new Health.HealthClient(server.Channel);
        using var http = new HttpClient { BaseAddress = server.Server.Operations };
        foreach (var overdue in new[] { true, false })
        {
            analyzer.IsOverdue = overdue;
            using var ready = await http.GetAsync("/healthz/ready", Patience.Token());
            Assert.Equal(overdue ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK, ready.StatusCode);
            Assert.Equal(overdue, (await ready.Content.ReadAsStringAsync(Patience.Token())).Contains("has not ended", StringComparison.Ordinal));
            Assert.Equal(
                overdue ? HealthCheckResponse.Types.ServingStatus.NotServing : HealthCheckResponse.Types.ServingStatus.Serving,
                (await health.CheckAsync(new HealthCheckRequest(), cancellationToken: Patience.Token())).Status);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz/live", Patience.Token())).StatusCode);
        }
    }

    [Fact]
    public async Task Health_of_an_unknown_service_is_not_found()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await new Health.HealthClient(server.Channel).CheckAsync(
            new HealthCheckRequest { Service = "none" }, cancellationToken: Patience.Token()));
        Assert.Equal(StatusCode.NotFound, failure.StatusCode);
    }

    [Fact]
    public async Task Someone_who_watches_health_does_not_hold_up_a_stopping_server()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var watch = new Health.HealthClient(server.Channel).Watch(new HealthCheckRequest(), cancellationToken: Patience.Token());
        Assert.True(await watch.ResponseStream.MoveNext(Patience.Token()));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);
        var stopping = server.Server.StopAsync();
        var last = watch.ResponseStream.Current.Status;
        while (await watch.ResponseStream.MoveNext(Patience.Token()))
        {
            last = watch.ResponseStream.Current.Status;
        }

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, last);
        await stopping;
    }

    /// <summary>A balancer that watches has to know while sessions finish, not when they have.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("loupe.v1.ForgeryAnalysisService")]
    public async Task Someone_who_watches_health_hears_at_once_that_the_server_begins_to_stop(string service)
    {
        var analyzer = new ScriptedAnalyzer();
        // By itself the library does not look again.
        await using var server = await RunningServer.StartAsync(
            ModelRepository.Of(analyzer), change: static services => services.PostConfigure<HealthCheckPublisherOptions>(static publisher => publisher.Period = TimeSpan.FromHours(1)));
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        var inside = await analyzer.NextAsync();
        using var watch = new Health.HealthClient(server.Channel).Watch(new HealthCheckRequest { Service = service }, cancellationToken: Patience.Token());
        Assert.True(await watch.ResponseStream.MoveNext(Patience.Token()));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);

        var stopping = server.Server.StopAsync();
        Assert.True(await watch.ResponseStream.MoveNext(Patience.Token()));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        Assert.False(stopping.IsCompleted);
        inside.Succeed();
        await session.FailureAsync();
        await stopping;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_contract_is_told_unless_switched_off(bool enabled)
    {
        await using var server = await RunningServer.StartAsync(
            new ScriptedAnalyzer(), new LoupeOptions { Reflection = new ReflectionOptions { Enabled = enabled } });
        using var call = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo(cancellationToken: Patience.Token());
        Task<ServerReflectionResponse> asking = AskAsync();
        if (enabled)
        {
            Assert.Equal(
                ["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", "inference.GRPCInferenceService", "loupe.v1.ForgeryAnalysisService", "loupe.v1.SessionAdminService"],
                (await asking).ListServicesResponse.Service.Select(static service => service.Name).Order(StringComparer.Ordinal)
                    .Where(static name => name != "grpc.reflection.v1.ServerReflection"));
        }
        else
        {
            Assert.Equal(StatusCode.Unimplemented, (await Assert.ThrowsAsync<RpcException>(() => asking)).StatusCode);
        }

        async Task<ServerReflectionResponse> AskAsync()
        {
            // The status of a refused call comes with the answer.
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "*" }, Patience.Token())
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Assert.True(await call.ResponseStream.MoveNext(Patience.Token()));
            return call.ResponseStream.Current;
        }
    }

    [Fact]
    public async Task Operations_tell_what_runs()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var http = new HttpClient { BaseAddress = server.Server.Operations };
        var info = await http.GetFromJsonAsync<JsonElement>("/info", Patience.Token());
        Assert.Equal("scripted@00000000", info.GetProperty("model").GetString());
        Assert.True(info.GetProperty("ready").GetBoolean());
        Assert.StartsWith("loupe-grpc-server/", info.GetProperty("server").GetString(), StringComparison.Ordinal);
    }
}
