using LoupeGrpc.Fuzz;

CoverageMap.Prepare();
return await FuzzCommandLine.Create().Parse(args).InvokeAsync().ConfigureAwait(false);
