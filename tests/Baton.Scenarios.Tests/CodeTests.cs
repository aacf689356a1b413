using System.Globalization;
using Baton.Scenarios.Code;

namespace Baton.Scenarios.Tests;

/// <summary>Blocks of code, as Python reads them.</summary>
public sealed class CodeTests
{
    [Theory]
    [InlineData("1 + 2 * 3", 7)]
    [InlineData("(1 + 2) * 3", 9)]
    [InlineData("-7 // 2", -4)]
    [InlineData("-7 % 3", 2)]
    [InlineData("7 / 2", 3.5)]
    [InlineData("1 << 4 | 3 & 2", 18)]
    [InlineData("~0 & 0xff", 255)]
    [InlineData("6 ^ 3", 5)]
    [InlineData("1 < 2 <= 2 != 3", 1)]
    [InlineData("1 < 2 < 2", 0)]
    [InlineData("2 == 2 and not 3 == 4", 1)]
    [InlineData("0 or 5", 5)]
    [InlineData("True and False", 0)]
    [InlineData("max(1, 2, 3) - min(4, 5) + abs(-1.5) * 2", 2)]
    [InlineData("int(2.9) + round(2.5)", 4)]
    [InlineData("(1 +\n 2)", 3)]
    [InlineData("1 + \\\n 2", 3)]
    [InlineData("1.5e3 + .5", 1500.5)]
    [InlineData("a * b", 6)]
    public void Expressions_have_their_value(string expression, double value)
    {
        var block = CodeBlock.TryRead("x = " + expression, out _);
        Assert.Equal(value, Assert.Single(block!.Statements).Value(name => name == "a" ? 2 : 3));
    }

    [Fact]
    public void Statements_stand_in_lines_or_between_semicolons()
    {
        var block = CodeBlock.TryRead("\nassert a == 1, 'a is %d; no' % a # why\nprint(a); b += 1\n\nassert b, b", out _)!;
        Assert.Equal(
            ["a == 1", "b:1", "b"],
            block.Statements.Select(s => s.Target is null ? s.Text : string.Create(CultureInfo.InvariantCulture, $"{s.Target}:{s.Text}")));
        Assert.Equal(["b"], block.Statements[1].Names);
        Assert.Equal(8, block.Statements[1].Value(_ => 7));
    }

    [Theory]
    [InlineData("for i in range(3): pass")]
    [InlineData("import os")]
    [InlineData("assert a ==")]
    [InlineData("assert (a")]
    [InlineData("assert len(a)")]
    [InlineData("a.b = 3")]
    [InlineData("assert a @ b")]
    [InlineData("assert 'text'")]
    public void What_is_not_understood_is_said(string code)
    {
        Assert.Null(CodeBlock.TryRead(code, out string unknown));
        Assert.Equal(code, unknown);
    }
}
