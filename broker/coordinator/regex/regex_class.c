/* Classes of characters by name. Source: RE2's syntax page, and Unicode's general categories of the
 * characters below 128. */
#include "broker/coordinator/regex/regex_class.h"

#include <string.h>

enum { KELVIN_SIGN = 0x212A, LONG_S = 0x017F };

static void add_char(struct regex_set *set, uint32_t c) {
    set->bits[c / 64] |= UINT64_C(1) << (c % 64);
}

void regex_class_add_range(struct regex_set *set, uint32_t low, uint32_t high, bool fold) {
    struct regex_set added = {{0, 0}};
    for (uint32_t c = low; c <= high && c < 128; c++)
        add_char(&added, c);
    if (fold && low <= KELVIN_SIGN && high >= KELVIN_SIGN) add_char(&added, 'k');
    if (fold && low <= LONG_S && high >= LONG_S) add_char(&added, 's');
    regex_class_add(set, fold ? regex_class_folded(added) : added, false);
}

void regex_class_add(struct regex_set *set, struct regex_set other, bool invert) {
    for (int i = 0; i < 2; i++)
        set->bits[i] |= invert ? ~other.bits[i] : other.bits[i];
}

struct regex_set regex_class_folded(struct regex_set set) {
    /* Letters of both cases are in the second half: 'A' at bit 1, 'a' at bit 33. */
    uint64_t large = set.bits[1] & UINT64_C(0x07fffffe);
    uint64_t small = set.bits[1] & UINT64_C(0x07fffffe) << 32;
    set.bits[1] |= large << 32 | small >> 32;
    return set;
}

/* Pairs of first and last characters. */
static struct regex_set of_ranges(const char *ranges) {
    struct regex_set set = {{0, 0}};
    for (; ranges[0] != 0; ranges += 2)
        regex_class_add_range(&set, (unsigned char)ranges[0], (unsigned char)ranges[1], false);
    return set;
}

struct named_class {
    const char *name, *ranges;
    bool with_zero, invert;
};

static bool class_named(const struct named_class *classes, size_t count, const char *name,
                        size_t len, struct regex_set *set) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(classes[i].name) != len || memcmp(classes[i].name, name, len) != 0) continue;
        struct regex_set all = of_ranges(classes[i].ranges);
        if (classes[i].with_zero) add_char(&all, 0);
        *set = (struct regex_set){{0, 0}};
        regex_class_add(set, all, classes[i].invert);
        return true;
    }
    return false;
}

#define CLASS_NAMED(table, name, len, set) \
    class_named((table), sizeof(table) / sizeof *(table), (name), (len), (set))

bool regex_class_perl(uint32_t letter, struct regex_set *set) {
    static const struct named_class classes[] = {
        {"d", "09", false, false},         {"D", "09", false, true},
        {"s", "\t\n\f\r  ", false, false}, {"S", "\t\n\f\r  ", false, true},
        {"w", "09AZaz__", false, false},   {"W", "09AZaz__", false, true},
    };
    char name = letter < 128 ? (char)letter : 0;
    return CLASS_NAMED(classes, &name, 1, set);
}

bool regex_class_posix(const char *name, size_t len, struct regex_set *set) {
    static const struct named_class classes[] = {
        {"alnum", "09AZaz", false, false},
        {"alpha", "AZaz", false, false},
        {"ascii", "\x01\x7f", true, false},
        {"blank", "\t\t  ", false, false},
        {"cntrl", "\x01\x1f\x7f\x7f", true, false},
        {"digit", "09", false, false},
        {"graph", "!~", false, false},
        {"lower", "az", false, false},
        {"print", " ~", false, false},
        {"punct", "!/:@[`{~", false, false},
        {"space", "\t\r  ", false, false},
        {"upper", "AZ", false, false},
        {"word", "09AZaz__", false, false},
        {"xdigit", "09AFaf", false, false},
    };
    return CLASS_NAMED(classes, name, len, set);
}

bool regex_class_unicode(const char *name, size_t len, struct regex_set *set) {
    static const struct named_class classes[] = {
        {"Any", "\x01\x7f", true, false},
        {"C", "\x01\x1f\x7f\x7f", true, false},
        {"Cc", "\x01\x1f\x7f\x7f", true, false},
        {"Cf", "", false, false},
        {"Co", "", false, false},
        {"Cs", "", false, false},
        {"L", "AZaz", false, false},
        {"Ll", "az", false, false},
        {"Lm", "", false, false},
        {"Lo", "", false, false},
        {"Lt", "", false, false},
        {"Lu", "AZ", false, false},
        {"M", "", false, false},
        {"Mc", "", false, false},
        {"Me", "", false, false},
        {"Mn", "", false, false},
        {"N", "09", false, false},
        {"Nd", "09", false, false},
        {"Nl", "", false, false},
        {"No", "", false, false},
        {"P", "!#%*,/:;?@[]__{{}}", false, false},
        {"Pc", "__", false, false},
        {"Pd", "--", false, false},
        {"Pe", "))]]}}", false, false},
        {"Pf", "", false, false},
        {"Pi", "", false, false},
        {"Po", "!#%'**,,./:;?@\\\\", false, false},
        {"Ps", "(([[{{", false, false},
        {"S", "$$++<>^^``||~~", false, false},
        {"Sc", "$$", false, false},
        {"Sk", "^^``", false, false},
        {"Sm", "++<>||~~", false, false},
        {"So", "", false, false},
        {"Z", "  ", false, false},
        {"Zl", "", false, false},
        {"Zp", "", false, false},
        {"Zs", "  ", false, false},
        {"Common", "\x01@[`{\x7f", true, false},
        {"Latin", "AZaz", false, false},
        {"Arabic", "", false, false},
        {"Cyrillic", "", false, false},
        {"Greek", "", false, false},
        {"Han", "", false, false},
        {"Hangul", "", false, false},
        {"Hebrew", "", false, false},
        {"Hiragana", "", false, false},
        {"Katakana", "", false, false},
        {"Thai", "", false, false},
    };
    return CLASS_NAMED(classes, name, len, set);
}
