using LoupeGrpc.UnitTests.Architecture.Samples;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>A rule about uses is worth what is seen of them.</summary>
public sealed class TypeUsesTests
{
    private static readonly Lazy<IReadOnlyList<TypeUse>> Uses =
        new(static () => TypeUses.Of(typeof(TypeUsesTests).Assembly, typeof(InAsyncMethod).Namespace!));

    [Theory]
    [InlineData(nameof(InAsyncMethod))]
    [InlineData(nameof(InAttribute))]
    [InlineData(nameof(InBase))]
    [InlineData(nameof(InCall))]
    [InlineData(nameof(InCast))]
    [InlineData(nameof(InClosure))]
    [InlineData(nameof(InIterator))]
    [InlineData(nameof(InLambda))]
    [InlineData(nameof(InParameter))]
    [InlineData(nameof(InTypeArgument))]
    public void A_use_is_seen_wherever_it_stands(string user) => Assert.Contains(
        new TypeUse($"{typeof(InAsyncMethod).Namespace}.{user}", typeof(UsedAttribute).FullName!), Uses.Value);

    [Fact]
    public void Where_there_is_none_none_is_seen() =>
        Assert.DoesNotContain(Uses.Value, static use => use.From == typeof(Nowhere).FullName && use.To == typeof(UsedAttribute).FullName);

    [Theory]
    [InlineData("LoupeGrpc.Server.Contract.FrameReader", "Contract")]
    [InlineData("LoupeGrpc.Server.Contract.Deeper.FrameReader", "Contract")]
    [InlineData("LoupeGrpc.Server.ProductVersion", null)]
    [InlineData("LoupeGrpc.ServerTools.Room.Type", null)]
    public void A_room_is_the_first_namespace_below_the_root(string type, string? room) => Assert.Equal(room, TypeUse.RoomOf(type, "LoupeGrpc.Server"));
}
