using System.Text;
using Baton.Kestrel.Hubs;

namespace Baton.Kestrel.Tests;

/// <summary>What is read off SignalR's messages.</summary>
public sealed class HubRecordTests
{
    [Theory]
    [InlineData("""{"type":1,"invocationId":"7","target":"Count","arguments":[{"type":3,"invocationId":"8"}]}""", 1, "7")]
    [InlineData("""{"arguments":["\"invocationId\":\"9\""],"target":"Count","type":1}""", 1, null)]
    [InlineData("""{"headers":{"invocationId":"9"},"invocationId":"a\u0062","type":4}""", 4, "ab")]
    [InlineData("""{"type":6}""", 6, null)]
    [InlineData("{}", 0, null)]
    [InlineData("""{"type":"1","invocationId":2}""", 0, null)]
    [InlineData("""{"type":99999999999}""", 0, null)]
    [InlineData("""{"type":1,""", 0, null)]
    [InlineData("nothing", 0, null)]
    [InlineData("", 0, null)]
    public void Type_and_call_are_those_of_the_message_itself(string json, int type, string? id) =>
        Assert.Equal(new HubRecord(type, id), HubRecord.Read(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("{\"protocol\":\"json\",\"version\":1}\u001e", true)]
    [InlineData("{\"version\":2,\"protocol\":\"json\"}\u001e", true)]
    [InlineData("{\"protocol\":\"messagepack\",\"version\":1}\u001e", false)]
    [InlineData("{\"protocol\":\"json\",\"version\":1}\u001e{\"type\":6}\u001e", false)]
    [InlineData("{\"protocol\":\"json\",\"version\":1}", false)]
    [InlineData("{\"protocol\":1}\u001e", false)]
    [InlineData("[]\u001e", false)]
    [InlineData("\u001e", false)]
    [InlineData("", false)]
    public void A_handshake_is_kept_that_asks_for_json_and_says_nothing_else(string message, bool isKept) =>
        Assert.Equal(isKept, HubRecord.IsJsonHandshake(Encoding.UTF8.GetBytes(message)));
}
