namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// What the message of a failed run says about the device. ONNX Runtime has no code for it (nearly everything is <c>Fail</c> or <c>RuntimeException</c>), so
/// the words of its parts are looked for.
/// </summary>
internal static class DeviceFaults
{
    private static readonly string[] OutOfMemory =
    [
        // ONNX Runtime's arena, with and without a limit set.
        "Failed to allocate memory",
        "is smaller than requested bytes",
        "bad allocation",
        "bad_alloc",

        // CUDA, cuBLAS and cuDNN, and TensorRT.
        "out of memory",
        "OutOfMemory",
        "ErrorMemoryAllocation",
        "STATUS_ALLOC_FAILED",
        "DEVICE_ALLOCATION_FAILED",
    ];

    /// <summary>
    /// Errors that leave the process "in an inconsistent state", as the CUDA runtime's list of errors puts it, so that every later call answers the same:
    /// 214 uncorrectable ECC, 220 uncorrectable NVLink, 700 illegal address, 702 time-out, 710 device-side assertion, 714 hardware stack,
    /// 715 illegal instruction, 716 misaligned address, 717 invalid address space, 718 invalid program counter, 719 launch failure.
    /// </summary>
    private static readonly int[] StickyCodes = [214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719];

    private static readonly string[] Sticky =
    [
        "uncorrectable ECC error",
        "uncorrectable NVLink error",
        "illegal memory access",
        "launch timed out",
        "device-side assert",
        "hardware stack error",
        "illegal instruction was encountered",
        "misaligned address",
        "operation not supported on global/shared address space",
        "invalid program counter",
        "unspecified launch failure",
        "GPU is lost",
    ];

    /// <summary>Less at once may still fit.</summary>
    public static bool IsOutOfMemory(string message) => OutOfMemory.Any(words => message.Contains(words, StringComparison.OrdinalIgnoreCase));

    /// <summary>No later run can succeed in this process.</summary>
    public static bool IsSticky(string message) =>
        Sticky.Any(words => message.Contains(words, StringComparison.OrdinalIgnoreCase))
        || StickyCodes.Any(code => message.Contains($"CUDA failure {code}:", StringComparison.OrdinalIgnoreCase)
            || message.Contains($"CUDA error {code}:", StringComparison.OrdinalIgnoreCase));
}
