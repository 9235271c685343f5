using LoupeGrpc.Server.Calls;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Calls;

public class PeerAddressTests
{
    [Theory]
    [InlineData("ipv4:192.0.2.7:5000", "192.0.2.7")]
    [InlineData("ipv6:[::ffff:192.0.2.7]:5000", "192.0.2.7")]
    [InlineData("ipv6:[2001:db8:1:2:3:4:5:6]:5000", "20010db800010002")]
    [InlineData("ipv6:[2001:db8:1:2::1]:6000", "20010db800010002")]
    [InlineData("ipv6:[2001:db8:1:3::1]:6000", "20010db800010003")]
    [InlineData("unix", "")]
    [InlineData("unix:", "")]
    [InlineData("unix:/run/loupe.sock", "")]
    [InlineData("unknown", "")]
    [InlineData("", "")]
    public void A_host_is_what_its_address_says_without_what_it_chooses_by_itself(string peer, string address) => Assert.Equal(address, PeerAddress.Of(peer));
}
