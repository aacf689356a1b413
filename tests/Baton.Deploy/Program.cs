using Baton.Deploy;

return args switch
{
    ["clients", .. var rest] => await ClientProcess.RunAsync(rest),
    ["browser", .. var rest] => await BrowserProcess.RunAsync(rest),
    _ => await DeployRun.RunAsync(args),
};
