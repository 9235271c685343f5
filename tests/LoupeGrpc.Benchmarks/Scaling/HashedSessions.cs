namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>How unevenly a ring hands cameras out: each goes to the replica that its name falls to, whatever that one has already.</summary>
internal static class HashedSessions
{
    /// <summary>Of each replica on the ring: nginx's, <c>hash … consistent</c>.</summary>
    private const int Points = 160;

    private const int MostDrawn = 2000;

    /// <summary>As few as keep 99 of 100 replicas at or under the load; more than there are cameras gain nothing.</summary>
    /// <param name="perReplica">Cameras that one may have.</param>
    /// <returns>Null: a camera is more than a replica may have.</returns>
    public static int? Replicas(int cameras, double perReplica)
    {
        if (perReplica < 1)
        {
            return null;
        }

        for (var replicas = (int)Math.Ceiling(cameras / perReplica); ; replicas += Math.Max(1, replicas / 50))
        {
            if (replicas >= 4 * cameras || Busiest(cameras, replicas) <= perReplica)
            {
                return replicas;
            }
        }
    }

    /// <summary>Cameras of the replica that 99 of 100 have at most.</summary>
    private static int Busiest(int cameras, int replicas)
    {
        var random = new Random(1);
        List<int> counts = [];
        // Of a large ring a part, which is as the whole; of a small one several, since one says little.
        var part = Math.Min(1, (double)MostDrawn / replicas);
        (cameras, replicas) = ((int)Math.Round(cameras * part), (int)Math.Round(replicas * part));
        while (counts.Count < 1000)
        {
            counts.AddRange(Draw(cameras, replicas, random));
        }

        counts.Sort();
        return counts[(int)(0.99 * (counts.Count - 1))];
    }

    private static int[] Draw(int cameras, int replicas, Random random)
    {
        // Arcs between random points are as exponential variables divided by their sum; a replica's are some of them.
        var ends = new double[replicas];
        var sum = 0.0;
        for (var i = 0; i < replicas; i++)
        {
            for (var point = 0; point < Points; point++)
            {
                sum -= Math.Log(1 - random.NextDouble());
            }

            ends[i] = sum;
        }

        var counts = new int[replicas];
        for (var camera = 0; camera < cameras; camera++)
        {
            var at = Array.BinarySearch(ends, random.NextDouble() * sum);
            counts[at < 0 ? ~at : at]++;
        }

        return counts;
    }
}
