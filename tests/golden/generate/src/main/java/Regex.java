import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Random;
import java.util.Set;

/**
 * What RE2/J, which Kafka uses for regular expressions of subscriptions, says of many expressions: tests/golden/topic_regex.txt.
 * The first line has the names; each other line an expression, a tab, and "refused" or a digit for each name: whether it matches.
 *
 *   mvn -q -f tests/golden/generate compile exec:java -Dexec.mainClass=Regex
 */
final class Regex {
    private static final String[] NAMES = {
        "a", "b", "ab", "ba", "aab", "aaa", "a.b", "a-b", "a_b", "A", "Ab", "k", "K", "s", "0", "10", "a1", "orders", "orders-1", "orders.eu",
        "ORDERS", "__consumer_offsets", "abcabc", "-", ".", "_", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    };
    private static final String[] PIECES = {
        "a", "b", "A", "k", "s", "1", "-", ".", "_", "ab", "orders", ".*", ".+", ".", "a*", "b+", "(", "(", ")", ")", ")", "(?:", "(?i)", "(?i:", "(?s)", "(?-i)",
        "(?P<n>", "(?P<m>", "(?<n>", "(?U)", "(?mi-s:", "(?i-:", "(?=", "(?!", "(?<=", "(?>", "|", "|", "|", "*", "+", "?", "*?", "+?", "??", "*+", "**", "{2}", "{2,}", "{1,3}",
        "{0}", "{0,2}", "{,2}", "{3,1}", "{1001}", "{30}", "{02}", "{2", "{", "}", "{2}?", "{a}", "^", "$", "\\A", "\\z", "\\Z", "\\b", "\\B", "\\d", "\\D", "\\w", "\\W", "\\s",
        "\\S", "\\pL", "\\PL", "\\p{Lu}", "\\p{^Lu}", "\\P{N}", "\\p{P}", "\\p{Foo}", "\\p{", "\\p{L", "\\Q.*\\E", "\\Qa", "\\E", "\\.", "\\-", "\\_", "\\1", "\\07", "\\101", "\\x41",
        "\\x{61}", "\\x{", "\\x4", "\\g", "\\C", "\\t", "\\", "[ab]", "[^ab]", "[a-c]", "[^a]", "[]", "[^]", "[]a]", "[^]a]", "[a-]", "[-a]", "[a-c-e]", "[z-a]", "[a", "[[:alpha:]]",
        "[[:^alpha:]]", "[[:digit:]_]", "[[:foo:]]", "[[:alpha:", "[:alpha:]", "[[:x]", "[\\d]", "[^\\d]", "[\\w.]", "[\\pL]", "[^\\PL]", "[a-\\d]", "[\\b]", "[\\x61-\\x63]", "[\\Qa]",
        "[.]", "[*]", "[\\]]", "]", "\u00e9", "\u212a", "\u017f", "[\u2120-\u2130]", "[\u0170-\u0180]", "[^\u212a]", "\\x{212a}", " ",
    };

    private static String verdict(String expression) {
        try {
            Pattern pattern = Pattern.compile(expression);
            StringBuilder bits = new StringBuilder();
            for (String name : NAMES) bits.append(pattern.matches(name) ? '1' : '0');
            return bits.toString();
        } catch (PatternSyntaxException e) {
            return "refused";
        }
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(848);
        Set<String> expressions = new LinkedHashSet<>();
        for (String piece : PIECES) expressions.add(piece);
        for (String first : PIECES) expressions.add("a" + first + "b");
        int refused = 0;
        while (expressions.size() < 3200) {
            StringBuilder made = new StringBuilder();
            int pieces = 2 + random.nextInt(7), open = 0;
            for (int i = 0; i < pieces; i++) {
                String piece = PIECES[random.nextInt(PIECES.length)];
                if (piece.equals(")") && open == 0) continue;
                open += piece.startsWith("(") && !piece.endsWith(")") ? 1 : piece.equals(")") ? -1 : 0;
                made.append(piece);
            }
            if (random.nextInt(8) > 0) for (; open > 0; open--) made.append(")");
            String expression = made.toString();
            /* Most refused ones are refused for the same few reasons. */
            if (verdict(expression).equals("refused") && ++refused % 4 != 0) continue;
            expressions.add(expression);
        }
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(args[0], "topic_regex.txt"), StandardCharsets.UTF_8))) {
            out.print(String.join(" ", NAMES) + "\n");
            for (String expression : expressions) out.print(expression + "\t" + verdict(expression) + "\n");
        }
    }
}
