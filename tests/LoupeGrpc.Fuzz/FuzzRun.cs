namespace LoupeGrpc.Fuzz;

/// <summary>Feeds a target single inputs and judges what it does with them.</summary>
internal static class FuzzRun
{
    /// <returns>What is wrong; null where the input was read or refused within the bounds.</returns>
    public static Finding? Execute(FuzzTarget target, byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Run(input);
        }
        catch (Exception exception) when (target.IsRefusal(exception))
        {
            // Said no, as it may.
        }
        catch (Exception exception)
        {
            return Finding.Of(exception, input);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return allocated <= target.MaxAllocation
            ? null
            : new Finding("allocation", $"{input.Length} bytes made {target.Name} allocate {allocated} bytes; the limit is {target.MaxAllocation}", input);
    }

    /// <summary>The same finding by a shorter input, as far as leaving out blocks goes.</summary>
    public static Finding Shorten(FuzzTarget target, Finding finding)
    {
        for (var block = Math.Max(1, finding.Input.Length / 2); block >= 1; block /= 2)
        {
            for (var start = 0; start < finding.Input.Length;)
            {
                byte[] shorter = [.. finding.Input.AsSpan(0, start), .. finding.Input.AsSpan(Math.Min(finding.Input.Length, start + block))];
                target.Repair?.Invoke(shorter);
                if (Execute(target, shorter) is { } same && same.Kind == finding.Kind)
                {
                    finding = same;
                }
                else
                {
                    start += block;
                }
            }
        }

        return finding;
    }
}
