using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>An address to listen on, whose own reading says what is wrong with it.</summary>
internal sealed class AddressAttribute() : FormAttribute($"expected {ListenUrl.Form}", "URL");
