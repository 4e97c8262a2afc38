/*
 * drave consume --share: prints records that the group gives to nobody else meanwhile (KIP-932).
 * librdkafka knows nothing of share groups: client/sharing/ speaks to the brokers.
 *
 * Happy path: joins the group; fetches from each leader in turn; each record that was written to
 * stdout is accepted, at once behind what came with it. Ends after -n records, with -e when nothing
 * is left for the group, at Ctrl-C, or when the reader of stdout went away: what was fetched and
 * not printed is released, and the group is left.
 * Failures: a leader or the coordinator that has moved or died is looked for until it is found; the
 * group refuses the member, records cannot be read: told, and the exit code is 1.
 * Invariant: what was not written to stdout is never accepted.
 */
#include "client/stream/consume_share.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/secure/shell_word.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"
#include "client/records/reading.h"
#include "client/sharing/share_leaders.h"
#include "client/sharing/share_records.h"
#include "client/sharing/share_view.h"
#include "protocol/kafka_error.h"

enum {
    ANSWER_MAX = 512 << 20,
    RECORDS_MOST = 500, /* of one answer, as Kafka's clients have it */
    WAIT_MS = 400,      /* of all leaders together, when nothing comes */
    REST_MS = 200,      /* for a leader that failed, and before leaders are looked for again */
    MISSING_MS = 5000,  /* so long a topic may be unknown to a broker */
    TEXT_MAX = 1024,
};

struct sharer {
    const struct invocation *in;
    struct record_printer *printer;
    struct share_member member;
    struct share_leaders leaders;
    struct share_outcomes outcomes; /* of the answer at hand */
    bool misplaced;                 /* leaders are to be looked for */
    uint64_t place_ms;              /* not before */
    uint64_t missing_ms;            /* since then a topic is not there; 0: all are */
    int64_t limit;                  /* records; -1: none */
    uint64_t count;
    struct patience patience;
    bool until_end, failed;
};

static bool enough(const struct sharer *s) {
    return s->limit >= 0 && (int64_t)s->count >= s->limit;
}

static bool goes_on(const struct sharer *s) {
    return !interrupted() && !s->failed && !enough(s) && !print_broken();
}

/* ---- Who leads what is assigned ---- */

static void tell_assigned(const struct sharer *s) {
    char text[TEXT_MAX] = "";
    size_t used = 0;
    for (size_t i = 0; i < s->member.assigned.count && used < sizeof(text); i++) {
        const struct share_place *place = &s->member.assigned.items[i];
        const char *name = share_leaders_topic(&s->leaders, place->topic);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s [%d]", used ? ", " : "",
                                 name ? name : "?", (int)place->partition);
    }
    say("group %s: assigned: %s", s->member.group, *text ? text : "nothing");
}

/* A broker may not have heard of a topic yet that another one has told us of. */
static void look_at_missing(struct sharer *s, const char *missing) {
    s->missing_ms = missing && s->missing_ms == 0 ? now_ms() : missing ? s->missing_ms : 0;
    if (missing && now_ms() - s->missing_ms >= MISSING_MS) {
        s->failed = true;
        say("topic \"%s\" was deleted while it was read; drave topic list shows those that exist",
            missing);
    }
    s->misplaced = s->misplaced || missing;
}

static void find_leaders(struct sharer *s) {
    struct error_text why = {""};
    const char *missing = NULL;
    bool told = s->member.changed;
    if (!told && (!s->misplaced || now_ms() < s->place_ms)) {
        return;
    }
    int error = share_leaders_place(&s->leaders, &s->member, &missing, &why);
    s->misplaced = error != ERR_NONE;
    s->place_ms = now_ms() + REST_MS;
    if (error) {
        patience_say(&s->patience, "leaders for group \"%s\" (%s)", s->member.group, why.text);
    }
    look_at_missing(s, missing);
    if (told) {
        tell_assigned(s);
    }
}

/* ---- Records ---- */

static bool take_record(void *arg, const struct record_view *record) {
    struct sharer *s = arg;
    if (!goes_on(s)) {
        return false;
    }
    s->failed = !record_printer_print_view(s->printer, record);
    if (s->failed || !print_flush()) {
        return false;
    }
    s->count++;
    return true;
}

static bool leads_elsewhere(int16_t error) {
    return error == KAFKA_NOT_LEADER_OR_FOLLOWER || error == KAFKA_FENCED_LEADER_EPOCH ||
           error == KAFKA_UNKNOWN_TOPIC_ID || error == KAFKA_UNKNOWN_TOPIC_OR_PARTITION ||
           error == KAFKA_LEADER_NOT_AVAILABLE || error == KAFKA_UNKNOWN_LEADER_EPOCH ||
           error == KAFKA_STORAGE_ERROR;
}

static void take_part(struct sharer *s, struct share_session *session,
                      const struct kp_share_fetch_response_topic *topic,
                      const struct kp_share_fetch_response_partition *answer) {
    const struct share_taker taker = {take_record, s};
    struct share_part part = {topic->topic_id, share_leaders_topic(&s->leaders, topic->topic_id),
                              answer};
    struct error_text why = {""};
    part.name = part.name ? part.name : "?";
    if (leads_elsewhere(answer->error_code)) {
        s->misplaced = true;
        session->rest_until_ms = now_ms() + REST_MS;
    } else if (answer->error_code) {
        s->failed = true;
        say("partition %d of \"%s\": %s", (int)answer->partition_index, part.name,
            kafka_error_message(answer->error_code));
    } else if (share_records_take(&part, &taker, &s->outcomes, &why) != ERR_NONE) {
        s->failed = true;
        say("%s; they are given to somebody again, until share.delivery.count.limit of the group is reached",
            why.text);
    }
}

static void rest(struct sharer *s, struct share_session *session, const struct error_text *why) {
    session->rest_until_ms = now_ms() + REST_MS;
    s->misplaced = true;
    patience_say(&s->patience, "the leaders of group \"%s\" (%s)", s->member.group, why->text);
}

/* What was printed is accepted; the rest is given back. */
static void tell_outcomes(struct sharer *s, struct share_session *session, struct kp_arena *arena) {
    struct error_text why = {""};
    uint64_t refused = 0, accepted = share_outcomes_count(&s->outcomes, SHARE_ACCEPT);
    int error = share_session_acknowledge(session, &s->outcomes, arena, &refused, &why);
    refused = error ? accepted : refused;
    if (error) {
        rest(s, session, &why);
    }
    if (refused > 0) {
        say("group %s: %" PRIu64
            " records were printed, but that may not count, and they are given to somebody again: %s",
            s->member.group, refused, why.text);
    }
}

/* One fetch; whether something came. */
static bool serve(struct sharer *s, struct share_session *session, int32_t wait_ms) {
    struct kp_arena arena;
    struct kp_share_fetch_response response;
    struct error_text why = {""};
    int64_t left = s->limit < 0 ? RECORDS_MOST : s->limit - (int64_t)s->count;
    const struct share_wants wants = {
        .wait_ms = wait_ms,
        .records = (int32_t)(left < RECORDS_MOST ? left : RECORDS_MOST),
        .exact = s->limit >= 0};
    kp_arena_init(&arena, ANSWER_MAX);
    share_outcomes_clear(&s->outcomes);
    int error = share_session_fetch(session, &wants, &arena, &response, &why);
    if (error) {
        rest(s, session, &why);
    }
    for (int32_t t = 0; !error && t < response.responses.count; t++) {
        const struct kp_share_fetch_response_topic *topic = &response.responses.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            take_part(s, session, topic, &topic->partitions.items[p]);
        }
    }
    bool any = s->outcomes.count > 0;
    if (any) {
        tell_outcomes(s, session, &arena);
    }
    kp_arena_close(&arena);
    return any;
}

/* ---- Turns ---- */

/* Every leader that is not to be left alone, one after the other. *asked: whether there was one. */
static bool serve_all(struct sharer *s, bool idle, bool *asked) {
    bool any = false;
    int32_t wait_ms = idle && s->leaders.count > 0 ? WAIT_MS / (int32_t)s->leaders.count : 0;
    *asked = false;
    for (size_t i = 0; i < s->leaders.count && goes_on(s); i++) {
        if (now_ms() >= s->leaders.sessions[i]->rest_until_ms) {
            *asked = true;
            any = serve(s, s->leaders.sessions[i], wait_ms) || any;
        }
    }
    return any;
}

/* -e: whether nothing is left for anybody of the group, also of what others hold. */
static bool is_at_end(struct sharer *s) {
    int64_t left = -1;
    return s->until_end && !s->misplaced && s->member.assigned.count > 0 &&
           share_left(s->member.admin, s->member.group, s->member.topics, s->member.topic_count,
                      &left) == ERR_NONE &&
           left == 0;
}

static void end_silence(struct sharer *s, uint64_t heard_ms) {
    bool finite = s->until_end || s->limit >= 0;
    if (finite && s->in->timeout_given && now_ms() - heard_ms >= s->in->timeout_ms) {
        s->failed = true;
        say("group %s: nothing came for %.1f s, and not everything was read", s->member.group,
            (double)s->in->timeout_ms / 1000);
    } else if (s->member.assigned.count == 0) {
        patience_say(&s->patience, "partitions from group \"%s\"", s->member.group);
    }
}

static int read_all(struct sharer *s) {
    uint64_t heard_ms = now_ms();
    bool any = true, asked = false;
    int code = EXIT_DONE;
    patience_begin(&s->patience);
    while (!code && goes_on(s)) {
        code = share_member_beat(&s->member);
        if (code) {
            break;
        }
        find_leaders(s);
        any = serve_all(s, !any, &asked);
        if (any) {
            heard_ms = now_ms();
            patience_begin(&s->patience);
            continue;
        }
        if (!asked && goes_on(s)) {
            pause_ms(REST_MS / 4);
        }
        if (asked && is_at_end(s)) {
            break;
        }
        end_silence(s, heard_ms);
    }
    return code;
}

/* ---- The call ---- */

/* What has another meaning in a share group, or none. */
static int check_options(const struct invocation *in, const char *group) {
    char word[SHELL_WORD_ROOM];
    shell_word_in(group, word);
    if (invocation_has(in, 'G')) {
        say("-G and --share are two kinds of groups; give one of the two");
    } else if (invocation_has(in, 'p')) {
        say("with --share the group shares the partitions out; leave -p out, or read without a group");
    } else if (invocation_has(in, 'o')) {
        say("with --share the group says what comes; leave -o out. A new group begins where share.auto.offset.reset says (drave config set group:%s "
            "share.auto.offset.reset=earliest); drave share reset %s --to earliest moves it",
            word, word);
    } else if (invocation_has(in, OPTION_READ_COMMITTED) ||
               invocation_has(in, OPTION_READ_UNCOMMITTED)) {
        say("what a share group reads of transactions is a setting of the group: drave config set group:%s share.isolation.level=read_committed",
            word);
    } else if (invocation_has(in, 'X')) {
        say("with --share librdkafka, whose properties -X sets, is not used; leave -X out");
    } else {
        return EXIT_DONE;
    }
    return EXIT_USAGE;
}

/* The topics that are there now: a share group is told names. */
static int open_topics(struct reading *reading, const struct invocation *in) {
    struct admin_client *admin = admin_client_for(in);
    int code = reading_open(reading, in);
    code = code ? code : reading_find_topics(reading, in, admin);
    admin_client_free(admin);
    return code;
}

static int share_all(struct sharer *s, const struct reading *reading) {
    char **names = mem_alloc((reading->topic_count + 1) * sizeof(*names));
    for (size_t i = 0; i < reading->topic_count; i++) {
        names[i] = reading->topics[i].name;
    }
    share_member_open(&s->member, s->in->bootstrap, invocation_value(s->in, OPTION_SHARE, NULL),
                      names, reading->topic_count);
    s->leaders.bootstrap = s->in->bootstrap;
    int code = read_all(s);
    bool finite = s->until_end || s->limit >= 0;
    code = code ? code : s->failed || (interrupted() && finite) ? EXIT_REFUSED : EXIT_DONE;
    share_leaders_close(&s->leaders);
    share_member_close(&s->member);
    share_outcomes_free(&s->outcomes);
    mem_free(names);
    return code;
}

int consume_as_sharer(struct invocation *in, struct record_printer *printer, int64_t limit) {
    struct reading reading = {.topics = NULL};
    struct sharer s = {
        .in = in, .printer = printer, .limit = limit, .until_end = invocation_has(in, 'e')};
    int code = check_options(in, invocation_value(in, OPTION_SHARE, NULL));
    if (code) {
        return code;
    }
    interrupt_take();
    code = open_topics(&reading, in);
    if (!code) {
        code = share_all(&s, &reading);
        if (interrupted()) {
            say_plain("%" PRIu64 " records read", s.count);
        }
        print_flush();
    }
    reading_close(&reading);
    return code;
}
