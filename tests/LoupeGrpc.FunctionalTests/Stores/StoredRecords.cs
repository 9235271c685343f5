using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>Records as they lie in Redis.</summary>
internal static class StoredRecords
{
    private static readonly ResponseEncoding Encoding = new();

    /// <summary>Waits until the one record is as wanted.</summary>
    public static async Task UntilStoredAsync(this RedisProcess redis, Func<SessionFacts, bool> holds)
    {
        var patience = Patience.Token();
        while (true)
        {
            var bytes = await redis.AskAsync(static async store =>
                (string[])(await store.ExecuteAsync("KEYS", "*"))! is [var key] ? (byte[]?)await store.HashGetAsync(key, "record") : null);
            if (bytes is not null && holds(Read(bytes).Facts))
            {
                return;
            }

            await Task.Delay(20, patience);
        }
    }

    /// <summary>Changes a record and puts its hash right.</summary>
    public static Task<bool> ChangeAsync(this RedisProcess redis, string key, Func<SessionFacts, SessionFacts> change) => redis.AskAsync(async store =>
    {
        var record = Read((byte[])(await store.HashGetAsync(key, "record"))!);
        return await store.HashSetAsync(key, "record", SessionRecordFormat.Write(record with { Facts = change(record.Facts) }));
    });

    private static SessionRecord Read(byte[] bytes)
    {
        Assert.True(SessionRecordFormat.TryRead(bytes, Encoding, out var record, out var problem), problem);
        return record;
    }
}
