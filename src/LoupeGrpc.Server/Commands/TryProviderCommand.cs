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
            TrialProcess.Serve(Console.In, result.InvocationConfiguration.Output, ServerProgram.TrialGraph);
            return ExitCode.Success;
        });
        return command;
    }
}
