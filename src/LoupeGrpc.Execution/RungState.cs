namespace LoupeGrpc.Execution;

/// <summary>What has become of a configured provider.</summary>
public enum RungState
{
    /// <summary>It would serve if those that do could not.</summary>
    Standby,

    /// <summary>Sessions that open now run on it.</summary>
    Serving,

    /// <summary>Its engines are being built, or wait for that.</summary>
    Preparing,

    /// <summary>It cannot run here.</summary>
    Unavailable,

    /// <summary>It was tried or served, and failed: a wrong answer, a model that does not load, a lost device.</summary>
    Demoted,
}
