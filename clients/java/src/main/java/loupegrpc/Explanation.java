package loupegrpc;

import java.util.Map;

/**
 * A sentence about a result, in the language that was asked for.
 *
 * @param code what it says
 * @param text for people; its wording may change
 * @param numbers those in it, by their names, which the server's docs/protocol.md lists for each code; not rounded
 */
public record Explanation(ExplanationCode code, String text, Map<String, Double> numbers) {
    static Explanation of(loupegrpc.v1.Explanation message) {
        return new Explanation(Wire.of(ExplanationCode.values(), message.getCodeValue()), message.getText(), Map.copyOf(message.getNumbersMap()));
    }
}
