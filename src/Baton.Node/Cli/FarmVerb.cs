using System.CommandLine;
using Baton.Hosting;

namespace Baton.Node.Cli;

/// <summary><c>baton farm</c>: what the members of a farm prove themselves with.</summary>
internal static class FarmVerb
{
    private const int AuthorityDays = 3650;
    private const int MemberDays = 365;
    private const int MostDays = 36_500;

    public static Command Create() => new("farm", "Make the certificates by which the members of a farm know each other.") { Init(), Certificate() };

    private static Command Init()
    {
        var directory = Directory();
        var days = Days("How long the authority is valid.", AuthorityDays);
        var command = new Command("init", "Make the farm's certificate authority: ca.pem and ca.key.") { directory, days };
        command.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(directory).FullName;
            using var authority = FarmAuthority.Create(folder, TimeSpan.FromDays(parsed.GetRequiredValue(days)), TimeProvider.System);
            Console.Out.WriteLine($"made {Path.Combine(folder, FarmAuthority.CertificateFile)} and {Path.Combine(folder, FarmAuthority.KeyFile)}");
            Console.Out.WriteLine("Keep ca.key to yourself: who has it can make members. Next, for each member: baton farm certificate NODE");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Certificate()
    {
        var node = new Argument<string>("node") { Description = "The member's name, as the configuration has it.", HelpName = "NODE" };
        var directory = Directory();
        var days = Days("How long it is valid, at most as long as the authority.", MemberDays);
        var renew = new Option<bool>("--renew") { Description = "Replace the certificate and key that are there." };
        var command = new Command("certificate", "Make a member's certificate and key: NODE.pem and NODE.key.") { node, directory, days, renew };
        command.SetAction(parsed =>
        {
            using var authority = FarmAuthority.Open(parsed.GetRequiredValue(directory).FullName, TimeProvider.System);
            var made = authority.Issue(parsed.GetRequiredValue(node), TimeSpan.FromDays(parsed.GetRequiredValue(days)), parsed.GetValue(renew));
            Console.Out.WriteLine($"made {made.Certificate} and {made.Key}, valid until {made.NotAfter:yyyy-MM-dd}");
            Console.Out.WriteLine($"Copy both and {FarmAuthority.CertificateFile} to the member, and write there: \"Security\": {{ \"Directory\": \"FOLDER\" }}");
            return ExitCode.Success;
        });
        return command;
    }

    private static Option<DirectoryInfo> Directory() => new("--directory")
    {
        Description = "The authority's folder.",
        DefaultValueFactory = _ => new("farm"),
        HelpName = "DIR",
    };

    private static Option<int> Days(string description, int days)
    {
        var option = new Option<int>("--days") { Description = description, DefaultValueFactory = _ => days, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MostDays)
            {
                result.AddError($"--days is a number from 1 to {MostDays}.");
            }
        });
        return option;
    }
}
