namespace LoupeGrpc.Server.Security;

/// <summary>What somebody may do.</summary>
internal enum Role
{
    /// <summary>Open sessions, have pictures analysed, ask for what is served.</summary>
    Analyse,

    /// <summary>All of it, and see and end sessions of others.</summary>
    Admin,

    /// <summary>Read metrics, <c>/info</c> and <c>/v1/operations</c>.</summary>
    Observe,
}

internal static class Roles
{
    /// <summary>As settings, files and tokens have it.</summary>
    public static string Word(this Role role) => role switch
    {
        Role.Admin => "admin",
        Role.Observe => "observe",
        _ => "analyse",
    };

    /// <returns>Null: it is none.</returns>
    public static Role? Of(string? word) => Enum.GetValues<Role>().Where(role => role.Word() == word).Select(static role => (Role?)role).FirstOrDefault();

    /// <summary>Whether one of some roles is enough for what needs another.</summary>
    public static bool Allow(this IEnumerable<Role> roles, Role needed) => roles.Any(role => role == needed || role == Role.Admin);
}
