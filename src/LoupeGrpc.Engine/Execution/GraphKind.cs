using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Execution;

/// <summary>What the graphs of a package are made of.</summary>
internal enum GraphKind
{
    /// <summary>Operators that every provider has.</summary>
    Standard,

    /// <summary>Those, and <see cref="ProcessorOperators"/>: for the CPU alone, faster there.</summary>
    Processor,
}
