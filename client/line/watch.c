/* Running, comparing, showing. */
#include "client/line/watch.h"

#include <string.h>

#include "base/mem.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"

static const char CLEAR[] = "\x1b[2J\x1b[H";

static bool is_text(const char *text, size_t len, const char *other, size_t other_len) {
    return len == other_len && (len == 0 || memcmp(text, other, len) == 0);
}

static bool is_same(const struct held_talk *one, const struct held_talk *other) {
    return is_text(one->printed, one->printed_len, other->printed, other->printed_len) &&
           is_text(one->said, one->said_len, other->said, other->said_len);
}

static void forget(struct held_talk *talk) {
    mem_free(talk->printed);
    mem_free(talk->said);
}

/* A run that failed prints nothing: what was shown stays. */
static void show(const struct held_talk *talk, const struct invocation *in) {
    interrupt_ends(false);
    bool plain = !in->json && talk->printed_len > 0;
    if (stdout_is_terminal() && plain) {
        print_raw(CLEAR, sizeof(CLEAR) - 1);
    }
    if (talk->printed_len > 0) {
        print_bytes(talk->printed, talk->printed_len);
    }
    if (!stdout_is_terminal() && plain) {
        print_raw("\n", 1);
    }
    print_flush();
    if (talk->said_len > 0) {
        say_held(talk);
    }
    interrupt_ends(!interrupted());
}

int watch_run(struct invocation *in) {
    struct held_talk last = {NULL, NULL, 0, 0};
    bool goes = true, shown = false;
    int code = EXIT_DONE;
    interrupt_ends(true);
    while (goes) {
        struct held_talk now;
        talk_hold();
        code = in->command->run(in);
        talk_held(&now);
        if (!is_same(&now, &last)) {
            show(&now, in);
        }
        forget(&last);
        last = now;
        shown = shown || code == EXIT_DONE;
        goes = shown && !interrupted() && !print_broken();
        if (goes) {
            pause_ms(WATCH_PAUSE_MS);
        }
    }
    forget(&last);
    return shown ? EXIT_DONE : code;
}
