using Baton.Node.Cli;

return await CommandTree.RunAsync(args);
