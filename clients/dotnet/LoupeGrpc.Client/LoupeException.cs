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
    internal LoupeUnavailableException(string message, Exception? inner = null)
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
