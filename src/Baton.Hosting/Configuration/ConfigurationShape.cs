using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Baton.Hosting;

/// <summary>
/// Compares a configuration section with the type it is bound to: unknown names and values that do not convert. The
/// platform's binder skips the former and stops at the first of the latter; here all are found.
/// </summary>
internal sealed class ConfigurationShape
{
    private readonly List<string> _errors = [];
    private readonly Dictionary<string, string?> _good = [];

    private ConfigurationShape()
    {
    }

    /// <summary>Every error, and the section without what caused them, ready to be bound.</summary>
    public static (IReadOnlyList<string> Errors, IConfiguration Bindable) Check(IConfigurationSection section, Type type)
    {
        var shape = new ConfigurationShape();
        shape.CheckObject(section, type);
        var root = new ConfigurationBuilder().AddInMemoryCollection(shape._good).Build();
        return (shape._errors, root.GetSection(section.Path));
    }

    private void CheckObject(IConfigurationSection section, Type type)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.CanWrite && !typeof(Delegate).IsAssignableFrom(p.PropertyType)).ToArray();
        foreach (var child in section.GetChildren())
        {
            var property = Array.Find(properties, p => p.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (property is null)
            {
                _errors.Add($"{child.Path} is no setting. {Nearest(child.Key, properties)}");
                continue;
            }

            CheckValue(child, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
        }
    }

    private void CheckValue(IConfigurationSection section, Type type)
    {
        if (IsLeaf(type))
        {
            CheckLeaf(section, type);
        }
        else if (type.IsGenericType && typeof(IEnumerable).IsAssignableFrom(type))
        {
            foreach (var item in section.GetChildren())
            {
                CheckValue(item, type.GetGenericArguments()[^1]);
            }
        }
        else
        {
            CheckObject(section, type);
        }
    }

    private void CheckLeaf(IConfigurationSection section, Type type)
    {
        if (section.Value is not { } value)
        {
            _errors.Add($"{section.Path} wants {Expected(type)}, not an object or a list.");
            return;
        }

        if (type != typeof(string) && !Converts(value, type))
        {
            _errors.Add($"{section.Path} is '{value}'. Write {Expected(type)}.");
            return;
        }

        _good[section.Path] = value;
    }

    private static bool IsLeaf(Type type) => type == typeof(string) || type.IsPrimitive || type.IsEnum || type == typeof(TimeSpan);

    private static bool Converts(string value, Type type)
    {
        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFrom(null, CultureInfo.InvariantCulture, value) is not null;
        }
        catch (Exception error) when (error is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            return false;
        }
    }

    private static string Expected(Type type) =>
        type == typeof(bool) ? "true or false"
        : type == typeof(TimeSpan) ? "a time as \"hours:minutes:seconds.fraction\", e.g. \"00:00:00.005\" for 5 ms"
        : type == typeof(string) ? "a text"
        : type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type))
        : "a number";

    private static string Nearest(string key, PropertyInfo[] properties)
    {
        string[] near = [.. properties.Select(p => p.Name).Where(name => Distance(name.ToUpperInvariant(), key.ToUpperInvariant()) <= 2)];
        return near.Length > 0
            ? $"Did you mean {near[0]}?"
            : "Known here: " + string.Join(", ", properties.Select(p => p.Name)) + ".";
    }

    /// <summary>Levenshtein's distance.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
