using LoupeGrpc.Native;
using Microsoft.ML.OnnxRuntime;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Whether a failure means that there was too little memory, whoever asked for it: less may still fit, and later the same may.</summary>
internal static class MemoryFaults
{
    public static bool IsShortage(Exception exception) => exception switch
    {
        OutOfMemoryException => true,
        NativeException { Status: NativeStatus.OutOfMemory } => true,
        OpenCVException { Status: ErrorCode.StsNoMem } => true,
        OnnxRuntimeException => DeviceFaults.IsOutOfMemory(exception.Message),
        _ => false,
    };
}
