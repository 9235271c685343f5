package loupegrpc;

/** What options have in common. */
final class Options {

    private Options() {}

    static void check(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }

    /** Characters as people count them, and as the server does. */
    static void checkName(String name, String value) {
        check(value.codePointCount(0, value.length()) <= 128, name + " has more than 128 characters");
        check(value.codePoints().noneMatch(point -> point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE), name + " is no Unicode");
    }
}
