/* Three forms: plain, 'quoted', $'with keys'. */
#include "base/secure/shell_word.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char PLAIN[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@+";

struct sink {
    char *into;
    size_t room, len;
};

static void add(struct sink *sink, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++, sink->len++)
        if (sink->len + 1 < sink->room) sink->into[sink->len] = text[i];
}

static bool is_key(char byte) {
    return (unsigned char)byte < ' ' || byte == 0x7f;
}

static bool has_keys(const char *word) {
    while (*word != '\0' && !is_key(*word))
        word++;
    return *word != '\0';
}

static void add_with_keys(struct sink *sink, const char *word) {
    add(sink, "$'", 2);
    for (const char *at = word; *at != '\0'; at++) {
        char escape[8];
        int len = is_key(*at)
                      ? snprintf(escape, sizeof escape, "\\%03o", (unsigned)(unsigned char)*at)
                      : snprintf(escape, sizeof escape, strchr("\\'", *at) != NULL ? "\\%c" : "%c",
                                 *at);
        add(sink, escape, (size_t)len);
    }
    add(sink, "'", 1);
}

static void add_quoted(struct sink *sink, const char *word) {
    add(sink, "'", 1);
    for (const char *at = word; *at != '\0';) {
        size_t piece = strcspn(at, "'");
        add(sink, at, piece);
        at += piece;
        if (*at != '\'') continue;
        add(sink, "'\\''", 4);
        at++;
    }
    add(sink, "'", 1);
}

size_t shell_word(const char *word, char *into, size_t room) {
    struct sink sink = {.into = into, .room = room};
    if (*word != '\0' && word[strspn(word, PLAIN)] == '\0')
        add(&sink, word, strlen(word));
    else if (has_keys(word))
        add_with_keys(&sink, word);
    else
        add_quoted(&sink, word);
    if (room > 0) into[sink.len < room ? sink.len : room - 1] = '\0';
    return sink.len;
}

const char *shell_word_in(const char *word, char into[SHELL_WORD_ROOM]) {
    if (shell_word(word, into, SHELL_WORD_ROOM) >= SHELL_WORD_ROOM)
        snprintf(into, SHELL_WORD_ROOM, "NAME");
    return into;
}
