using System.Text;
using LoupeGrpc.Client.Cli.Events;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Events;

public sealed class OutboxLineTests
{
    [Theory]
    [InlineData("""{"loupe_outbox":1}""", OutboxLineKind.Header, "")]
    [InlineData("""{"specversion":"1.0","id":"a-1","data":{"id":"b","done":"c"}}""", OutboxLineKind.Event, "a-1")]
    [InlineData("""{"done":"a-1"}""", OutboxLineKind.Done, "a-1")]
    [InlineData("""{"specversion":"1.0","id":"a-1","done":"a-1"}""", OutboxLineKind.Damaged, "")]
    [InlineData("""{"id":"a-1"}""", OutboxLineKind.Damaged, "")]
    [InlineData("""{"specversion":"1.0","id":7}""", OutboxLineKind.Damaged, "")]
    [InlineData("""{"specversion":"1.0","id":""}""", OutboxLineKind.Damaged, "")]
    [InlineData("""{"specversion":"1.0","id":"a\r\nCookie: b"}""", OutboxLineKind.Damaged, "")]
    [InlineData("""{"specversion":"1.0","id":"a-1"}{}""", OutboxLineKind.Damaged, "")]
    [InlineData("""{"specversion":"1.0","id":"a-1","data":{"pa""", OutboxLineKind.Damaged, "")]
    [InlineData("""["done"]""", OutboxLineKind.Damaged, "")]
    [InlineData("", OutboxLineKind.Damaged, "")]
    internal void A_line_is_what_this_program_writes_or_damaged(string line, OutboxLineKind kind, string id) =>
        Assert.Equal(new OutboxLine(kind, id), OutboxLine.Parse(Encoding.UTF8.GetBytes(line)));

    [Fact]
    public void What_is_not_utf8_is_damaged() =>
        Assert.Equal(OutboxLine.Damaged, OutboxLine.Parse([.. "{\"specversion\":\"1.0\",\"id\":\"a\",\"data\":\""u8, 0xFF, .. "\"}"u8]));

    [Fact]
    public void What_is_written_as_done_is_read_as_done() =>
        Assert.Equal(new OutboxLine(OutboxLineKind.Done, "a\"-1"), OutboxLine.Parse(OutboxLine.Done("a\"-1")));
}
