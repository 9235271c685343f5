using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Scenario;

if (args is ["--speed", var server, var kind, var count])
{
    Console.WriteLine(Line.Write(await Speed.MeasureAsync(new Uri(server), kind, int.Parse(count, CultureInfo.InvariantCulture))));
    return 0;
}

if (args is not [var script, var address, var control, var root])
{
    await Console.Error.WriteLineAsync("usage: LoupeGrpc.Scenario SCRIPT ADDRESS CONTROL_HOST:PORT ROOT (clients/scenario/run.sh does this)");
    return 2;
}

using var document = JsonDocument.Parse(await File.ReadAllBytesAsync(script));
await using var player = new Player(new Uri(address), new ProxyControl(control), root, Console.Out);
foreach (var part in document.RootElement.GetProperty("parts").EnumerateArray())
{
    await player.PlayAsync(part);
}

return 0;
