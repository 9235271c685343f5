#if !NET9_0_OR_GREATER
namespace LoupeGrpc.Client.Internal;

/// <summary>What <c>System.Threading.Lock</c> is from .NET 9 on, for the <c>lock</c> statement: an object that is for nothing else.</summary>
internal sealed class Lock;
#endif
