namespace LoupeGrpc.Server.Calibration;

/// <summary>What was given cannot be calibrated with; the message is for whoever gave it.</summary>
internal sealed class CalibrationException(string message) : Exception(message);
