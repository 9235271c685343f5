using System.Text;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Files;

public sealed class PictureKindTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-kinds-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("authentic-coffee.jpg")]
    [InlineData("authentic-hubble.png")]
    public void Pictures_are_told_by_their_bytes(string sample)
    {
        var unnamed = Path.Combine(_folder, "IMG_3");
        File.Copy(TestData.Sample(sample), unnamed);

        Assert.True(PictureKind.IsPicture(unnamed));
        Assert.False(PictureKind.IsNamedLikePicture(unnamed));
    }

    [Theory]
    [InlineData("RIFF\u0010\0\0\0WEBPVP8 ")]
    [InlineData("GIF89a\u0001\0\u0001\0")]
    [InlineData("II*\0\u0008\0\0\0")]
    [InlineData("MM\0*\0\0\0\u0008")]
    [InlineData("II+\0\u0008\0\0\0")]
    [InlineData("IIU\0\u0018\0\0\0")]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0")]
    [InlineData("\0\0\0\u001cftypmif1\0\0\0\0")]
    [InlineData("\0\0\0\u0020ftypavif\0\0\0\0")]
    [InlineData("\0\0\0\u0018ftypcrx \0\0\0\u0001")]
    [InlineData("\0\0\0\u000cJXL \r\n\u0087\n")]
    [InlineData("\0\0\0\u000cjP  \r\n\u0087\n")]
    [InlineData("8BPS\0\u0001")]
    [InlineData("FUJIFILMCCD-RAW 0201")]
    [InlineData("P6\n640 480\n255\n")]
    [InlineData("BM\u0036\u0010\0\0\0\0\0\0\u0036\0\0\0\u0028\0\0\0")]
    public void Kinds_that_a_server_may_refuse_are_pictures_too(string head) => Assert.True(PictureKind.IsPicture(Latin(head)));

    [Theory]
    [InlineData("")]
    [InlineData("B")]
    [InlineData("BM: minutes of the meeting of May")]
    [InlineData("P1 and P2 met in the hall")]
    [InlineData("RIFF\u0010\0\0\0AVI LIST")]
    [InlineData("\0\0\0\u0018ftypmp42\0\0\0\0")]
    [InlineData("\0\0\0\u0018ftypqt  \0\0\0\0")]
    [InlineData("%PDF-1.7\n")]
    [InlineData("PK\u0003\u0004")]
    [InlineData("IIX\0")]
    public void Other_files_are_not(string head) => Assert.False(PictureKind.IsPicture(Latin(head)));

    [Fact]
    public void An_animation_is_a_picture_of_a_folder_and_a_video_of_a_stream()
    {
        var file = Path.Combine(_folder, "dance.gif");
        File.WriteAllBytes(file, Latin("GIF89a\u0001\0\u0001\0"));

        Assert.True(PictureKind.IsPicture(file));
        Assert.False(PictureKind.IsPicture(file, animations: false));
    }

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);
}
