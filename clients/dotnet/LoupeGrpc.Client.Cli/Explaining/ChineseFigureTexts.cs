namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>Every sentence in Chinese.</summary>
internal static class ChineseFigureTexts
{
    public static FigureTexts All { get; } = new()
    {
        Title = "这些数字说明什么",
        LessThan = "不到 {0}",
        MoreThan = "{0} 以上",
        Points = "{0} 个百分点",
        CountFormat = "0",
        Sentences = new Dictionary<FigureCode, string>
        {
            [FigureCode.OnlyForged] = "这里的 {pictures} 张图片全是伪造的：无法说明误报情况，也没有 AUC。",
            [FigureCode.OnlyAuthentic] = "这里的 {pictures} 张图片全是真实的：无法说明能发现多少，也没有 AUC。",
            [FigureCode.AucAboveChance] = "任取一张伪造图片和一张真实图片，伪造图片分数更高的占 {auc}；换成同类的其他图片，约为 {auc_low} 到 {auc_high}，优于随机猜测。",
            [FigureCode.AucAtChance] = "任取一张伪造图片和一张真实图片，伪造图片分数更高的占 {auc}；换成同类的其他图片，约为 {auc_low} 到 {auc_high}：在这些图片上，分数与随机猜测无法区分。",
            [FigureCode.AucBelowChance] = "任取一张伪造图片和一张真实图片，伪造图片分数更高的只占 {auc}；换成同类的其他图片，约为 {auc_low} 到 {auc_high}，比随机猜测还差：请检查标签是否写反。",
            [FigureCode.AucAlone] = "任取一张伪造图片和一张真实图片，伪造图片分数更高的占 {auc}；没有计算换成其他图片时的变化范围。",
            [FigureCode.AucUncertain] = "这一范围宽达 {auc_width}：{forged} 张伪造图片和 {authentic} 张真实图片太少，无法说得更准。",
            [FigureCode.ServedThreshold] = "按服务器所用的上阈值 {high}，能发现 {served_recall} 的伪造图片，同时把 {served_false_alarms} 的真实图片判为伪造。",
            [FigureCode.BestThreshold] = "在这些图片上，最佳阈值为 {best}：能发现 {best_recall} 的伪造图片，同时把 {best_false_alarms} 的真实图片判为伪造。",
            [FigureCode.BestThresholdAbove] = "在这些图片上，最佳阈值 {best} 高于服务器所用的 {low} 和 {high}：能发现 {best_recall} 的伪造图片，同时把 {best_false_alarms} 的真实图片判为伪造。",
            [FigureCode.BestThresholdBetween] = "在这些图片上，最佳阈值 {best} 介于服务器所用的 {low} 和 {high} 之间：能发现 {best_recall} 的伪造图片，同时把 {best_false_alarms} 的真实图片判为伪造。",
            [FigureCode.BestThresholdBelow] = "在这些图片上，最佳阈值 {best} 低于服务器所用的 {low} 和 {high}：能发现 {best_recall} 的伪造图片，同时把 {best_false_alarms} 的真实图片判为伪造。",
            [FigureCode.RecallAtOnePercent] = "若允许把 {rate} 的真实图片判为伪造（此处 {authentic} 张中的 {allowed} 张），能发现 {recall} 的伪造图片。",
            [FigureCode.OnePercentIsNone] = "若允许把 {rate} 的真实图片判为伪造（{authentic} 张中即一张也不允许），能发现 {recall} 的伪造图片；至少要有 {needed} 张真实图片才能允许一张。",
            [FigureCode.RecallAtFivePercent] = "若允许把其中 {rate} 判为伪造（{authentic} 张中的 {allowed} 张），能发现 {recall} 的伪造图片。",
            [FigureCode.FivePercentIsNone] = "若允许把其中 {rate} 判为伪造（{authentic} 张中同样一张也不允许），能发现 {recall} 的伪造图片；至少要有 {needed} 张真实图片才能允许一张。",
            [FigureCode.ScoresFit] = "只要伪造图片像这里一样占 {forged_share}，分数就可以当作概率：分数与伪造比例平均相差 {ece}。",
            [FigureCode.ScoresTooHigh] = "分数不能当作概率：大多高于伪造比例，平均相差 {ece}。",
            [FigureCode.ScoresTooLow] = "分数不能当作概率：大多低于伪造比例，平均相差 {ece}。",
            [FigureCode.ScoresAstray] = "分数不能当作概率：有的高于伪造比例，有的低于伪造比例，平均相差 {ece}。",
            [FigureCode.ScoresNoProbabilities] = "有些分数不在零到一之间，因此都不当作概率。",
            [FigureCode.TooFewForCalibration] = "只有 {pictures} 张图片，无法判断分数能否当作概率；至少需要 {needed} 张。",
            [FigureCode.GroupsDiffer] = "各组之间的差异超出了各自的区间：{lower_group} 的 AUC 最低，为 {lower_auc}；{higher_group} 的最高，为 {higher_auc}。",
            [FigureCode.GroupsAlike] = "{groups} 组之间，AUC 的差异都没有超出各自的区间。",
            [FigureCode.GroupsWithoutAuc] = "{groups} 组中有 {groups_without} 组只有一类图片，因此没有 AUC。",
        },
    };
}
