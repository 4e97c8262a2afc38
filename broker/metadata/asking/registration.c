/* The steps of registration, each tried again by one timer until it is done. */
#include "broker/metadata/asking/registration.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"

enum { TRY_MS = 5000 };

struct registration {
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct broker_sessions *leases;
    bool caught_up; /* the table is as new as the leader's was after we asked */
    bool asking;    /* a submit is under way */
    bool outdated;  /* with facts of before */
    const struct registration_events *events;
    bool done;
    void *arg;
    uint8_t directory[METADATA_UUID_SIZE];
    struct command_endpoint endpoints[BROKER_LISTENERS_MAX];
    size_t endpoint_count;
    char *peer_host;
    int32_t peer_port;
    struct metadata_submit submit;
    struct env_timer *again; /* it was refused */
};

/* Nothing to say is as good as what is there. */
static bool peer_address_is_true(const struct registration *registration) {
    const struct roster_broker *row = metadata_roster_of(registration->metadata,
                                                         registration->settings->node_id);
    return row == NULL || registration->peer_host[0] == '\0' ||
           (row->port == registration->peer_port &&
            strcmp(row->host, registration->peer_host) == 0);
}

static bool features_are_true(const struct metadata_broker *row) {
    size_t count;
    const struct metadata_feature *known = metadata_features_known(&count);
    bool same = row->feature_count == count;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(row->features[i].name, known[i].name) == 0 &&
               row->features[i].min == known[i].min && row->features[i].max == known[i].max;
    return same;
}

static bool row_is_true(const struct registration *registration) {
    const struct metadata_broker *row = metadata_broker_of(registration->metadata,
                                                           registration->settings->node_id);
    if (row == NULL || row->fenced ||
        memcmp(row->directory, registration->directory, METADATA_UUID_SIZE) != 0 ||
        strcmp(row->rack, registration->settings->rack) != 0 ||
        row->endpoint_count != registration->endpoint_count ||
        !peer_address_is_true(registration) || !features_are_true(row))
        return false;
    for (size_t i = 0; i < row->endpoint_count; i++)
        if (!kp_string_is(registration->endpoints[i].listener, row->endpoints[i].listener) ||
            !kp_string_is(registration->endpoints[i].host, row->endpoints[i].host) ||
            registration->endpoints[i].port != row->endpoints[i].port)
            return false;
    return true;
}

enum { FEATURES_MOST = 8 };

static int32_t list_features(struct command_feature features[FEATURES_MOST]) {
    size_t count;
    const struct metadata_feature *known = metadata_features_known(&count);
    CHECK(count <= FEATURES_MOST); /* our own list */
    for (size_t i = 0; i < count; i++)
        features[i] = (struct command_feature){
            .name = kp_string_of(known[i].name), .min = known[i].min, .max = known[i].max};
    return (int32_t)count;
}

static void registration_submit(struct registration *registration) {
    registration->asking = true;
    registration->outdated = false;
    env_timer_stop(registration->again);
    struct metadata_change change = {.validate_only = !registration->caught_up};
    metadata_command_init(&change.command, COMMAND_REGISTER_BROKER);
    struct command_register_broker *command = &change.command.register_broker;
    command->node = registration->settings->node_id;
    memcpy(command->directory.bytes, registration->directory, METADATA_UUID_SIZE);
    command->rack = kp_string_of(registration->settings->rack);
    command->endpoints.items = registration->endpoints;
    command->endpoints.count = (int32_t)registration->endpoint_count;
    command->peer_host = kp_string_of(registration->peer_host);
    command->peer_port = registration->peer_port;
    struct command_feature features[FEATURES_MOST];
    command->features.items = features;
    command->features.count = list_features(features);
    metadata_group_submit(registration->group, &registration->submit, &change, TRY_MS);
}

static void try_again(void *arg) {
    registration_submit(arg);
}

static void on_submitted(struct metadata_submit *done, const struct metadata_result *result) {
    struct registration *registration = CONTAINER_OF(done, struct registration, submit);
    registration->asking = false;
    if (result->error == KAFKA_BROKER_NOT_AVAILABLE) return; /* the group closes */
    if (result->error != 0) {
        log_event(registration->log, LOGGED_REGISTRATION_WAITS,
                  "waiting to register this broker: %s", result->message);
        if (result->error == KAFKA_REQUEST_TIMED_OUT)
            registration_submit(registration);
        else /* each try is an entry in the log of the metadata */
            env_timer_start(registration->again, TRY_MS * UINT64_C(1000));
        return;
    }
    bool first = !registration->caught_up;
    registration->caught_up = true;
    /* The leader must know that we are back before it looks at our row. */
    if (first) {
        broker_sessions_renew(registration->leases);
        registration->events->caught_up(registration->arg);
    }
    if ((first || registration->outdated) && !row_is_true(registration)) {
        registration_submit(registration);
        return;
    }
    bool was_done = registration->done;
    registration->done = true;
    if (!was_done) registration->events->done(registration->arg);
}

static void drop_endpoints(struct registration *registration) {
    for (size_t i = 0; i < registration->endpoint_count; i++) {
        mem_free((void *)registration->endpoints[i].listener.data);
        mem_free((void *)registration->endpoints[i].host.data);
    }
    registration->endpoint_count = 0;
    mem_free(registration->peer_host);
}

static void take_endpoints(struct registration *registration,
                           const struct registration_facts *facts) {
    registration->endpoint_count = facts->endpoint_count;
    registration->peer_host = mem_strdup(facts->peer_host);
    registration->peer_port = facts->peer_port;
    for (size_t i = 0; i < facts->endpoint_count; i++)
        registration->endpoints[i] = (struct command_endpoint){
            .listener = kp_string_of(mem_strdup(facts->endpoints[i].listener)),
            .host = kp_string_of(mem_strdup(facts->endpoints[i].host)),
            .port = facts->endpoints[i].port};
}

void registration_update(struct registration *registration,
                         const struct registration_facts *facts) {
    drop_endpoints(registration);
    take_endpoints(registration, facts);
    if (registration->asking)
        registration->outdated = true;
    else if (!row_is_true(registration))
        registration_submit(registration);
}

void registration_leader_changed(struct registration *registration) {
    if (row_is_true(registration) && !metadata_features_undecided(registration->metadata)) return;
    if (registration->asking)
        registration->outdated = true;
    else
        registration_submit(registration);
}

struct registration *registration_start(struct log *log, const struct broker_settings *settings,
                                        const struct registration_facts *facts,
                                        const struct metadata *metadata,
                                        struct metadata_group *group,
                                        struct broker_sessions *leases,
                                        const struct registration_events *events, void *arg) {
    struct registration *registration = mem_zalloc(sizeof *registration);
    registration->log = log;
    registration->settings = settings;
    registration->metadata = metadata;
    registration->group = group;
    registration->leases = leases;
    registration->events = events;
    registration->arg = arg;
    memcpy(registration->directory, facts->directory, METADATA_UUID_SIZE);
    take_endpoints(registration, facts);
    registration->submit.done = on_submitted;
    registration->submit.group = group;
    registration->again = env_timer_new(log->env, try_again, registration);
    registration_submit(registration);
    return registration;
}

void registration_free(struct registration *registration) {
    if (registration == NULL) return;
    metadata_group_submit_cancel(&registration->submit);
    env_timer_free(registration->again);
    drop_endpoints(registration);
    mem_free(registration);
}
