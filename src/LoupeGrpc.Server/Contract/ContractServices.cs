using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The services of the contract, by their full names.</summary>
internal static class ContractServices
{
    public static IReadOnlyList<string> Names { get; } = [ForgeryAnalysisService.Descriptor.FullName, SessionAdminService.Descriptor.FullName];
}
