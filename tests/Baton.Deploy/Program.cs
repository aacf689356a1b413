using Baton.Deploy;

return args is ["clients", ..] ? await ClientProcess.RunAsync(args[1..]) : await DeployRun.RunAsync(args);
