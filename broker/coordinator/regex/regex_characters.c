/* What stands for one character in a pattern: itself, an escape, a class in brackets. The rules are
 * RE2's. */
#include <string.h>

#include "broker/coordinator/regex/regex_parse_internal.h"

bool regex_refuse(struct regex_text *text, const char *what) {
    if (text->why->text[0] == 0)
        error_set(text->why, ERR_INVALID, "%s, at character %zu of the regular expression", what,
                  text->at + 1);
    return false;
}

bool regex_sees(const struct regex_text *text, size_t ahead, char c) {
    return text->at + ahead < text->len && text->data[text->at + ahead] == c;
}

bool regex_take(struct regex_text *text, uint32_t *c) {
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (text->at == text->len) return false;
    unsigned char first = (unsigned char)text->data[text->at];
    int more = first < 0x80 ? 0 : first < 0xc0 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (more < 0 || first >= 0xf8 || text->len - text->at <= (size_t)more)
        return regex_refuse(text, "it is not UTF-8");
    *c = more == 0 ? first : first & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        unsigned char byte = (unsigned char)text->data[text->at + (size_t)i];
        if ((byte & 0xc0) != 0x80) return regex_refuse(text, "it is not UTF-8");
        *c = *c << 6 | (byte & 0x3fu);
    }
    if (*c < least[more] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
        return regex_refuse(text, "it is not UTF-8");
    text->at += 1 + (size_t)more;
    return true;
}

/* ---- Escapes ---- */

static int hex_digit(const struct regex_text *text, size_t ahead) {
    static const char digits[] = "0123456789abcdef";
    if (text->at + ahead >= text->len) return -1;
    char c = text->data[text->at + ahead];
    if (c >= 'A' && c <= 'F') c = (char)(c - 'A' + 'a');
    const char *digit = c == 0 ? NULL : strchr(digits, c);
    return digit == NULL ? -1 : (int)(digit - digits);
}

/* Behind \x: two digits, or any number of them in braces. */
static bool escape_hex(struct regex_text *text, uint32_t *c) {
    *c = 0;
    if (!regex_sees(text, 0, '{')) {
        int high = hex_digit(text, 0), low = hex_digit(text, 1);
        if (high < 0 || low < 0) return regex_refuse(text, "\\x wants two hexadecimal digits");
        *c = (uint32_t)(high * 16 + low);
        text->at += 2;
        return true;
    }
    size_t digits = 1;
    for (int digit; (digit = hex_digit(text, digits)) >= 0; digits++) {
        *c = *c * 16 + (uint32_t)digit;
        if (*c > 0x10ffff) return regex_refuse(text, "there is no such character");
    }
    if (digits == 1 || !regex_sees(text, digits, '}'))
        return regex_refuse(text, "\\x{ wants hexadecimal digits and a }");
    text->at += digits + 1;
    return true;
}

static bool is_octal(const struct regex_text *text) {
    return text->at < text->len && text->data[text->at] >= '0' && text->data[text->at] <= '7';
}

bool regex_escape(struct regex_text *text, uint32_t *c) {
    static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    text->at++;
    if (text->at == text->len) return regex_refuse(text, "nothing follows the backslash");
    if (!regex_take(text, c)) return false;
    if (*c == 'x') return escape_hex(text, c);
    if (*c == '0' || (*c >= '1' && *c <= '7' && is_octal(text))) {
        *c -= '0';
        for (int i = 0; i < 2 && is_octal(text); i++)
            *c = *c * 8 + (uint32_t)(text->data[text->at++] - '0');
        return true;
    }
    bool letter_or_digit = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                           (*c >= 'A' && *c <= 'Z');
    if (*c < 128 && !letter_or_digit) return true;
    const char *name = *c < 128 ? strchr(names, (int)*c) : NULL;
    if (name == NULL)
        return regex_refuse(
            text,
            "it has an escape that RE2 does not know (back-references and \\Z are not there)");
    *c = (unsigned char)values[name - names];
    return true;
}

/* \pL, \PL, \p{Lu}, \p{^Lu}: with `at` at the backslash. */
static bool unicode_class(struct regex_text *text, bool fold, struct regex_set *set) {
    bool invert = regex_sees(text, 1, 'P');
    const char *name = text->data + text->at + 2;
    size_t left = text->len - text->at - 2, len = 1, read = 3;
    if (left > 0 && name[0] == '{') {
        const char *end = memchr(name, '}', left);
        if (end == NULL) return regex_refuse(text, "a } is missing behind \\p{");
        len = (size_t)(end - ++name);
        read = len + 4;
        if (len > 0 && name[0] == '^') {
            invert = !invert;
            name++;
            len--;
        }
    }
    struct regex_set found;
    if (left == 0 || !regex_class_unicode(name, len, &found))
        return regex_refuse(text, "it has a class \\p that is not known here");
    text->at += read;
    regex_class_add(set, fold ? regex_class_folded(found) : found, invert);
    return true;
}

bool regex_escaped_class(struct regex_text *text, bool fold, struct regex_set *set) {
    if (regex_sees(text, 1, 'p') || regex_sees(text, 1, 'P')) return unicode_class(text, fold, set);
    struct regex_set found;
    if (text->at + 1 >= text->len ||
        !regex_class_perl((unsigned char)text->data[text->at + 1], &found))
        return false;
    text->at += 2;
    regex_class_add(set, found, false);
    return true;
}

/* ---- Brackets ---- */

/* At "[:": a class by its POSIX name; *was_one false: there is none, it is a plain "[". */
static bool posix_class(struct regex_text *text, bool fold, struct regex_set *set, bool *was_one) {
    const char *name = text->data + text->at + 2;
    const char *end = memmem(name, text->len - text->at - 2, ":]", 2);
    *was_one = end != NULL;
    if (end == NULL) return true;
    size_t len = (size_t)(end - name);
    bool invert = len > 0 && name[0] == '^';
    struct regex_set found;
    if (!regex_class_posix(name + (invert ? 1 : 0), len - (invert ? 1 : 0), &found))
        return regex_refuse(text, "it has a class [: :] that does not exist");
    regex_class_add(set, fold ? regex_class_folded(found) : found, invert);
    text->at += len + 4;
    return true;
}

static bool bracket_char(struct regex_text *text, uint32_t *c) {
    if (text->at == text->len) return regex_refuse(text, "a ] is missing");
    return regex_sees(text, 0, '\\') ? regex_escape(text, c) : regex_take(text, c);
}

static bool bracket_range(struct regex_text *text, bool fold, struct regex_set *set) {
    uint32_t low, high;
    if (!bracket_char(text, &low)) return false;
    high = low;
    if (regex_sees(text, 0, '-') && text->at + 1 < text->len && !regex_sees(text, 1, ']')) {
        text->at++;
        if (!bracket_char(text, &high)) return false;
        if (high < low) return regex_refuse(text, "it has a range that ends before it begins");
    }
    regex_class_add_range(set, low, high, fold);
    return true;
}

bool regex_bracket(struct regex_text *text, bool fold, struct regex_set *set) {
    struct regex_set found = {{0, 0}};
    text->at++;
    bool invert = regex_sees(text, 0, '^');
    if (invert) text->at++;
    for (bool first = true; first || !regex_sees(text, 0, ']'); first = false) {
        bool was_one = false;
        if (regex_sees(text, 0, '[') && regex_sees(text, 1, ':') &&
            !posix_class(text, fold, &found, &was_one))
            return false;
        if (was_one) continue;
        if (regex_sees(text, 0, '\\') && regex_escaped_class(text, fold, &found)) continue;
        if (text->why->text[0] != 0 || !bracket_range(text, fold, &found)) return false;
    }
    text->at++;
    *set = (struct regex_set){{0, 0}};
    regex_class_add(set, found, invert);
    return true;
}
