using System.Globalization;
using System.Text;

namespace Baton.Bench.Moves;

/// <summary>Draws distributions as an SVG: lines over a logarithmic axis, the share of all values in each of its steps.</summary>
internal static class Histogram
{
    private const int Width = 640, Height = 280, Left = 20, Right = 620, Top = 30, Bottom = 240;
    private const int StepsPerDecade = 20;
    private static readonly string[] s_colors = ["#1b6ca8", "#d1495b", "#7a7a7a", "#c9a227"];

    public static void Write(string path, string title, IReadOnlyList<(string Name, double[] Values)> series)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        double least = Math.Floor(Math.Log10(series.Min(s => s.Values.Min())));
        double most = Math.Ceiling(Math.Log10(series.Max(s => s.Values.Max())));
        int steps = (int)(most - least) * StepsPerDecade;
        double[][] shares = [.. series.Select(s => Shares(s.Values, least, steps))];
        double highest = shares.Max(s => s.Max());
        var svg = new StringBuilder();
        Line(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\">");
        Line(svg, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/><text x=\"{Left}\" y=\"18\">{title}</text>");
        for (int decade = (int)least; decade <= most; decade++)
        {
            double x = X((decade - least) * StepsPerDecade, steps);
            Line(svg, $"<line x1=\"{x:F1}\" y1=\"{Top}\" x2=\"{x:F1}\" y2=\"{Bottom}\" stroke=\"#ddd\"/><text x=\"{x:F1}\" y=\"{Bottom + 16}\" text-anchor=\"middle\">{Math.Pow(10, decade):#,0.##}</text>");
        }

        for (int i = 0; i < series.Count; i++)
        {
            string points = string.Join(' ', shares[i].Select((share, step) =>
                string.Create(CultureInfo.InvariantCulture, $"{X(step + 0.5, steps):F1},{Bottom - share / highest * (Bottom - Top):F1}")));
            Line(svg, $"<polyline points=\"{points}\" fill=\"none\" stroke=\"{s_colors[i]}\" stroke-width=\"2\"/>");
            Line(svg, $"<text x=\"{Right - 10}\" y=\"{Top + 16 * (i + 1)}\" text-anchor=\"end\" fill=\"{s_colors[i]}\">{series[i].Name}</text>");
        }

        Line(svg, $"</svg>");
        File.WriteAllText(path, svg.ToString());
    }

    private static double[] Shares(double[] values, double least, int steps)
    {
        double[] shares = new double[steps];
        foreach (double value in values)
        {
            shares[Math.Clamp((int)((Math.Log10(value) - least) * StepsPerDecade), 0, steps - 1)] += 1.0 / values.Length;
        }

        return shares;
    }

    private static double X(double step, int steps) => Left + step / steps * (Right - Left);

    private static void Line(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
