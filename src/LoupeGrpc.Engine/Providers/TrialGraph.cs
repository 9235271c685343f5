namespace LoupeGrpc.Engine.Providers;

/// <summary>
/// What a provider runs to prove that it can run anything: <c>Output = Relu(Input)</c>, one node, single precision. Written by those who know how graphs
/// are made; the engine runs what it is given.
/// </summary>
/// <param name="Model">An ONNX model in protobuf.</param>
/// <param name="Length">Numbers in <paramref name="Input"/>, and in <paramref name="Output"/>, which have one axis.</param>
public sealed record TrialGraph(byte[] Model, string Input, string Output, int Length);
