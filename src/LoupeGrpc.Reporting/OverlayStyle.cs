namespace LoupeGrpc.Reporting;

/// <summary>How an overlay is made.</summary>
/// <param name="Orientation">How viewers turn the picture, 1 to 8: <see cref="PictureOrientation"/>.</param>
/// <param name="IsDemonstration">A demonstration model found it, which the picture says.</param>
/// <param name="SideBySide">The picture as it is stands to the left of the painted one.</param>
internal readonly record struct OverlayStyle(int Orientation = 1, bool IsDemonstration = false, bool SideBySide = false);
