using System.CommandLine;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>inspect</c>: what a package or a checkpoint holds.</summary>
internal static class InspectCommand
{
    private static readonly Argument<string> Target = new("DIR|FILE") { Description = "A model package's directory, or a checkpoint: a file or a folder." };

    private static readonly Option<bool> Json = new("--json") { Description = "One JSON object instead of text." };

    public static Command Create()
    {
        var command = new Verb(
            "inspect",
            "Shows what a model package or a checkpoint holds.",
            """
            The hash of every file of a package is checked; no code in a checkpoint is run.
            Exit codes: 0 sound, 1 damaged, missing or of another kind, 2 wrong usage.
            """)
        {
            Target, Json,
        };
        command.SetAction(static result =>
        {
            var target = result.GetRequiredValue(Target);
            var output = result.InvocationConfiguration.Output;
            try
            {
                if (Directory.Exists(target) && !CheckpointDescription.IsFolderOfOne(target))
                {
                    Show(PackageReport.Of(ModelPackage.Open(target, PackageCheck.Hashes)), output, result.GetValue(Json));
                }
                else
                {
                    Show(CheckpointDescription.Read(target), output, result.GetValue(Json));
                }

                return ExitCode.Success;
            }
            catch (Exception exception) when (exception is CheckpointException or PackageException or IOException or UnauthorizedAccessException)
            {
                result.InvocationConfiguration.Error.WriteLine($"error: {exception.Message}");
                return ExitCode.Failure;
            }
        });
        return command;
    }

    private static void Show(PackageReport package, TextWriter output, bool json)
    {
        if (json)
        {
            output.WriteLine(package.ToJson());
        }
        else
        {
            package.WriteText(output);
        }
    }

    private static void Show(CheckpointDescription checkpoint, TextWriter output, bool json)
    {
        if (json)
        {
            output.WriteLine(checkpoint.ToJson());
        }
        else
        {
            checkpoint.WriteText(output);
        }
    }
}
