using System.Globalization;
using Baton.Kestrel;
using Microsoft.Net.Http.Headers;

namespace Download;

/// <summary>How far a download has come.</summary>
/// <param name="Next">The byte of the file that comes next.</param>
/// <param name="Tag">Which version of the file it is.</param>
internal sealed record Progress(long Next, string Tag);

/// <summary>A file or one range of it (RFC 9110 §14), which goes on at another node when its connection moves.</summary>
internal static class FileResponse
{
    private const int Part = 64 * 1024;

    public static async Task SendAsync(HttpContext context, FileInfo file)
    {
        var tag = new EntityTagHeaderValue(string.Create(CultureInfo.InvariantCulture, $"\"{file.Length:x}-{file.LastWriteTimeUtc.Ticks:x}\""));
        var (request, response) = (context.Request, context.Response);
        var handoff = context.Features.Get<IHandoffFeature>();
        var before = handoff?.GetState<Progress?>(null);
        if (before is not null && before.Tag != tag.ToString())
        {
            // Half of one file and half of another would be neither.
            context.Abort();
            return;
        }

        long from = 0, to = file.Length;
        if (RequestedRange(request, tag) is { } range)
        {
            (from, to) = Resolve(range, file.Length);
            if (from >= to)
            {
                response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
                response.GetTypedHeaders().ContentRange = new ContentRangeHeaderValue(file.Length);
                return;
            }

            response.StatusCode = StatusCodes.Status206PartialContent;
            response.GetTypedHeaders().ContentRange = new ContentRangeHeaderValue(from, to - 1, file.Length);
        }

        var headers = response.GetTypedHeaders();
        headers.ETag = tag;
        headers.LastModified = file.LastWriteTimeUtc;
        response.Headers.AcceptRanges = "bytes";
        response.ContentType = "application/octet-stream";

        // The head was sent by the first node; what this one says in it is only for its own server.
        from = before?.Next ?? from;
        response.ContentLength = to - from;
        if (!HttpMethods.IsHead(request.Method))
        {
            await SendAsync(context, file, from, to, tag.ToString(), handoff);
        }
    }

    private static async Task SendAsync(HttpContext context, FileInfo file, long next, long end, string tag, IHandoffFeature? handoff)
    {
        using var handle = File.OpenHandle(file.FullName, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
        var body = context.Response.BodyWriter;
        while (next < end)
        {
            if (handoff is { Requested.IsCancellationRequested: true } && context.Response.HasStarted)
            {
                handoff.SetState(new Progress(next, tag));
                await handoff.ContinueElsewhereAsync(handoff.State);
                return;
            }

            var memory = body.GetMemory(Part);
            int length = await RandomAccess.ReadAsync(handle, memory[..(int)Math.Min(memory.Length, end - next)], next, context.RequestAborted);
            if (length == 0)
            {
                // The file has become shorter: the client learns it by a response that is cut off.
                context.Abort();
                return;
            }

            body.Advance(length);
            next += length;
            await body.FlushAsync(context.RequestAborted);
        }
    }

    /// <summary>The only range that is asked for and applies; several may be answered by the whole (§14.2).</summary>
    private static RangeItemHeaderValue? RequestedRange(HttpRequest request, EntityTagHeaderValue tag)
    {
        var headers = request.GetTypedHeaders();
        bool isApplicable = headers.IfRange is null || (headers.IfRange.EntityTag is { } wanted && wanted.Compare(tag, useStrongComparison: true));
        return isApplicable && headers.Range is { Ranges.Count: 1 } ranges && ranges.Unit == "bytes" ? ranges.Ranges.Single() : null;
    }

    /// <summary>First byte and the one after the last; empty when there is none of it.</summary>
    private static (long From, long To) Resolve(RangeItemHeaderValue range, long length) => range switch
    {
        { From: { } from, To: { } to } => (from, Math.Min(to + 1, length)),
        { From: { } from } => (from, length),
        _ => (Math.Max(0, length - (range.To ?? 0)), length),
    };
}
