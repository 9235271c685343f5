using System.Globalization;
using System.Text;
using LoupeGrpc.Server.Models;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LoupeGrpc.Server.Health;

/// <summary>What <c>/healthz/ready</c> says: the status, why it is not ready, and a line for each configured execution provider, of each model where there are several.</summary>
internal static class ReadinessText
{
    public static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var text = new StringBuilder();
        text.AppendLine(report.Status.ToString());
        foreach (var entry in report.Entries.Values.Where(static entry => entry.Description is not null))
        {
            text.AppendLine(entry.Description);
        }

        var models = context.RequestServices.GetRequiredService<ModelRepository>().ListServing();
        foreach (var model in models)
        {
            if (models.Count > 1)
            {
                text.Append("model ").AppendLine(model.Name);
            }

            foreach (var rung in model.Analyzer.Ladder)
            {
                text.Append(CultureInfo.InvariantCulture, $"{rung.Provider} {rung.Precision} {rung.State.ToString().ToLowerInvariant()}");
                text.Append(rung.Elapsed is { } elapsed ? string.Create(CultureInfo.InvariantCulture, $" for {elapsed.TotalSeconds:0} s") : string.Empty);
                text.AppendLine(rung.Reason.Length > 0 ? $": {rung.Reason}" : string.Empty);
            }
        }

        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text.ToString(), context.RequestAborted);
    }
}
