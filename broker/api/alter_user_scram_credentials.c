/*
 * AlterUserScramCredentials (key 51): passwords of users are set and taken away, at any broker.
 * KIP-554.
 *
 * Happy path: what is sound is one command of the metadata, and the answer leaves when this
 * broker's table has it. The keys are made here of what the client made of the password; nothing of
 * that is kept. Failures are per user, and of a user all is done or nothing: DUPLICATE_RESOURCE (a
 * mechanism of his twice), UNACCEPTABLE_CREDENTIAL with a sentence, UNSUPPORTED_SASL_MECHANISM,
 * RESOURCE_NOT_FOUND (a key that is to go and is not there), CLUSTER_AUTHORIZATION_FAILED, and what
 * the metadata leader says.
 */
#include "protocol/messages/alter_user_scram_credentials.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "broker/users/user_table.h"
#include "protocol/kafka_error.h"

enum { CHANGES_MOST = 1000, TIMEOUT_MS = 8000, SHOWN = 128 };

struct user_change {
    struct kp_string name;
    int8_t mechanism;
    struct user_key key; /* iterations 0: it goes */
    size_t user;         /* the place of the first change of the same user, which has his error */
    int16_t error;
    const char *message;
};

struct user_changes {
    const struct broker_services *services;
    struct request *request;
    struct user_change *items;
    size_t count;
    struct key_set users, keys;
    struct metadata_submit submit;
};

static struct key key_of_user(const void *owner, size_t place) {
    const struct user_changes *changes = owner;
    return (struct key){.text = changes->items[place].name};
}

static struct key key_of_mechanism(const void *owner, size_t place) {
    const struct user_changes *changes = owner;
    return (struct key){.text = changes->items[place].name,
                        .number = changes->items[place].mechanism};
}

/* ---- Checks ---- */

/* The first thing that is wrong with a user counts. */
static void set_error(struct user_changes *changes, size_t place, int16_t error,
                      const char *message) {
    struct user_change *user = &changes->items[changes->items[place].user];
    if (user->error != KAFKA_NONE) return;
    user->error = error;
    user->message = message;
}

static void check_change(struct user_changes *changes, size_t place) {
    struct user_change *item = &changes->items[place];
    const char *name = item->name.data;
    size_t len = item->name.len < 0 ? 0 : (size_t)item->name.len;
    item->user = key_set_put(&changes->users, place);
    if (key_set_put(&changes->keys, place) != place)
        set_error(changes, place, KAFKA_DUPLICATE_RESOURCE,
                  "A user credential cannot be altered twice in the same request");
    else if (user_name_fault(name, len) != NULL)
        set_error(changes, place, KAFKA_UNACCEPTABLE_CREDENTIAL, user_name_fault(name, len));
    else if (item->mechanism <= SCRAM_NONE || item->mechanism >= SCRAM_MECHANISMS)
        set_error(changes, place, KAFKA_UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism");
    else if (item->key.iterations != 0 && user_key_fault(&item->key) != NULL)
        set_error(changes, place, KAFKA_UNACCEPTABLE_CREDENTIAL, user_key_fault(&item->key));
    else if (item->key.iterations == 0 &&
             user_table_find(metadata_users(changes->services->metadata), name, len,
                             (enum scram_mechanism)item->mechanism) == NULL)
        set_error(changes, place, KAFKA_RESOURCE_NOT_FOUND,
                  "Attempt to delete a user credential that does not exist");
}

static void take_deletion(struct user_changes *changes,
                          const struct kp_alter_user_scram_credentials_request_deletion *asked) {
    struct user_change *item = &changes->items[changes->count];
    *item = (struct user_change){.name = asked->name, .mechanism = asked->mechanism};
    check_change(changes, changes->count++);
}

static void take_upsertion(struct user_changes *changes,
                           const struct kp_alter_user_scram_credentials_request_upsertion *asked) {
    size_t place = changes->count;
    struct user_change *item = &changes->items[place];
    bool known = asked->mechanism > SCRAM_NONE && asked->mechanism < SCRAM_MECHANISMS;
    *item = (struct user_change){.name = asked->name, .mechanism = asked->mechanism};
    item->key.mechanism = known ? (enum scram_mechanism)asked->mechanism : SCRAM_NONE;
    item->key.iterations = asked->iterations == 0 ? -1 : asked->iterations;
    if (asked->salt.len >= 0 && asked->salt.len <= SCRAM_SALT_MAX) {
        item->key.salt_len = (size_t)asked->salt.len;
        memcpy(item->key.salt, asked->salt.data, item->key.salt_len);
    }
    check_change(changes, place);
    changes->count++;
    if (changes->items[item->user].error != KAFKA_NONE) return;
    if ((size_t)asked->salted_password.len != scram_hash_size(item->key.mechanism))
        set_error(changes, place, KAFKA_UNACCEPTABLE_CREDENTIAL,
                  "the salted password has not the length of the mechanism's hash");
    else
        scram_keys_of(item->key.mechanism, asked->salted_password.data, &item->key.keys);
}

/* ---- Answer ---- */

static void changes_wipe(struct request *request) {
    struct user_changes *changes = request->state;
    scram_wipe(changes->items, changes->count * sizeof *changes->items);
}

static void answer_changes(struct user_changes *changes) {
    struct request *request = changes->request;
    struct kp_alter_user_scram_credentials_response response;
    kp_set_fallbacks(&kp_alter_user_scram_credentials_response_schema, &response);
    struct kp_alter_user_scram_credentials_response_result *results = kp_new_items(
        &request->arena, &kp_alter_user_scram_credentials_response_result_schema, &response.results,
        (int32_t)changes->count + 1);
    if (results == NULL) {
        request_close_too_large(request);
        return;
    }
    response.results.count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        const struct user_change *item = &changes->items[i];
        if (item->user != i) continue;
        results[response.results.count++] =
            (struct kp_alter_user_scram_credentials_response_result){
                .user = item->name,
                .error_code = item->error,
                .error_message = item->message == NULL ? KP_NULL_STRING
                                                       : kp_string_of(item->message)};
    }
    request_respond(request, &response);
}

static void log_change(const struct user_changes *changes, const struct user_change *item) {
    const struct request_ctx *ctx = &changes->request->ctx;
    log_event(changes->services->log, LOGGED_USERS_CHANGED,
              "%s at %s (listener %s) has %s of user '%.*s'", ctx->principal, ctx->peer,
              ctx->listener,
              item->key.iterations == 0 ? "taken away a password" : "set the password",
              item->name.len < SHOWN ? (int)item->name.len : SHOWN, item->name.data);
}

static void on_changed(struct metadata_submit *submit, const struct metadata_result *result) {
    struct user_changes *changes = CONTAINER_OF(submit, struct user_changes, submit);
    const char *message =
        result->error == KAFKA_NONE
            ? NULL
            : kp_arena_printf(&changes->request->arena, "%s", result->message).data;
    for (size_t i = 0; i < changes->count; i++) {
        struct user_change *item = &changes->items[i];
        if (changes->items[item->user].error != KAFKA_NONE) continue;
        if (result->error == KAFKA_NONE)
            log_change(changes, item);
        else if (item->user == i)
            item->message = message;
    }
    for (size_t i = 0; result->error != KAFKA_NONE && i < changes->count; i++)
        if (changes->items[i].user == i && changes->items[i].error == KAFKA_NONE)
            changes->items[i].error = result->error;
    answer_changes(changes);
}

/* ---- All of it ---- */

static struct kp_bytes bytes_of(const uint8_t *data, size_t len) {
    return (struct kp_bytes){.data = data, .len = (int32_t)len};
}

static void submit_changes(struct user_changes *changes, struct command_user_key *keys) {
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_SET_USERS);
    struct command_set_users *command = &change.command.set_users;
    command->keys.items = keys;
    for (size_t i = 0; i < changes->count; i++) {
        const struct user_change *item = &changes->items[i];
        const struct user_key *key = &item->key;
        size_t size = scram_hash_size(key->mechanism);
        if (changes->items[item->user].error != KAFKA_NONE) continue;
        keys[command->keys.count++] = (struct command_user_key){
            .name = item->name,
            .mechanism = item->mechanism,
            .iterations = key->iterations,
            .salt = bytes_of(key->salt, key->salt_len),
            .stored_key = bytes_of(key->keys.stored, size),
            .server_key = bytes_of(key->keys.server, size)};
    }
    changes->submit.done = on_changed;
    if (command->keys.count == 0)
        answer_changes(changes);
    else
        metadata_group_submit(changes->services->metadata_group, &changes->submit, &change,
                              TIMEOUT_MS);
}

void api_alter_user_scram_credentials(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_alter_user_scram_credentials_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    size_t count = (size_t)asked->deletions.count + (size_t)asked->upsertions.count;
    struct user_changes *changes = kp_arena_alloc(arena, sizeof *changes);
    struct command_user_key *keys = kp_arena_alloc(arena, (count + 1) * sizeof *keys);
    struct user_change *items = kp_arena_alloc(arena, (count + 1) * sizeof *items);
    uint64_t seed = env_random_u64(services->env);
    if (changes == NULL || keys == NULL || items == NULL || count > CHANGES_MOST) {
        request_close_because(request, "it changes more than %d users at once", CHANGES_MOST);
        return;
    }
    *changes = (struct user_changes){.services = services, .request = request, .items = items};
    if (!key_set_init(&changes->users, arena, count, seed, key_of_user, changes) ||
        !key_set_init(&changes->keys, arena, count, seed, key_of_mechanism, changes)) {
        request_close_too_large(request);
        return;
    }
    request->state = changes;
    request->released = changes_wipe;
    for (int32_t i = 0; i < asked->deletions.count; i++)
        take_deletion(changes, &asked->deletions.items[i]);
    for (int32_t i = 0; i < asked->upsertions.count; i++)
        take_upsertion(changes, &asked->upsertions.items[i]);
    bool may = authorize(&request->ctx, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, NULL, 0);
    for (size_t i = 0; !may && i < changes->count; i++) { /* and is told nothing else */
        items[i].error = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        items[i].message = kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED);
    }
    submit_changes(changes, keys);
}
