/* Patterns to names, and asking before they are changed. */
#include "client/commands/topic_words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "client/records/topic_pattern.h"
#include "client/session/topic_session.h"

struct topic_words {
    char **names;
    size_t count, room;
    bool by_pattern; /* more may be meant than was typed */
};

static void add_name(struct topic_words *words, const char *name) {
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->names[i], name) == 0) {
            return;
        }
    }
    words->names = mem_grow(words->names, words->count, &words->room, sizeof(*words->names));
    words->names[words->count++] = mem_strdup(name);
}

static int add_matching(struct topic_words *words, const char *word, struct session *session,
                        const struct kp_metadata_response *all) {
    struct topic_pattern pattern;
    struct error_text why = {""};
    int matched = 0;
    if (topic_pattern_open(&pattern, word, &why) != ERR_NONE) {
        say("%s", why.text);
        return EXIT_USAGE;
    }
    for (int32_t i = 0; i < all->topics.count; i++) {
        const char *name = cluster_text(&session->arena, all->topics.items[i].name);
        if (topic_pattern_matches(&pattern, name)) {
            add_name(words, name);
            matched++;
        }
    }
    topic_pattern_close(&pattern);
    if (matched == 0) {
        say("no topic matches \"%s\"; drave topic list shows those that exist", word);
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

static int open_words(struct topic_words *words, const struct invocation *in) {
    struct session session;
    struct kp_metadata_response all;
    int code = EXIT_DONE;
    bool asked = false;
    *words = (struct topic_words){.names = NULL};
    session_begin(&session, in);
    for (int i = 0; i < in->word_count && !code; i++) {
        bool regex = invocation_has(in, 'r');
        if (!regex && !topic_pattern_is(in->words[i])) {
            add_name(words, in->words[i]);
            continue;
        }
        char *word = regex ? topic_pattern_of_regex(in->words[i]) : mem_strdup(in->words[i]);
        words->by_pattern = true;
        code = asked ? EXIT_DONE : cluster_metadata(session.admin, &session.arena, NULL, &all);
        asked = true;
        code = code ? code : add_matching(words, word, &session, &all);
        mem_free(word);
    }
    return session_end(&session, code);
}

static void close_words(struct topic_words *words) {
    for (size_t i = 0; i < words->count; i++) {
        mem_free(words->names[i]);
    }
    mem_free(words->names);
    *words = (struct topic_words){.names = NULL};
}

/* Whether the person at the terminal says yes; anything else is no. */
static bool ask(const char *deed) {
    char question[64], answer[16];
    snprintf(question, sizeof(question), "are they to be %s? [y/N] ", deed);
    say_prompt(question);
    return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

static int confirm(const struct topic_words *words, const struct invocation *in, const char *deed) {
    if (!words->by_pattern || invocation_has(in, OPTION_YES) ||
        invocation_has(in, OPTION_DRY_RUN)) {
        return EXIT_DONE;
    }
    for (size_t i = 0; i < words->count; i++) {
        say_plain("  %s", words->names[i]);
    }
    if (isatty(STDIN_FILENO) && stderr_is_terminal() && ask(deed)) {
        return EXIT_DONE;
    }
    say("nothing was changed; with --yes these %zu topics are %s", words->count, deed);
    return EXIT_REFUSED;
}

int topic_words_run(struct invocation *in, const char *deed, int (*run)(struct invocation *in)) {
    struct topic_words words;
    int code = open_words(&words, in);
    if (!code && deed) {
        code = confirm(&words, in, deed);
    }
    if (!code) {
        char **typed = in->words;
        int typed_count = in->word_count;
        in->words = words.names;
        in->word_count = (int)words.count;
        code = run(in);
        in->words = typed;
        in->word_count = typed_count;
    }
    close_words(&words);
    return code;
}
