/*
 * drave meta voters: which brokers vote on the metadata, and which are to.
 *
 * Happy path: without a list, those that vote, those that follow, and how far each is, as the
 * leader of the metadata says it; with one, it is asked that those vote and no others, and with
 * --wait that is waited for. Failures: what the cluster refuses is said with its reason, exit code
 * 1; so is what is not so when the time is over: it goes on all the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "client/session/meta_quorum.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"

enum { VOTERS_MAX = 64, PAUSE_MS = 200, LOOK_MS = 1000, ARENA_MAX = 8 << 20 };

struct voters {
    int32_t nodes[VOTERS_MAX];
    int32_t count;
};

/* "1,2,3". False: it is not that. */
static bool parse_voters(const char *text, struct voters *voters) {
    while (voters->count < VOTERS_MAX) {
        char *end;
        long id = strtol(text, &end, 10);
        if (end == text || id < 0 || id > INT32_MAX) return false;
        voters->nodes[voters->count++] = (int32_t)id;
        if (*end == '\0') return true;
        if (*end != ',') return false;
        text = end + 1;
    }
    return false;
}

/* ---- What is so ---- */

static json_t *replica_json(const struct kp_describe_quorum_response_partition *quorum,
                            const struct kp_describe_quorum_response_replica *replica, bool votes) {
    return json_pack("{s:i,s:b,s:b,s:I}", "broker", (int)replica->replica_id, "votes", votes,
                     "leads", replica->replica_id == quorum->leader_id, "end",
                     (json_int_t)replica->log_end_offset);
}

static void print_replica(const struct kp_describe_quorum_response_partition *quorum,
                          const struct kp_describe_quorum_response_replica *replica, bool votes) {
    int64_t lacks = quorum->high_watermark - replica->log_end_offset;
    char far[40] = "not heard";
    if (replica->log_end_offset >= 0)
        snprintf(far, sizeof far, "lacks %" PRId64, lacks > 0 ? lacks : 0);
    print_text("%-8" PRId32 "%-10s%s\n", replica->replica_id,
               replica->replica_id == quorum->leader_id ? "leads"
               : votes                                  ? "votes"
                                                        : "follows",
               far);
}

static int list(const struct invocation *in) {
    struct session session;
    struct error_text why = {""};
    session_begin(&session, in);
    const struct kp_describe_quorum_response_partition *quorum = meta_quorum_ask(&session, &why);
    if (quorum == NULL) return session_end(&session, admin_failed(ERR_INVALID, &why));
    json_t *rows = json_array();
    for (int votes = 1; votes >= 0; votes--) {
        int32_t count = votes ? quorum->current_voters.count : quorum->observers.count;
        for (int32_t i = 0; i < count; i++) {
            const struct kp_describe_quorum_response_replica *replica =
                votes ? &quorum->current_voters.items[i] : &quorum->observers.items[i];
            if (in->json)
                json_array_append_new(rows, replica_json(quorum, replica, votes));
            else
                print_replica(quorum, replica, votes);
        }
    }
    if (in->json) print_json(json_incref(rows));
    json_decref(rows);
    return session_end(&session, EXIT_DONE);
}

/* ---- What is to be ---- */

static int ask_voters(struct session *session, const struct voters *voters, bool dry_run) {
    struct kp_alter_broker_request request;
    struct kp_alter_broker_response response;
    struct error_text why = {""};
    kp_set_fallbacks(&kp_alter_broker_request_schema, &request);
    request.broker_id = -1;
    request.change = KP_BROKER_VOTERS;
    request.validate_only = dry_run;
    request.timeout_ms = admin_client_answer_ms(session->admin);
    request.voters.items = (int32_t *)voters->nodes;
    request.voters.count = voters->count;
    int error = admin_request(session->admin, KP_ALTER_BROKER, 0, &request, &session->arena,
                              &response, NULL, &why);
    if (error != ERR_NONE) return admin_failed(error, &why);
    if (response.error_code == KAFKA_NONE) return EXIT_DONE;
    say("%s", cluster_text(&session->arena, response.error_message));
    return EXIT_REFUSED;
}

static bool is_so(const struct kp_describe_quorum_response_partition *quorum,
                  const struct voters *voters) {
    if (quorum == NULL || quorum->current_voters.count != voters->count) return false;
    for (int32_t i = 0; i < voters->count; i++) {
        int32_t at = 0;
        while (at < quorum->current_voters.count &&
               quorum->current_voters.items[at].replica_id != voters->nodes[i])
            at++;
        if (at == quorum->current_voters.count) return false;
    }
    return true;
}

static int wait_for(const struct invocation *in, const struct voters *voters) {
    struct patience patience;
    uint64_t until_ms = now_ms() + invocation_duration(in, OPTION_WAIT, 0, 0, 86400);
    patience_begin(&patience);
    for (;;) {
        struct error_text why = {""};
        struct session session = {.admin = admin_client_new_quiet(in->bootstrap, LOOK_MS)};
        kp_arena_init(&session.arena, ARENA_MAX);
        bool done = is_so(meta_quorum_ask(&session, &why), voters);
        session_end(&session, 0);
        if (done) return EXIT_DONE;
        if (now_ms() >= until_ms) {
            say("the time is over, and others vote still; it goes on, and drave meta voters shows "
                "when it is so");
            return EXIT_REFUSED;
        }
        patience_say(&patience, "those brokers to vote, and no others");
        pause_ms(PAUSE_MS);
    }
}

int command_meta_voters(struct invocation *in) {
    struct voters voters = {.count = 0};
    struct session session;
    if (in->word_count == 0) return list(in);
    if (!parse_voters(in->words[0], &voters)) {
        say("%s is no list of brokers; write their ids, for example 1,2,4 (drave info lists them)",
            in->words[0]);
        return EXIT_USAGE;
    }
    bool dry_run = invocation_has(in, OPTION_DRY_RUN);
    session_begin(&session, in);
    int code = session_end(&session, ask_voters(&session, &voters, dry_run));
    if (code == EXIT_DONE && !dry_run && invocation_has(in, OPTION_WAIT))
        code = wait_for(in, &voters);
    if (code != EXIT_DONE) return code;
    if (in->json)
        print_json(json_pack("{s:s,s:b}", "voters", in->words[0], "dry_run", dry_run));
    else
        say_plain(dry_run ? "brokers %s would vote on the metadata (--dry-run)"
                          : "brokers %s are to vote on the metadata, one change after the other",
                  in->words[0]);
    return EXIT_DONE;
}
