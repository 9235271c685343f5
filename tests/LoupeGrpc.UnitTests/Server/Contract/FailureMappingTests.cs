using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Contract;

public class FailureMappingTests
{
    [Fact]
    public void Each_kind_has_a_code_of_its_own_name()
    {
        Assert.All(Enum.GetValues<FailureKind>(), static kind => Assert.Equal(kind.ToString(), FailureMapping.CodeOf(kind).ToString()));
    }

    [Fact]
    public void No_failure_is_ok_or_of_unknown_status()
    {
        Assert.All(Enum.GetValues<FailureKind>(), static kind =>
            Assert.DoesNotContain(FailureMapping.StatusOf(kind), new[] { StatusCode.OK, StatusCode.Unknown }));
    }

    [Fact]
    public void Names_of_codes_and_reasons_have_no_prefix()
    {
        Assert.Equal("TOO_LARGE", ContractNames.Of(FailureCode.TooLarge));
        Assert.Equal("SESSION_ENDED", ContractNames.Of(DropReason.SessionEnded));
        Assert.All(Enum.GetValues<FailureCode>(), static code => Assert.NotEmpty(ContractNames.Of(code)));
        Assert.All(Enum.GetValues<DropReason>(), static reason => Assert.NotEmpty(ContractNames.Of(reason)));
    }
}
