using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>Models that a configuration may describe and that cannot become a package.</summary>
internal static class GraphRules
{
    // Deformable sampling takes two cells along each side of the coarsest level.
    private const int SmallestGrid = 4;

    /// <exception cref="PackageException">Names every setting that stands in the way.</exception>
    public static void Validate(LoupeConfig config)
    {
        var errors = new List<string>();
        if (config.Backbone.Grid < SmallestGrid)
        {
            errors.Add($"backbone.image_size divided by backbone.patch_size is {config.Backbone.Grid}; it must be at least {SmallestGrid}");
        }

        if (!config.Classifier.EnablePatch)
        {
            errors.Add("classifier.enable_patch_cls is false, but adaptation and clients need the patch logits");
        }

        if (errors.Count > 0)
        {
            throw new PackageException($"This model cannot become a package: {string.Join("; ", errors)}.");
        }
    }
}
