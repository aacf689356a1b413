namespace Baton.Link.Tests;

public sealed class PacketContractTests : LinkContract
{
    private protected override Setting Open()
    {
        var kernel = new TestNamespace();
        var space = new TestNamespace();
        kernel.AddVethPair("left", "right", space);
        return new Setting(PacketLink.Open(new PacketOptions { Name = "right", Namespace = space.Name }), kernel, "left", space);
    }
}
