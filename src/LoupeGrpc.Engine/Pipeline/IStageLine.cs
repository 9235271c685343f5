namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What waits before a stage, as the threads see it that choose among stages.</summary>
internal interface IStageLine
{
    string Name { get; }

    /// <summary>On the way of a frame, ascending.</summary>
    int Place { get; }

    /// <summary>Of what is taken next. Null: nothing waits.</summary>
    bool? HeadIsUrgent { get; }
}
