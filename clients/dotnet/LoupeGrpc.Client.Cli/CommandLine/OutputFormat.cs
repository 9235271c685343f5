namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>How results are written to standard output.</summary>
internal enum OutputFormat
{
    Table,
    Jsonl,
    Csv,
}
