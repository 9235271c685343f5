using LoupeGrpc.Receipts;

namespace LoupeGrpc.Client.Cli.Verifying;

/// <summary>How a check ended. Worse ones are higher.</summary>
internal enum CheckResult
{
    Holds,

    /// <summary>It could not be told.</summary>
    Unchecked,

    /// <summary>Something is forged, or not as it was.</summary>
    Differs,
}

/// <summary>A line of a file of receipts, and what was found out about it so far.</summary>
/// <param name="file">Its file, as it was given.</param>
/// <param name="line">From 1.</param>
/// <param name="receipt">Null: the line holds none.</param>
internal sealed class CheckedReceipt(string file, int line, Receipt? receipt)
{
    private readonly List<string> _remarks = [];

    public string File => file;

    public int Line => line;

    public Receipt? Receipt => receipt;

    public CheckResult Result { get; private set; }

    /// <summary>For people, in the order of the checks.</summary>
    public IReadOnlyList<string> Remarks => _remarks;

    /// <summary>The picture that it is of, among those given; null: none was.</summary>
    public string? Picture { get; set; }

    /// <summary>It is signed, of a result, and nothing speaks against it.</summary>
    public bool IsGood => receipt is { IsEnd: false } && Result != CheckResult.Differs;

    public void Add(CheckResult result, string remark)
    {
        Result = result > Result ? result : Result;
        _remarks.Add(remark);
    }
}
