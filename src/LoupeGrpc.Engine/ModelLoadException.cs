namespace LoupeGrpc.Engine;

/// <summary>A model package cannot be run on this machine: files missing or changed, a graph that does not load, a self-check that fails, a native library that is not installed.</summary>
public class ModelLoadException(string message, Exception? inner = null) : Exception(message, inner);
