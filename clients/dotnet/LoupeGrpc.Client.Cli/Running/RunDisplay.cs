using System.Globalization;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Terminal;
using Spectre.Console;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>What people see while a run goes on: notices, and a progress bar where that disturbs nothing.</summary>
internal sealed class RunDisplay
{
    /// <summary>Where nothing can be redrawn, a line now and then says how the run stands.</summary>
    private static readonly TimeSpan LinePause = TimeSpan.FromSeconds(10);

    private readonly CliHost _host;
    private readonly IAnsiConsole? _terminal;
    private readonly bool _printsLines;
    private ProgressTask? _bar;
    private long _lineShown;

    /// <param name="host">The process.</param>
    /// <param name="format">A table on a terminal shares that terminal with the bar; JSON and CSV must not.</param>
    public RunDisplay(CliHost host, OutputFormat format)
    {
        _host = host;
        _lineShown = host.Time.GetTimestamp();
        if (host.ErrorTerminal is null)
        {
            return;
        }

        if (host.OutputTerminal is not null)
        {
            _terminal = format == OutputFormat.Table ? host.OutputTerminal : null;
        }
        else if (host.IsOutputKept)
        {
            _terminal = host.ErrorTerminal;
        }
        else
        {
            _printsLines = true;
        }
    }

    public void Notify(string message)
    {
        if (_bar is not null && _terminal is not null)
        {
            TerminalLine.Write(_terminal, Printable.Text(message));
        }
        else
        {
            _host.Error.WriteLine(Printable.Text(message));
        }
    }

    /// <param name="tally">What was counted so far.</param>
    /// <param name="adaptation">How the session's adaptation stands; null without.</param>
    public void Advance(RunTally tally, string? adaptation)
    {
        if (_bar is not null)
        {
            _bar.Description = adaptation is null
                ? Invariant($"{tally.Total} done, [red]{tally.Manipulated} manipulated[/], {tally.Failed} failed")
                : Invariant($"{tally.Total} done, [red]{tally.Manipulated} manipulated[/]; {adaptation}");
            _bar.Increment(1);
        }
        else if (adaptation is not null ? tally.Total == 1 || IsTime() : _printsLines && IsTime())
        {
            _lineShown = _host.Time.GetTimestamp();
            _host.Error.WriteLine(adaptation is null
                ? Invariant($"{tally.Total} done, {tally.Manipulated} manipulated, {tally.Failed} failed")
                : Invariant($"{tally.Total} done; {adaptation}"));
        }
    }

    /// <param name="total">How many inputs there will be; null when that is not known.</param>
    /// <param name="adapts">How the adaptation stands takes the place of the bar: a line of 80 columns has no room for both.</param>
    /// <param name="run">What is done meanwhile.</param>
    public async Task<T> ShowAsync<T>(long? total, bool adapts, Func<Task<T>> run)
    {
        if (_terminal is null)
        {
            return await run();
        }

        return await _terminal.Progress()
            .AutoClear(true)
            .Columns(adapts
                ? [new SpinnerColumn(), new PercentageColumn(), new TaskDescriptionColumn()]
                : [new SpinnerColumn(), new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn(), new RemainingTimeColumn()])
            .StartAsync(async context =>
            {
                _bar = context.AddTask("waiting for the first result", maxValue: total ?? 1);
                _bar.IsIndeterminate = total is null;
                try
                {
                    return await run();
                }
                finally
                {
                    _bar = null;
                }
            });
    }

    private bool IsTime() => _host.Time.GetElapsedTime(_lineShown) >= LinePause;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
