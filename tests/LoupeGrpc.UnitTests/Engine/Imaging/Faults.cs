using LoupeGrpc.TestSupport;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>Files under <c>tests/data/faults</c>: what once went wrong.</summary>
internal static class Faults
{
    public static byte[] Read(string name) => File.ReadAllBytes(TestData.Golden("faults", name));
}
