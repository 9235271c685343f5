using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>Names of enum values without their enum's prefix: <c>FAILURE_CODE_TOO_LARGE</c> is <c>TOO_LARGE</c>.</summary>
internal static class ContractNames
{
    private static readonly Dictionary<int, string> FailureCodes = NamesOf<FailureCode>("FAILURE_CODE_");
    private static readonly Dictionary<int, string> DropReasons = NamesOf<DropReason>("DROP_REASON_");

    public static string Of(FailureCode code) => FailureCodes[(int)code];

    public static string Of(DropReason reason) => DropReasons[(int)reason];

    private static Dictionary<int, string> NamesOf<TEnum>(string prefix)
        where TEnum : struct, Enum
    {
        var descriptor = ResultReflection.Descriptor.EnumTypes.Single(type => type.ClrType == typeof(TEnum));
        return descriptor.Values.ToDictionary(static value => value.Number, value => value.Name[prefix.Length..]);
    }
}
