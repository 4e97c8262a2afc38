/*
 * drave doctor: numbered checks of a cluster, each with what was found, why it matters, what to do.
 *
 * Happy path: all brokers are asked once, the metadata is read once, every check looks at that.
 * Ends with 0, also with remarks; 1 when something is wrong; 3 when nobody is reachable. Failures:
 * what cannot be known is said to be unknown.
 */
#include "client/health/doctor.h"

#include "client/line/command.h"
#include "client/line/talk.h"

enum { ARENA_MAX = 256 << 20 };

static const char *const verdicts[] = {[VERDICT_WELL] = "well",
                                       [VERDICT_REMARK] = "remark",
                                       [VERDICT_TROUBLE] = "trouble",
                                       [VERDICT_UNKNOWN] = "unknown"};

static void print_finding(const struct check *check, const struct finding *finding) {
    static const char marks[] = {[VERDICT_WELL] = ' ',
                                 [VERDICT_REMARK] = '-',
                                 [VERDICT_TROUBLE] = '!',
                                 [VERDICT_UNKNOWN] = '?'};
    print_text("%c %2d %-14s %s\n", marks[finding->verdict], check->number, check->name,
               finding->text);
    if (finding->verdict == VERDICT_REMARK || finding->verdict == VERDICT_TROUBLE) {
        print_text("     why:  %s\n     do:   %s\n", check->why, check->then);
    }
}

static json_t *json_of(const struct check *check, const struct finding *finding) {
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:s}", "number", check->number, "name", check->name,
                     "verdict", verdicts[finding->verdict], "text", finding->text, "why",
                     check->why, "do", check->then);
}

static int examine(const struct invocation *in, const struct patient *patient) {
    json_t *list = json_array();
    int troubles = 0;
    for (size_t i = 0; i < doctor_check_count; i++) {
        const struct check *check = &doctor_checks[i];
        struct finding finding = {.verdict = VERDICT_WELL};
        check->look(patient, &finding);
        troubles += finding.verdict == VERDICT_TROUBLE;
        if (in->json) {
            json_array_append_new(list, json_of(check, &finding));
        } else {
            print_finding(check, &finding);
        }
    }
    if (in->json) {
        print_json(json_incref(list));
    }
    json_decref(list);
    return troubles > 0 ? EXIT_REFUSED : EXIT_DONE;
}

int command_doctor(struct invocation *in) {
    struct cluster_status status;
    int code = cluster_status_ask(in, &doctor_wish, &status);
    if (code == EXIT_DONE) {
        struct admin_client *admin = admin_client_for(in);
        struct kp_arena arena;
        struct kp_metadata_response metadata;
        struct error_text why;
        kp_arena_init(&arena, ARENA_MAX);
        bool known = cluster_ask(admin, &arena, NULL, &metadata, &why) == ERR_NONE;
        code = examine(in, &(struct patient){&status, known ? &metadata : NULL});
        kp_arena_close(&arena);
        admin_client_free(admin);
    }
    cluster_status_close(&status);
    return code;
}
