namespace LoupeGrpc.Native;

/// <summary>Why native code refused a call.</summary>
public enum NativeStatus
{
    Ok = 0,

    /// <summary>A size, stride or enumerator that does not fit.</summary>
    InvalidArgument = 1,

    /// <summary>A destination is too small.</summary>
    BufferTooSmall = 2,

    /// <summary>Run-length counts that describe no mask of the stated size.</summary>
    Malformed = 3,

    /// <summary>Logits that are infinite or not a number.</summary>
    NotFinite = 4,

    OutOfMemory = 5,

    /// <summary>The object is in another call; it serves one at a time.</summary>
    Busy = 6,

    /// <summary>A defect of the library.</summary>
    Internal = 7,
}
