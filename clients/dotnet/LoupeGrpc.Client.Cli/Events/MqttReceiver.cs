using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>
/// Publishes events with quality of service 1. `TOPIC/available` is retained: `online` while the stream is watched, `offline` after it, and by the broker's hand when this
/// program ended without a word.
/// </summary>
internal sealed class MqttReceiver : IEventReceiver
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(2);

    private readonly EventAddress.Mqtt _address;
    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly string _clientId;
    private readonly X509Certificate2Collection? _authority;
    private bool _wasConnected;

    /// <param name="address">Where to.</param>
    /// <param name="clientId">The same in every run, and no other's.</param>
    /// <param name="authority">Whom to believe instead of those whom the system trusts; null: those.</param>
    public MqttReceiver(EventAddress.Mqtt address, string clientId, X509Certificate2Collection? authority)
    {
        (_address, _clientId, _authority) = (address, clientId, authority);
        _client.DisconnectedAsync += _ =>
        {
            if (IsBroken)
            {
                Broken?.Invoke();
            }

            return Task.CompletedTask;
        };
    }

    public bool IsBroken => _wasConnected && !_client.IsConnected;

    public Action? Broken { get; set; }

    private string Availability => $"{_address.Topic}/available";

    public async Task<Delivery> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_client.IsConnected)
        {
            return Delivery.Delivered;
        }

        try
        {
            var result = await _client.ConnectAsync(Options(), cancellationToken);
            switch (result.ResultCode)
            {
                case MqttClientConnectResultCode.Success:
                    break;
                // As MQTT 5 says it, and as those say it that never heard of it.
                case MqttClientConnectResultCode.UnsupportedProtocolVersion or (MqttClientConnectResultCode)1:
                    return new Delivery(DeliveryKind.SenderRefused, "it does not speak MQTT 5");
                case MqttClientConnectResultCode.BadUserNameOrPassword or MqttClientConnectResultCode.NotAuthorized:
                    return new Delivery(
                        DeliveryKind.SenderRefused, _address.Credentials is null ? "it wants user and password: mqtt://USER:PASSWORD@HOST/TOPIC" : "it does not accept user and password");
                case MqttClientConnectResultCode.Banned or MqttClientConnectResultCode.ClientIdentifierNotValid:
                    return new Delivery(DeliveryKind.SenderRefused, $"it refuses us: {result.ResultCode}");
                default:
                    return Delivery.Later($"it refuses the connection: {result.ResultCode}");
            }

            _wasConnected = true;
            return await PublishAsync(Message(Availability, "online"u8.ToArray()).WithRetainFlag().Build(), cancellationToken);
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return Delivery.Later(Reason(error));
        }
    }

    public async Task<Delivery> SendAsync(string id, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        if (await ConnectAsync(cancellationToken) is { Kind: not DeliveryKind.Delivered } notConnected)
        {
            return notConnected;
        }

        try
        {
            return await PublishAsync(
                Message(_address.Topic, json.ToArray()).WithContentType("application/cloudevents+json; charset=utf-8").Build(), cancellationToken);
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return Delivery.Later(Reason(error));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _wasConnected = false;
        if (_client.IsConnected)
        {
            try
            {
                using var patience = new CancellationTokenSource(Goodbye);
                await _client.PublishAsync(Message(Availability, "offline"u8.ToArray()).WithRetainFlag().Build(), patience.Token);
                await _client.DisconnectAsync(new MqttClientDisconnectOptions(), patience.Token);
            }
            catch (Exception)
            {
                // The broker says it for us.
            }
        }

        _client.Dispose();
    }

    private async Task<Delivery> PublishAsync(MqttApplicationMessage message, CancellationToken cancellationToken)
    {
        var answer = await _client.PublishAsync(message, cancellationToken);
        var reason = $"it answers {answer.ReasonCode}{(string.IsNullOrEmpty(answer.ReasonString) ? "" : $": {answer.ReasonString}")}";
        return answer.ReasonCode switch
        {
            // No matching subscribers: nobody listens now, which is nobody's fault.
            MqttClientPublishReasonCode.Success or MqttClientPublishReasonCode.NoMatchingSubscribers => Delivery.Delivered,
            MqttClientPublishReasonCode.NotAuthorized => new Delivery(DeliveryKind.SenderRefused, $"it does not let us publish to {message.Topic}"),
            MqttClientPublishReasonCode.TopicNameInvalid => new Delivery(DeliveryKind.SenderRefused, reason),
            MqttClientPublishReasonCode.PayloadFormatInvalid => new Delivery(DeliveryKind.EventRefused, reason),
            _ => Delivery.Later(reason),
        };
    }

    private static MqttApplicationMessageBuilder Message(string topic, byte[] payload) =>
        new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce);

    private MqttClientOptions Options()
    {
        var options = new MqttClientOptionsBuilder()
            .WithTcpServer(_address.Host, _address.PortNumber)
            // Only it says why a broker does not take a message: 3.1.1 would lose it in silence.
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId(_clientId)
            .WithCleanSession(false)
            .WithTimeout(Timeout)
            .WithKeepAlivePeriod(KeepAlive)
            .WithWillTopic(Availability)
            .WithWillPayload("offline"u8.ToArray())
            .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .WithWillRetain();
        if (_address.Credentials is { } own)
        {
            options = options.WithCredentials(own.UserName, own.Password);
        }

        if (_address.IsSecure)
        {
            options = options.WithTlsOptions(tls =>
            {
                tls.UseTls().WithTargetHost(_address.Host).WithRevocationMode(X509RevocationMode.NoCheck);
                if (_authority is not null)
                {
                    tls.WithTrustChain(_authority);
                }
            });
        }

        return options.Build();
    }

    private static string Reason(Exception error) => Causes(error).ToList() switch
    {
        var all when all.OfType<AuthenticationException>().FirstOrDefault() is { } tls => $"its certificate is not believed, or it does not speak TLS: {tls.Message.TrimEnd('.')}",
        var all when all.OfType<SocketException>().FirstOrDefault() is { } socket => NetworkReason.Of(socket),
        _ when error is MqttCommunicationTimedOutException or OperationCanceledException or TimeoutException =>
            string.Create(CultureInfo.InvariantCulture, $"it did not answer within {Timeout.TotalSeconds:0} s"),
        _ => $"the connection broke: {error.Message.Split('\n')[0].TrimEnd('\r', '.')}",
    };

    private static IEnumerable<Exception> Causes(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            yield return error;
        }
    }
}
