namespace LoupeGrpc.Client;

/// <summary>What calls of this library throw when the server or the way to it fails. The message is one clear sentence for people.</summary>
public abstract class LoupeException : Exception
{
    private protected LoupeException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}

/// <summary>There is no LoupeGrpc server at the address, or it does not take calls now. Nothing was analysed.</summary>
public sealed class LoupeUnavailableException : LoupeException
{
    internal LoupeUnavailableException(string message, Exception? inner = null, LoupeUnavailableReason reason = LoupeUnavailableReason.Unreachable)
        : base(message, inner) => Reason = reason;

    /// <summary>What would have to change.</summary>
    public LoupeUnavailableReason Reason { get; }
}

/// <summary>Why there is no server for us at an address.</summary>
public enum LoupeUnavailableReason
{
    /// <summary>Nothing answers there, or something else than a LoupeGrpc server does, or the server takes no calls now.</summary>
    Unreachable,

    /// <summary>Nobody vouches for its certificate: <see cref="LoupeClientOptions.CertificateAuthority"/>.</summary>
    UntrustedCertificate,

    /// <summary>Its certificate is not valid any more, or not yet.</summary>
    ExpiredCertificate,

    /// <summary>Its certificate is for another name.</summary>
    WrongHost,

    /// <summary>TLS was spoken, and it does not speak TLS.</summary>
    TlsNotSupported,

    /// <summary>TLS was not spoken, and it wants that.</summary>
    TlsRequired,

    /// <summary>Its certificate is not one that a server may show, whoever signed it: it was made for something else, or breaks a rule.</summary>
    UnfitCertificate,
}

/// <summary>The server does not know the caller, or does not let him do that. Trying again does not help; another key, token or certificate may.</summary>
public sealed class LoupeRefusedException : LoupeException
{
    internal LoupeRefusedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>A session ended before it was completed. Frames in flight have <see cref="LoupeFailureCode.ConnectionLost"/>.</summary>
public sealed class LoupeConnectionLostException : LoupeException
{
    internal LoupeConnectionLostException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The server understood a picture, an opening or a control, and said no.</summary>
public sealed class LoupeRequestException : LoupeException
{
    internal LoupeRequestException(LoupeFailureCode code, string message, Exception? inner = null)
        : base(message, inner) => Code = code;

    /// <summary>What kind of failure.</summary>
    public LoupeFailureCode Code { get; }
}
