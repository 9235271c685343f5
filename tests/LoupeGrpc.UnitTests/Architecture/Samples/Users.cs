namespace LoupeGrpc.UnitTests.Architecture.Samples;

/// <summary>What the others here use, each in one way only.</summary>
[AttributeUsage(AttributeTargets.All)]
internal class UsedAttribute : Attribute
{
    public static void Call()
    {
    }
}

internal static class InAsyncMethod
{
    public static async Task Run()
    {
        await Task.Yield();
        UsedAttribute.Call();
    }
}

[Used]
internal static class InAttribute;

internal sealed class InBase : UsedAttribute;

internal static class InCall
{
    public static void Run() => UsedAttribute.Call();
}

internal static class InCast
{
    public static bool Run(object value) => value is UsedAttribute;
}

internal static class InClosure
{
    public static Func<object> Run(int value) => () => value > 0 ? new UsedAttribute() : value;
}

internal static class InIterator
{
    public static IEnumerable<int> Run()
    {
        yield return 1;
        UsedAttribute.Call();
    }
}

internal static class InLambda
{
    public static Func<object> Run() => static () => new UsedAttribute();
}

internal static class InParameter
{
    public static void Run(UsedAttribute value) => ArgumentNullException.ThrowIfNull(value);
}

internal static class InTypeArgument
{
    public static object Run(IEnumerable<object> values) => values.OfType<UsedAttribute>();
}

internal static class Nowhere
{
    public static void Run() => InCall.Run();
}
