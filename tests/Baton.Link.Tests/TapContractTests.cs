namespace Baton.Link.Tests;

public sealed class TapContractTests : LinkContract
{
    private protected override Setting Open()
    {
        var space = new TestNamespace();
        var link = TapLink.Open(new TapOptions { Name = "front", Namespace = space.Name });
        return new Setting(link, space, "front") { CutsWhatIsTooLong = true };
    }
}
