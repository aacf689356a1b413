using Baton.Build;

Verb[] verbs =
[
    new("build", "", "compiles everything (Release)", _ => Solution.Build()),
    new("test", "[PROJECT…]", "runs all tests, or those of the projects whose names contain a word", TestVerb.Run),
    new("format", "[--check]", "lays out the sources by .editorconfig, or says what is not", Solution.Format),
    new("bench", "NAME [--quick]", "runs a benchmark: tcp, handoff, kestrel, …", args => Solution.RunProject("bench/Baton.Bench", args)),
    new("scripts", "FILE…", "runs scenario scripts", args => Solution.RunProject("tests/Baton.Scenarios", args)),
    new("simulate", "[--seeds N] [--seed S] [--quick]", "runs the farm in virtual time under faults", args => Solution.RunProject("tests/Baton.Simulation", args)),
    new("endurance", "[--minutes N] [--connections N]", "drains and kills nodes at random under traffic and loss", args => Solution.RunProject("tests/Baton.Endurance", args)),
    new("pack", "[FOLDER]", "makes the NuGet packages, in artifacts/packages or a folder", Solution.Pack),
    new("deploy-test", "[--quick] [--clients N]", "replaces every node of a web application under load", args =>
    {
        DebianPackages.Ensure();
        return Solution.RunProject("tests/Baton.Deploy", args);
    }),
    new("conformance", "[--quick] [ID…]", "runs the test of each row of docs/CONFORMANCE.md", ConformanceVerb.Run),
];

var verb = verbs.FirstOrDefault(v => args.Length > 0 && v.Name == args[0]);
if (verb is not null)
{
    return verb.Run([.. args.Skip(1)]);
}

if (args.Length > 0 && args[0] is not ("--help" or "-h" or "help"))
{
    Console.Error.WriteLine($"build: there is no verb '{args[0]}'.");
}

Console.WriteLine("usage: ./build VERB [ARGUMENT…]");
Console.WriteLine();
foreach (var v in verbs)
{
    Console.WriteLine($"  {v.Name + " " + v.Arguments,-44} {v.Summary}");
}

return args.Length == 0 || args[0] is "--help" or "-h" or "help" ? 0 : 2;
