/*
 * drave user list, set, delete, hash: who may log in.
 *
 * Happy path: set asks for a password (or reads it), makes of it what the cluster keeps, for both
 * mechanisms, and sends that; the password itself never leaves this program. hash prints the same
 * as lines of bootstrap.users.file. Failures: what the cluster refuses is said with its reason,
 * exit code 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/kafka/admin_client.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/password.h"
#include "client/line/talk.h"
#include "client/users/user_keys.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/describe_user_scram_credentials.h"

enum { ARENA_MAX = 64 << 20, PASSWORD_MAX = 255, NAME_MOST = 255 };

/* ---- Keys of a password ---- */

/* The new password; NULL: there is none (said). */
static char *new_password(const struct invocation *in) {
    const char *file = invocation_value(in, OPTION_NEW_PASSWORD_FILE, NULL);
    if (file) {
        return password_of_file(file);
    }
    if (!isatty(STDIN_FILENO)) {
        return password_of_input();
    }
    char *password = password_typed("new password: "), *again = NULL;
    if (password) {
        again = password_typed("the same again: ");
    }
    if (!password || !again || strcmp(password, again) != 0) {
        say("%s; nothing is changed",
            password ? "the two are not the same" : "there is no password");
        password_free(password);
        password = NULL;
    }
    password_free(again);
    return password;
}

static int make_keys(const struct invocation *in, struct made_keys *made) {
    const char *named = invocation_value(in, OPTION_MECHANISM, NULL);
    int32_t iterations = (int32_t)invocation_number(in, OPTION_ITERATIONS, SCRAM_ITERATIONS_USUAL,
                                                    SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX);
    enum scram_mechanism only = named ? scram_named(named, strlen(named)) : SCRAM_NONE;
    if (named && only == SCRAM_NONE) {
        say("--mechanism %s is not possible; there are SCRAM-SHA-256 and SCRAM-SHA-512", named);
        return EXIT_USAGE;
    }
    char *password = new_password(in);
    if (!password || strlen(password) > PASSWORD_MAX) {
        if (password) {
            say("a password has %d bytes at most; choose a shorter one", PASSWORD_MAX);
        }
        password_free(password);
        return EXIT_USAGE;
    }
    int error = user_keys_make(password, only, iterations, made);
    password_free(password);
    if (error) {
        say("the system gives no random bytes; nothing is changed");
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

/* ---- Changes ---- */

static int send_changes(const struct invocation *in,
                        const struct kp_alter_user_scram_credentials_request *request,
                        const char *done) {
    struct kp_alter_user_scram_credentials_response response;
    struct error_text why = {""};
    struct kp_arena arena;
    int code = EXIT_DONE;
    kp_arena_init(&arena, ARENA_MAX);
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_ALTER_USER_SCRAM_CREDENTIALS, 0, request, &arena, &response,
                              NULL, &why);
    if (error) {
        code = admin_failed(error, &why);
    }
    for (int32_t i = 0; !error && i < response.results.count; i++) {
        const struct kp_alter_user_scram_credentials_response_result *row =
            &response.results.items[i];
        const char *text = cluster_text(&arena, row->error_message);
        if (row->error_code) {
            say("user \"%s\": %s", cluster_text(&arena, row->user),
                *text ? text : kafka_error_message(row->error_code));
            code = EXIT_REFUSED;
        } else {
            say("user \"%s\" %s; drave user list shows all", cluster_text(&arena, row->user), done);
        }
    }
    admin_client_free(admin);
    kp_arena_close(&arena);
    return code;
}

int command_user_set(struct invocation *in) {
    struct made_keys made;
    struct kp_alter_user_scram_credentials_request_upsertion rows[SCRAM_MECHANISMS];
    struct kp_alter_user_scram_credentials_request request;
    kp_set_fallbacks(&kp_alter_user_scram_credentials_request_schema, &request);
    int code = make_keys(in, &made);
    if (code) {
        return code;
    }
    for (int i = 0; i < made.count; i++) {
        const struct made_key *key = &made.keys[i];
        rows[i] = (struct kp_alter_user_scram_credentials_request_upsertion){
            .name = kp_string_of(in->words[0]),
            .mechanism = (int8_t)key->mechanism,
            .iterations = key->iterations,
            .salt = {.data = key->salt, .len = sizeof(key->salt)},
            .salted_password = {.data = key->salted,
                                .len = (int32_t)scram_hash_size(key->mechanism)}};
    }
    request.upsertions.items = rows;
    request.upsertions.count = made.count;
    if (invocation_has(in, OPTION_DRY_RUN)) {
        say("user \"%s\" would get a new password; leave --dry-run out for that", in->words[0]);
    } else {
        code = send_changes(in, &request, "can log in with that password");
    }
    scram_wipe(&made, sizeof(made));
    return code;
}

int command_user_hash(struct invocation *in) {
    struct made_keys made;
    char line[USER_LINE_MAX];
    if (strlen(in->words[0]) > NAME_MOST) {
        say("the name of a user has %d bytes at most; choose a shorter one", NAME_MOST);
        return EXIT_USAGE;
    }
    int code = make_keys(in, &made);
    for (int i = 0; !code && i < made.count; i++) {
        user_key_line(in->words[0], &made.keys[i], line);
        print_text("%s\n", line);
    }
    scram_wipe(&made, sizeof(made));
    return code;
}

/* ---- Who there is ---- */

static int ask_users(struct invocation *in, struct kp_arena *arena,
                     struct kp_describe_user_scram_credentials_response *response) {
    struct kp_describe_user_scram_credentials_request request;
    struct error_text why = {""};
    kp_set_fallbacks(&kp_describe_user_scram_credentials_request_schema, &request);
    request.users.count = in->word_count == 0 ? -1 : in->word_count;
    request.users.items = kp_arena_alloc(arena, (size_t)(in->word_count + 1) *
                                                    sizeof(*request.users.items));
    for (int i = 0; i < in->word_count; i++) {
        request.users.items[i].name = kp_string_of(in->words[i]);
    }
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, &request, arena,
                              response, NULL, &why);
    admin_client_free(admin);
    if (error) {
        return admin_failed(error, &why);
    }
    if (response->error_code) {
        say("%s", kafka_error_message(response->error_code));
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

int command_user_list(struct invocation *in) {
    struct kp_describe_user_scram_credentials_response response;
    struct kp_arena arena;
    static const char *const columns[] = {"USER", "MECHANISM", "ITERATIONS"};
    kp_arena_init(&arena, ARENA_MAX);
    int code = ask_users(in, &arena, &response);
    json_t *list = json_array();
    bool missing = false;
    struct table *table = code || in->json ? NULL : table_new(columns, 3);
    for (int32_t i = 0; !code && i < response.results.count; i++) {
        const struct kp_describe_user_scram_credentials_response_result *row =
            &response.results.items[i];
        const char *user = cluster_text(&arena, row->user);
        if (row->error_code) {
            say("%s", cluster_text(&arena, row->error_message));
            missing = true;
            continue;
        }
        json_t *mechanisms = json_object();
        for (int32_t k = 0; k < row->credential_infos.count; k++) {
            int mechanism = row->credential_infos.items[k].mechanism;
            const char *name = mechanism > 0 && mechanism < SCRAM_MECHANISMS
                                   ? scram_name((enum scram_mechanism)mechanism)
                                   : "?";
            char number[16];
            snprintf(number, sizeof(number), "%" PRId32, row->credential_infos.items[k].iterations);
            if (table) {
                table_row(table, (const char *const[]){user, name, number});
            }
            json_object_set_new(mechanisms, name,
                                json_integer(row->credential_infos.items[k].iterations));
        }
        json_array_append_new(list, json_pack("{s:s,s:o}", "user", user, "mechanisms", mechanisms));
    }
    if (!code && in->json) {
        print_json(json_incref(list));
    }
    json_decref(list);
    if (table) {
        table_print(table);
    }
    kp_arena_close(&arena);
    return code ? code : missing ? EXIT_REFUSED : EXIT_DONE;
}

int command_user_delete(struct invocation *in) {
    struct kp_describe_user_scram_credentials_response there;
    struct kp_alter_user_scram_credentials_request request;
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA_MAX);
    kp_set_fallbacks(&kp_alter_user_scram_credentials_request_schema, &request);
    int code = ask_users(in, &arena, &there);
    if (!code) {
        request.deletions.items = kp_arena_alloc(&arena, (size_t)(there.results.count + 1) *
                                                             SCRAM_MECHANISMS *
                                                             sizeof(*request.deletions.items));
    }
    for (int32_t i = 0; !code && i < there.results.count; i++) {
        const struct kp_describe_user_scram_credentials_response_result *row =
            &there.results.items[i];
        if (row->error_code) {
            say("%s", cluster_text(&arena, row->error_message));
            code = EXIT_REFUSED;
        }
        for (int32_t k = 0; k < row->credential_infos.count && k < SCRAM_MECHANISMS; k++) {
            request.deletions.items[request.deletions.count++] =
                (struct kp_alter_user_scram_credentials_request_deletion){
                    .name = row->user, .mechanism = row->credential_infos.items[k].mechanism};
        }
    }
    if (!code && invocation_has(in, OPTION_DRY_RUN)) {
        say("%d users would be deleted; leave --dry-run out for that", in->word_count);
    } else if (!code) {
        code = send_changes(in, &request, "is deleted");
    }
    kp_arena_close(&arena);
    return code;
}
