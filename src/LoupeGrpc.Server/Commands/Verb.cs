using System.CommandLine;

namespace LoupeGrpc.Server.Commands;

/// <summary>A command with a line for the list of commands, and all that there is to know for its own help.</summary>
internal sealed class Verb(string name, string summary, string details) : Command(name, summary)
{
    /// <summary>Call for the command that was given, before its help is shown.</summary>
    public void ShowDetails() => Description += $"{Environment.NewLine}{Environment.NewLine}{details}";
}
