using Baton.Simulation;

return SimulateCommand.Run(args);
