/* One submit at a time. */
#include "broker/metadata/asking/user_founding.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/metadata_features.h"
#include "broker/users/users_file.h"
#include "protocol/kafka_error.h"

enum { SUBMIT_MS = 10 * 1000 };

struct user_founding {
    struct env *env;
    struct log *log;
    const struct metadata *metadata;
    struct metadata_group *group; /* NULL: not open */
    struct user_table first;      /* of the file */
    struct metadata_submit submit;
    bool submitting, said; /* the users of the file */
    bool saying;
};

static void on_submitted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct user_founding *founding = CONTAINER_OF(submit, struct user_founding, submit);
    founding->submitting = false;
    if (result->error == KAFKA_NONE && founding->saying) {
        founding->said = true;
        log_event(founding->log, LOGGED_USERS_CHANGED,
                  "the users of bootstrap.users.file may log in: the cluster had none");
    }
    if (result->error == KAFKA_NONE || result->error == KAFKA_REQUEST_TIMED_OUT)
        user_founding_look(founding);
}

static struct kp_bytes bytes_of(const uint8_t *data, size_t len) {
    return (struct kp_bytes){.data = data, .len = (int32_t)len};
}

static void submit(struct user_founding *founding) {
    const struct user_table *first = &founding->first;
    struct metadata_change change = {.validate_only = false};
    struct command_user_key *keys = mem_zalloc((first->count + 1) * sizeof *keys);
    uint8_t secret[USER_SECRET_SIZE];
    env_random(founding->env, secret, sizeof secret);
    metadata_command_init(&change.command, COMMAND_SET_USERS);
    struct command_set_users *command = &change.command.set_users;
    command->first = true;
    command->secret = bytes_of(secret, sizeof secret);
    for (size_t i = 0; founding->saying && i < first->count; i++) {
        const struct user_key *row = &first->rows[i];
        size_t size = scram_hash_size(row->mechanism);
        keys[i] = (struct command_user_key){.name = kp_string_of(row->name),
                                            .mechanism = (int8_t)row->mechanism,
                                            .iterations = row->iterations,
                                            .salt = bytes_of(row->salt, row->salt_len),
                                            .stored_key = bytes_of(row->keys.stored, size),
                                            .server_key = bytes_of(row->keys.server, size)};
        command->keys.count++;
    }
    command->keys.items = keys;
    founding->submitting = true;
    founding->submit.done = on_submitted;
    metadata_group_submit(founding->group, &founding->submit, &change, SUBMIT_MS);
    scram_wipe(secret, sizeof secret);
    mem_free(keys);
}

void user_founding_look(struct user_founding *founding) {
    if (founding->group == NULL || founding->submitting ||
        !metadata_group_is_leading(founding->group) ||
        metadata_feature_level(founding->metadata, FEATURE_SECURITY_VERSION) < 1)
        return;
    const struct user_table *users = metadata_users(founding->metadata);
    founding->saying = !founding->said && founding->first.count > 0 && users->count == 0;
    if (founding->saying || !users->has_secret) submit(founding);
}

int user_founding_new(struct env *env, struct log *log, const char *path,
                      struct user_founding **out, struct error_text *why) {
    struct user_founding *founding = mem_zalloc(sizeof *founding);
    founding->env = env;
    founding->log = log;
    int error = path[0] == '\0' ? ERR_NONE : users_file_read(path, &founding->first, why);
    if (error == ERR_NONE)
        *out = founding;
    else
        user_founding_free(founding);
    return error;
}

void user_founding_open(struct user_founding *founding, const struct metadata *metadata,
                        struct metadata_group *group) {
    founding->metadata = metadata;
    founding->group = founding->submit.group = group;
}

void user_founding_close(struct user_founding *founding) {
    if (founding == NULL || founding->group == NULL) return;
    metadata_group_submit_cancel(&founding->submit);
    founding->submitting = false;
    founding->group = NULL;
}

void user_founding_free(struct user_founding *founding) {
    if (founding == NULL) return;
    user_founding_close(founding);
    user_table_close(&founding->first);
    mem_free(founding);
}
