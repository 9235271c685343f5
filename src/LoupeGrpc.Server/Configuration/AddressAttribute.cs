using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>An address to listen on, whose own reading says what is wrong with it.</summary>
internal sealed class AddressAttribute() : FormAttribute($"expected {ListenUrl.Form}", "URL");

/// <summary>The same, or <c>off</c>: nothing listens.</summary>
internal sealed class AddressOrOffAttribute() : FormAttribute($"expected {ListenUrl.Form} or {ListenUrl.OffWord}", "URL or off");
