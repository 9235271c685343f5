using System.CommandLine;
using LoupeGrpc.Execution.Probing;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>try-provider</c>: the other side of <see cref="TrialProcess"/>. Not for people.</summary>
internal static class TryProviderCommand
{
    public static Command Create()
    {
        var command = new Command(TrialProcess.Verb, "Tries one provider, which may end this process.") { Hidden = true };
        command.SetAction(static result =>
        {
#pragma warning disable RS0030 // A command's configuration has no input.
            TrialProcess.Serve(Console.In, result.InvocationConfiguration.Output, ServerProgram.TrialGraph);
#pragma warning restore RS0030
            return ExitCode.Success;
        });
        return command;
    }
}
