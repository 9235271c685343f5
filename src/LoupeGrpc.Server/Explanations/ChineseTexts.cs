namespace LoupeGrpc.Server.Explanations;

/// <summary>Every sentence in Chinese.</summary>
internal static class ChineseTexts
{
    public static LanguageTexts All { get; } = new()
    {
        FieldNames = ["左上角", "上方", "右上角", "左侧", "中央", "右侧", "左下角", "下方", "右下角"],
        LessThan = "不到 {0}",
        MoreThan = "{0} 以上",
        CountFormat = "0",
        Sentences = new Dictionary<ExplanationCode, string>
        {
            [ExplanationCode.ScoreManipulated] = "分数为 {score}，达到阈值 {high}：模型认为图片被篡改。",
            [ExplanationCode.ScoreAuthentic] = "分数为 {score}，低于阈值 {low}：没有发现篡改痕迹，但这并不证明图片没有被篡改。",
            [ExplanationCode.ScoreUncertain] = "分数为 {score}，介于 {low} 与 {high} 之间：模型无法判断。",
            [ExplanationCode.VerdictLeftOpen] = "图片已损坏，部分内容是解码器猜测的，因此分数 {score} 不作数，结论为不确定。",
            [ExplanationCode.ScoreNearThreshold] = "结论处于临界：分数与阈值 {threshold} 相差 {distance}。",
            [ExplanationCode.MaskInOneField] = "掩码占图片的 {share}，主要位于{field}（占掩码的 {field_share}）。",
            [ExplanationCode.MaskSpread] = "掩码占图片的 {share}，分布在九宫格中的 {fields} 格，{field}最多（占掩码的 {field_share}）。",
            [ExplanationCode.OneRegion] = "掩码只有一个较大的区域，大小为 {width} x {height} 像素，平均强度为 {mean}（高于 {mask_threshold} 即被标记）。",
            [ExplanationCode.StrongestRegion] = "掩码有 {regions} 个较大的区域，最强的位于{field}，大小为 {width} x {height} 像素，平均强度为 {mean}（高于 {mask_threshold} 即被标记）。",
            [ExplanationCode.MaskOfSpecks] = "掩码只有零星的 {pixels} 个像素，没有较大的区域。",
            [ExplanationCode.MaskEmpty] = "没有标记任何像素。",
            [ExplanationCode.MaskMissing] = "分数表明图片被篡改，却没有标记任何像素：请人工查看。",
            [ExplanationCode.MaskAgainstVerdict] = "分数表明图片真实，却标记了图片的 {share}：请人工查看。",
            [ExplanationCode.PatchesAgree] = "分类器与掩码一致：{patches_in_all} 个图块中有 {patches} 个像是伪造的，掩码的 {mask_on_patches} 位于其中。",
            [ExplanationCode.PatchesDisagree] = "分类器与掩码不一致：{patches_in_all} 个图块中有 {patches} 个像是伪造的，但掩码只有 {mask_on_patches} 位于其中。",
            [ExplanationCode.PatchesSilent] = "分类器与掩码不一致：{patches_in_all} 个图块中没有一个像是伪造的。",
            [ExplanationCode.PatchesAlone] = "分类器认为 {patches_in_all} 个图块中有 {patches} 个是伪造的，但没有标记任何像素。",
            [ExplanationCode.PatchesClear] = "分类器的 {patches_in_all} 个图块中没有一个像是伪造的。",
            [ExplanationCode.Tiles] = "图片按原始分辨率分为 {tiles} 块分析，每块 {input} x {input} 像素。",
            [ExplanationCode.TilesInPart] = "{tiles_in_all} 块中只分析了 {tiles} 块（{coverage}），其余各块没有按原始分辨率判断。",
            [ExplanationCode.TilePeak] = "得分最高的一块为 {tile_score}，位于{field}。",
            [ExplanationCode.TilePeakOutvoted] = "单看这一块，得分 {tile_score} 已达到阈值 {high}，但整张图片没有达到。",
            [ExplanationCode.Squeezed] = "图片被缩小为 {input} x {input} 像素送入模型（约 1/{factor}），只有几个像素宽的痕迹可能已丢失。",
            [ExplanationCode.TooSmall] = "图片只有 {picture_width} x {picture_height} 像素，而模型输入为 {input} x {input}：内容可能不足以判断。",
            [ExplanationCode.Compressed] = "JPEG 压缩很强，质量约为 {quality}（满分 100），细微痕迹会因此消失。",
            [ExplanationCode.Dark] = "图片很暗，平均亮度为 {brightness}：暗处的痕迹较弱。",
            [ExplanationCode.Damaged] = "图片有部分内容缺失或损坏，由解码器猜测填补。",
            [ExplanationCode.FirstPictureOnly] = "文件中有 {pictures} 张图片，只分析了第一张。",
            [ExplanationCode.PreviewPassedOver] = "文件中的第一张只是预览图，分析的是完整图片。",
            [ExplanationCode.BitDepthReduced] = "每个样本的 {bits} 位被缩减为 8 位。",
            [ExplanationCode.TransparencyIgnored] = "忽略了透明度：被遮住的内容也参与了分析。",
            [ExplanationCode.ColoursConverted] = "CMYK 颜色转换为 RGB 时没有使用颜色配置文件。",
            [ExplanationCode.Turned] = "看图软件会旋转此图片（EXIF 方向 {orientation}），文中的上下左右以显示时为准。",
            [ExplanationCode.Adapted] = "掩码来自已适应 {step} 步的会话（漂移 {drift}）。",
            [ExplanationCode.AdaptationChangedMask] = "适应（{step} 步）改变了图片 {disagreement} 上的掩码：掩码占图片的 {share}，不适应时为 {base_share}。",
            [ExplanationCode.AdaptationKeptMask] = "适应（{step} 步）没有改变掩码。",
            [ExplanationCode.AdaptationFrozen] = "会话已冻结在第 {step} 步，不再适应。",
            [ExplanationCode.MaskNotAskedFor] = "没有要求掩码，因此不知道位置。",
            [ExplanationCode.MaskTooLarge] = "掩码太大，没有发送；以上关于掩码的内容是在省略之前测得的。",
            [ExplanationCode.MaskSaved] = "会话正在丢帧，因此没有生成掩码。",
        },
    };
}
