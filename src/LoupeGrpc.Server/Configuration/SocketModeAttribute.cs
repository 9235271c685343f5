using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>Who may use a Unix domain socket, as <c>chmod</c> takes it in digits.</summary>
internal sealed class SocketModeAttribute() : FormAttribute("expected three digits from 0 to 7, as chmod takes them", "three octal digits")
{
    public override bool IsValid(object? value) => value is string { Length: 3 } text && text.All(static digit => digit is >= '0' and <= '7');
}
