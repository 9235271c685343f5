namespace LoupeGrpc.Server.Security;

internal static partial class SecurityLog
{
    [LoggerMessage(EventId = 600, Level = LogLevel.Information, Message = "Keys of {File} are read anew: {Count} in all, {Added} new or changed, {Revoked} revoked or changed.")]
    public static partial void KeysReloaded(ILogger logger, string file, int count, int added, int revoked);

    [LoggerMessage(EventId = 601, Level = LogLevel.Error, Message = "Loupe:Security:Keys has changed and cannot be used: {Reason}. The {Count} keys from before still hold.")]
    public static partial void KeysBroken(ILogger logger, string reason, int count);

    [LoggerMessage(EventId = 602, Level = LogLevel.Information, Message = "The certificate is {Subject} from now on, valid until {End:u}. Connections there are stay as they are.")]
    public static partial void CertificateReloaded(ILogger logger, string subject, DateTimeOffset end);

    [LoggerMessage(EventId = 603, Level = LogLevel.Warning, Message = "Files of Loupe:Tls have changed and cannot be used: {Reason}. Those from before still hold.")]
    public static partial void CertificateBroken(ILogger logger, string reason);

    [LoggerMessage(EventId = 604, Level = LogLevel.Warning, Message = "The certificate of Loupe:Tls:Certificate, {Subject}, is valid from {Begin:u} until {End:u}, and not now: clients will refuse it.")]
    public static partial void CertificateNotValidNow(ILogger logger, string subject, DateTimeOffset begin, DateTimeOffset end);

    [LoggerMessage(EventId = 633, Level = LogLevel.Information, Message = "Certificates of clients are those that {Authority} signs from now on. Connections there are stay as they are.")]
    public static partial void AuthorityReloaded(ILogger logger, string authority);

    [LoggerMessage(EventId = 634, Level = LogLevel.Warning, Message = "No root of Loupe:Tls:ClientAuthority is valid now ({Authority}): no client's certificate is accepted.")]
    public static partial void AuthorityNotValidNow(ILogger logger, string authority);

    [LoggerMessage(EventId = 635, Level = LogLevel.Information, Message = "Can be used again, and holds from now on: {Files}.")]
    public static partial void Mended(ILogger logger, string files);

    [LoggerMessage(EventId = 605, Level = LogLevel.Information, Message = "{Peer} is not let in: {Reason}. {Count} refused so far.")]
    public static partial void Refused(ILogger logger, string peer, string reason, long count);

    [LoggerMessage(EventId = 606, Level = LogLevel.Warning, Message = "Keys and tokens travel in the clear over {Address}: use https://, or keep it behind a proxy that does.")]
    public static partial void KeysInTheClear(ILogger logger, string address);

    [LoggerMessage(EventId = 607, Level = LogLevel.Warning, Message = "Everybody who reaches {Address} is let in (Loupe:Security:Open).")]
    public static partial void OpenToStrangers(ILogger logger, string address);

    [LoggerMessage(EventId = 630, Level = LogLevel.Warning, Message = "Not used, since no address is https:// (Loupe:Endpoints): {Settings}.")]
    public static partial void TlsUnused(ILogger logger, string settings);

    [LoggerMessage(EventId = 631, Level = LogLevel.Warning, Message = "{Setting}, {File}: {Concern}")]
    public static partial void FileOpenToOthers(ILogger logger, string setting, string file, string concern);

    [LoggerMessage(EventId = 632, Level = LogLevel.Information, Message = "{Setting} is {Address}: others than this machine reach it, whatever address for clients here the ready line has.")]
    public static partial void ReachedByOthers(ILogger logger, string setting, string address);

    [LoggerMessage(EventId = 608, Level = LogLevel.Warning, Message = "Tokens cannot be checked: {Authority} (Loupe:Security:Authority) does not answer: {Reason}")]
    public static partial void ProviderAway(ILogger logger, string authority, string reason);
}
