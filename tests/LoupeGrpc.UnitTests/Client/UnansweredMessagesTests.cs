using LoupeGrpc.Client;
using LoupeGrpc.Client.Internal;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.Client;

public class UnansweredMessagesTests
{
    [Theory]
    [InlineData(0, 0, "f0 c1 f1 f2 c2 f3")]
    [InlineData(1, 1, "f1 f2 c2 f3")]
    [InlineData(3, 1, "c2 f3")]
    [InlineData(3, 2, "f3")]
    [InlineData(4, 2, "")]
    public void What_never_arrived_is_sent_again_in_the_order_of_sending(ulong nextSequence, ulong controlsReceived, string expected)
    {
        Assert.Equal(expected, Names(Sent().Missing(nextSequence, controlsReceived)));
    }

    [Fact]
    public void What_was_answered_is_forgotten()
    {
        var unanswered = Sent();
        unanswered.RemoveFrame(0);
        unanswered.RemoveControl(1);
        unanswered.RemoveFrame(2);
        unanswered.RemoveFrame(2);
        unanswered.RemoveControl(99);

        Assert.Equal("f1 c2 f3", Names(unanswered.Missing(0, 0)));
    }

    [Fact]
    public void A_frame_that_is_withdrawn_is_not_sent_again_and_those_behind_it_move_up()
    {
        var unanswered = Sent();
        unanswered.RemoveFrame(0);
        unanswered.RemoveControl(1);

        unanswered.Withdraw(1);

        Assert.Equal("f2 c2 f3", Names(unanswered.Missing(1, 1)));
        Assert.Equal("c2 f3", Names(unanswered.Missing(2, 1)));
        unanswered.RemoveFrame(2);
        Assert.Equal("f2 c2", Names(unanswered.Missing(1, 1)));
    }

    [Fact]
    public void It_is_empty_when_every_message_has_its_answer()
    {
        var unanswered = Sent();
        var empty = unanswered.WhenEmpty();

        foreach (var number in (ulong[])[0, 1, 2, 3])
        {
            Assert.False(empty.IsCompleted);
            unanswered.RemoveFrame(number);
            unanswered.RemoveControl(number);
        }

        Assert.True(empty.IsCompletedSuccessfully);
        Assert.True(new UnansweredMessages().WhenEmpty().IsCompletedSuccessfully);
    }

    [Fact]
    public void Frames_are_kept_as_they_were()
    {
        var unanswered = new UnansweredMessages();
        byte[] encoded = [1, 2, 3];
        byte[] pixels = [4, 5, 6];
        var format = new FrameFormat { PixelFormat = PixelFormat.Bgr24, Width = 1, Height = 1 };

        var sent = unanswered.AddFrame(0, new EncodedFrame(encoded) { FrameId = 7, Deadline = TimeSpan.FromSeconds(1) });
        unanswered.AddFrame(1, new RawFrame(pixels, format));
        unanswered.AddFrame(2, new EncodedFrame(default));
        Array.Clear(encoded);
        Array.Clear(pixels);

        var missing = unanswered.Missing(0, 0);
        Assert.Same(sent, missing[0]);
        Assert.Equal([1, 2, 3], missing[0].Frame.Encoded.Data.ToByteArray());
        Assert.Equal((7UL, 1), (missing[0].Frame.FrameId, missing[0].Frame.Deadline.Seconds));
        Assert.Equal([4, 5, 6], missing[1].Frame.Raw.Data.ToByteArray());
        Assert.Equal(format, missing[1].Frame.Raw.Format);
        Assert.Empty(missing[2].Frame.Encoded.Data);
    }

    private static UnansweredMessages Sent()
    {
        var unanswered = new UnansweredMessages();
        AddFrame(0);
        AddControl(1);
        AddFrame(1);
        AddFrame(2);
        AddControl(2);
        AddFrame(3);
        return unanswered;

        void AddFrame(ulong number) => unanswered.AddFrame(number, new EncodedFrame(new byte[] { 1 }) { FrameId = number });

        void AddControl(ulong number) => unanswered.AddControl(number, new AnalyzeRequest { Control = new Control { ControlId = number } });
    }

    private static string Names(IReadOnlyList<AnalyzeRequest> messages) =>
        string.Join(' ', messages.Select(message => message.Control is { } control ? $"c{control.ControlId}" : $"f{message.Frame.FrameId}"));
}
