/* The steps of registration, each tried again by one timer until it is done. */
#include "broker/metadata/asking/registration.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"

enum { TRY_MS = 5000 };

struct registration {
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct broker_sessions *leases;
    bool caught_up; /* the table is as new as the leader's was after we asked */
    void (*done)(void *arg);
    void *arg;
    uint8_t directory[METADATA_UUID_SIZE];
    struct command_endpoint endpoints[BROKER_LISTENERS_MAX];
    size_t endpoint_count;
    struct metadata_submit submit;
};

static bool row_is_true(const struct registration *registration) {
    const struct metadata_broker *row = metadata_broker_of(registration->metadata,
                                                           registration->settings->node_id);
    if (row == NULL || row->fenced ||
        memcmp(row->directory, registration->directory, METADATA_UUID_SIZE) != 0 ||
        strcmp(row->rack, registration->settings->rack) != 0 ||
        row->endpoint_count != registration->endpoint_count)
        return false;
    for (size_t i = 0; i < row->endpoint_count; i++)
        if (!kp_string_is(registration->endpoints[i].listener, row->endpoints[i].listener) ||
            !kp_string_is(registration->endpoints[i].host, row->endpoints[i].host) ||
            registration->endpoints[i].port != row->endpoints[i].port)
            return false;
    return true;
}

static void registration_submit(struct registration *registration) {
    struct metadata_change change = {.validate_only = !registration->caught_up};
    metadata_command_init(&change.command, COMMAND_REGISTER_BROKER);
    struct command_register_broker *command = &change.command.register_broker;
    command->node = registration->settings->node_id;
    memcpy(command->directory.bytes, registration->directory, METADATA_UUID_SIZE);
    command->rack = kp_string_of(registration->settings->rack);
    command->endpoints.items = registration->endpoints;
    command->endpoints.count = (int32_t)registration->endpoint_count;
    metadata_group_submit(registration->group, &registration->submit, &change, TRY_MS);
}

static void on_submitted(struct metadata_submit *done, const struct metadata_result *result) {
    struct registration *registration = CONTAINER_OF(done, struct registration, submit);
    if (result->error == KAFKA_BROKER_NOT_AVAILABLE) return; /* the group closes */
    if (result->error != 0) {
        log_warn(registration->log, "waiting to register this broker: %s", result->message);
        registration_submit(registration);
        return;
    }
    if (!registration->caught_up) {
        registration->caught_up = true;
        /* The leader must know that we are back before it looks at our row. */
        broker_sessions_renew(registration->leases);
        if (!row_is_true(registration)) {
            registration_submit(registration);
            return;
        }
    }
    registration->done(registration->arg);
}

struct registration *registration_start(struct log *log, const struct broker_settings *settings,
                                        const struct registration_facts *facts,
                                        const struct metadata *metadata,
                                        struct metadata_group *group,
                                        struct broker_sessions *leases, void (*done)(void *arg),
                                        void *arg) {
    struct registration *registration = mem_zalloc(sizeof *registration);
    registration->log = log;
    registration->settings = settings;
    registration->metadata = metadata;
    registration->group = group;
    registration->leases = leases;
    registration->done = done;
    registration->arg = arg;
    registration->endpoint_count = facts->endpoint_count;
    memcpy(registration->directory, facts->directory, METADATA_UUID_SIZE);
    for (size_t i = 0; i < facts->endpoint_count; i++)
        registration->endpoints[i] = (struct command_endpoint){
            .listener = kp_string_of(mem_strdup(facts->endpoints[i].listener)),
            .host = kp_string_of(mem_strdup(facts->endpoints[i].host)),
            .port = facts->endpoints[i].port};
    registration->submit.done = on_submitted;
    registration->submit.group = group;
    registration_submit(registration);
    return registration;
}

void registration_free(struct registration *registration) {
    if (registration == NULL) return;
    metadata_group_submit_cancel(&registration->submit);
    for (size_t i = 0; i < registration->endpoint_count; i++) {
        mem_free((void *)registration->endpoints[i].listener.data);
        mem_free((void *)registration->endpoints[i].host.data);
    }
    mem_free(registration);
}
