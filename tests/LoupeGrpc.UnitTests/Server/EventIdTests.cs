using System.Reflection;
using LoupeGrpc.Server.Configuration;
using Microsoft.Extensions.Logging;
using Xunit;

namespace LoupeGrpc.UnitTests.Server;

public class EventIdTests
{
    [Fact]
    public void No_two_messages_of_the_log_have_one_number()
    {
        const BindingFlags all = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        var ids = typeof(LoupeOptions).Assembly.GetTypes()
            .SelectMany(static type => type.GetMethods(all))
            .Select(static method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .ToList();
        Assert.True(ids.Count > 20);
        Assert.Empty(ids.GroupBy(static message => message.EventId).Where(static same => same.Count() > 1).Select(static same => string.Join(" | ", same.Select(static message => message.Message))));
    }
}
