using LoupeGrpc.Fuzz;

return await FuzzCommandLine.Create().Parse(args).InvokeAsync().ConfigureAwait(false);
