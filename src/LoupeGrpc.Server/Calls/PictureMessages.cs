using Grpc.Core;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary>Binds <c>ForgeryAnalysisService</c> as its generated code does, but for the requests that hold pictures: these are read by <see cref="RequestParser"/>.</summary>
internal static class PictureMessages
{
    /// <summary>Found by <see cref="BindServiceMethodAttribute"/>.</summary>
    /// <param name="service">Null where only the methods are asked for.</param>
    public static void Bind(ServiceBinderBase binder, ForgeryAnalysisService.ForgeryAnalysisServiceBase? service) => ForgeryAnalysisService.BindService(new Binder(binder), service);

    private static Method<TRequest, TResponse> With<TRequest, TResponse>(Method<TRequest, TResponse> method, Func<DeserializationContext, TRequest> read)
        where TRequest : class
        where TResponse : class =>
        new(method.Type, method.ServiceName, method.Name, Marshallers.Create(method.RequestMarshaller.ContextualSerializer, read), method.ResponseMarshaller);

    private sealed class Binder(ServiceBinderBase binder) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            binder.AddMethod(
                method is Method<AnalyzeImageRequest, TResponse> pictures
                    ? (Method<TRequest, TResponse>)(object)With(pictures, static message => RequestParser.ReadPicture(message.PayloadAsReadOnlySequence()))
                    : method,
                handler);

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            binder.AddMethod(
                method is Method<AnalyzeRequest, TResponse> frames
                    ? (Method<TRequest, TResponse>)(object)With(frames, static message => RequestParser.ReadRequest(message.PayloadAsReadOnlySequence()))
                    : method,
                handler);
    }
}
