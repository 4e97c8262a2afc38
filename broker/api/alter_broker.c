/*
 * AlterBroker (key 10005, ours): who belongs to the cluster, for `drave broker`, and what goes on
 * without a majority, for `drave recover`. At any broker; a newcomer is admitted, or takes the
 * place of another directory, by one that has heard it ask.
 *
 * Happy path: the change is committed by the metadata group, and the answer leaves when this
 * broker's table has it. Failures: RESOURCE_NOT_FOUND, nobody with that id asks this broker to be
 * admitted; DUPLICATE_RESOURCE, two do, or the id or the directory is taken; what the metadata
 * leader says.
 */
#include "protocol/messages/alter_broker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/cluster/applicants.h"
#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "raft-glue/peer/peers.h"
#include "raft-glue/raft_group.h"

enum { TIMEOUT_LEAST_MS = 100, TIMEOUT_MOST_MS = 120000, REPLICAS_A_PIECE = 500 };

struct altering_broker {
    struct request *request;
    const struct broker_services *services;
    struct metadata_submit submit;
    uint32_t timeout_ms; /* of each command */
    /* REPLACE_BROKER, which comes behind pieces of its work. */
    struct metadata_change change;
};

static void broker_answer(struct request *request, int16_t error, struct kp_string message) {
    struct kp_alter_broker_response response;
    kp_set_fallbacks(&kp_alter_broker_response_schema, &response);
    response.error_code = error;
    response.error_message = error == KAFKA_NONE ? KP_NULL_STRING : message;
    request_respond(request, &response);
}

static void on_altered(struct metadata_submit *submit, const struct metadata_result *result) {
    struct altering_broker *altering = CONTAINER_OF(submit, struct altering_broker, submit);
    broker_answer(altering->request, result->error, kp_string_of(result->message));
    mem_free(altering);
}

static struct altering_broker *alter_begin(const struct broker_services *services,
                                           struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    struct altering_broker *altering = mem_zalloc(sizeof *altering);
    altering->request = request;
    altering->services = services;
    altering->timeout_ms = (uint32_t)(asked->timeout_ms < TIMEOUT_LEAST_MS  ? TIMEOUT_LEAST_MS
                                      : asked->timeout_ms > TIMEOUT_MOST_MS ? TIMEOUT_MOST_MS
                                                                            : asked->timeout_ms);
    return altering;
}

static void alter_submit(const struct broker_services *services, struct request *request,
                         struct metadata_change *change) {
    const struct kp_alter_broker_request *asked = request->message;
    struct altering_broker *altering = alter_begin(services, request);
    change->validate_only = asked->validate_only;
    altering->submit.done = on_altered;
    metadata_group_submit(services->metadata_group, &altering->submit, change,
                          altering->timeout_ms);
}

/* The one that asks under that id; NULL: it was answered. */
static const struct applicant *find_applicant(const struct broker_services *services,
                                              struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    const struct applicant *found = NULL;
    size_t count = applicants_find(services->applicants, asked->broker_id,
                                   env_now_ms(services->env), &found);
    if (count == 0) {
        broker_answer(request, KAFKA_RESOURCE_NOT_FOUND,
                      kp_arena_printf(&request->arena,
                                      "broker %" PRId32 " has not asked broker %" PRId32
                                      " to be admitted: start it with an empty data.dir, and with "
                                      "brokers of this cluster in its cluster.nodes",
                                      asked->broker_id, services->settings->node_id));
        return NULL;
    }
    if (count > 1) {
        broker_answer(request, KAFKA_DUPLICATE_RESOURCE,
                      kp_arena_printf(&request->arena,
                                      "two brokers ask to be admitted as broker %" PRId32
                                      "; give one of them another node.id",
                                      asked->broker_id));
        return NULL;
    }
    return found;
}

static void admit(const struct broker_services *services, struct request *request) {
    const struct applicant *found = find_applicant(services, request);
    if (found == NULL) return;
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_ADMIT_BROKER);
    struct command_admit_broker *command = &change.command.admit_broker;
    command->node = found->node;
    memcpy(command->directory.bytes, found->directory, sizeof found->directory);
    command->host = kp_string_of(found->host);
    command->port = found->port;
    alter_submit(services, request, &change);
}

/* ---- Another directory ---- */

static void on_replaced_some(struct metadata_submit *submit, const struct metadata_result *result);

/* What the broker holds is replaced in pieces, so that nobody waits for all of it; then the broker.
 */
static void replace_some(struct altering_broker *altering) {
    const struct command_replace_broker *whole = &altering->change.command.replace_broker;
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_REPLACE_REPLICAS);
    change.command.replace_replicas = (struct command_replace_replicas){
        .node = whole->node,
        .former = whole->former,
        .accept_loss = whole->accept_loss,
        .below = whole->below,
        .most = REPLICAS_A_PIECE};
    altering->submit.done = on_replaced_some;
    metadata_group_submit(altering->services->metadata_group, &altering->submit, &change,
                          altering->timeout_ms);
}

static void on_replaced_some(struct metadata_submit *submit, const struct metadata_result *result) {
    struct altering_broker *altering = CONTAINER_OF(submit, struct altering_broker, submit);
    if (result->error != KAFKA_NONE) {
        on_altered(submit, result);
    } else if (result->value > 0) {
        replace_some(altering);
    } else {
        altering->submit.done = on_altered;
        metadata_group_submit(altering->services->metadata_group, &altering->submit,
                              &altering->change, altering->timeout_ms);
    }
}

/* `host` "": where the old one was. */
static void replace_by(const struct broker_services *services, struct request *request,
                       const struct roster_broker *row, struct kp_uuid directory, const char *host,
                       int32_t port) {
    const struct kp_alter_broker_request *asked = request->message;
    struct altering_broker *altering = alter_begin(services, request);
    metadata_command_init(&altering->change.command, COMMAND_REPLACE_BROKER);
    struct command_replace_broker *command = &altering->change.command.replace_broker;
    command->node = row->node;
    memcpy(command->former.bytes, row->directory, sizeof row->directory);
    command->directory = directory;
    command->host = kp_arena_string(&request->arena, host, strlen(host));
    command->port = port;
    command->accept_loss = asked->accept_loss;
    command->below = (int64_t)metadata_next_replica(services->metadata);
    if (!asked->validate_only) {
        replace_some(altering);
        return;
    }
    altering->change.validate_only = true;
    altering->submit.done = on_altered;
    metadata_group_submit(services->metadata_group, &altering->submit, &altering->change,
                          altering->timeout_ms);
}

static const struct roster_broker *find_row(const struct broker_services *services,
                                            struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    const struct roster_broker *row = metadata_roster_of(services->metadata, asked->broker_id);
    if (row == NULL)
        broker_answer(request, KAFKA_BROKER_ID_NOT_REGISTERED,
                      kp_arena_printf(&request->arena,
                                      "there is no broker %" PRId32
                                      " in the cluster whose place could be taken; drave info "
                                      "lists them, and drave broker add %" PRId32 " adds one",
                                      asked->broker_id, asked->broker_id));
    return row;
}

static void replace(const struct broker_services *services, struct request *request) {
    const struct roster_broker *row = find_row(services, request);
    const struct applicant *found = row == NULL ? NULL : find_applicant(services, request);
    struct kp_uuid directory;
    if (found == NULL) return;
    memcpy(directory.bytes, found->directory, sizeof found->directory);
    replace_by(services, request, row, directory, found->host, found->port);
}

/* ---- A lost majority ---- */

/* Another directory has its place, and has not registered: there is nothing that could be lost. */
static bool is_lost_already(const struct broker_services *services,
                            const struct roster_broker *row) {
    const struct metadata_broker *before = metadata_broker_of(services->metadata, row->node);
    return before != NULL && memcmp(before->directory, row->directory, sizeof row->directory) != 0;
}

/* An id that no directory has takes the place of its own, which never comes back; drave broker
 * replace puts another one there. */
static void lose(const struct broker_services *services, struct request *request) {
    const struct roster_broker *row = find_row(services, request);
    struct kp_uuid nobody;
    if (row == NULL) return;
    if (is_lost_already(services, row)) {
        broker_answer(request, KAFKA_NONE, KP_NULL_STRING);
        return;
    }
    env_random(services->env, nobody.bytes, sizeof nobody.bytes);
    replace_by(services, request, row, nobody, "", 0);
}

/* A plan that counts a broker as lost which is back is of yesterday: it may have more than what the
 * plan goes on with. True: it was refused. */
static bool refuse_outdated(const struct broker_services *services, struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    char text[100];
    for (int32_t i = 0; i < asked->lost.count; i++) {
        if (!peers_is_up(services->peers, asked->lost.items[i])) continue;
        int len = snprintf(text, sizeof text,
                           "broker %" PRId32 " is back; look at drave recover --plan again",
                           asked->lost.items[i]);
        broker_answer(request, KAFKA_POLICY_VIOLATION,
                      kp_arena_string(&request->arena, text, (size_t)len));
        return true;
    }
    return false;
}

static void recover_partition(const struct broker_services *services, struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    struct metadata_change change = {.validate_only = false};
    if (refuse_outdated(services, request)) return;
    metadata_command_init(&change.command, COMMAND_RECOVER_PARTITION);
    change.command.recover_partition = (struct command_recover_partition){
        .group = asked->group,
        .replica = asked->replica,
        .term = asked->entry_term,
        .index = asked->entry_index};
    change.command.recover_partition.unread.items = asked->unread.items;
    change.command.recover_partition.unread.count = asked->unread.count;
    alter_submit(services, request, &change);
}

/* Who does not vote on it waits for no leader: it knows the last one for ever. */
static bool leader_is_there(const struct broker_services *services) {
    int32_t leader = metadata_group_leader(services->metadata_group);
    return leader == services->settings->node_id ||
           (leader >= 0 && peers_is_up(services->peers, leader) &&
            !raft_group_leader_is_silent(metadata_group_raft(services->metadata_group)));
}

/* What goes on may lack the blocks of producer ids that were given last, and producers have such
 * ids: given to others once more, batches of these would be taken for repetitions of theirs. So
 * many are passed over, by a command that every version knows. */
static int pass_over_ids(struct slice *into) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_ALLOCATE_PRODUCER_IDS);
    command.allocate_producer_ids.count = INT32_MAX;
    return metadata_command_encode(&command, into);
}

static int give_up(const struct kp_alter_broker_request *asked, const struct raft_group *group,
                   struct slice *into) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_RECOVER_PARTITION);
    command.recover_partition.group = METADATA_GROUP;
    command.recover_partition.replica = (int64_t)raft_group_replica(group);
    command.recover_partition.term = asked->entry_term;
    command.recover_partition.index = asked->entry_index;
    command.recover_partition.lost.items = asked->lost.items;
    command.recover_partition.lost.count = asked->lost.count;
    return metadata_command_encode(&command, into);
}

/* With it, who is lost is given up: with others of its kind it might be a majority of what was, and
 * what it has of the metadata need not be what goes on. */
static int go_on_alone(const struct broker_services *services,
                       const struct kp_alter_broker_request *asked) {
    struct raft_group *group = metadata_group_raft(services->metadata_group);
    struct slice commands[2] = {{0}, {0}};
    int error = ERR_INVALID;
    if (pass_over_ids(&commands[0]) == ERR_NONE && give_up(asked, group, &commands[1]) == ERR_NONE)
        error = raft_group_recover(group, (log_term)asked->entry_term,
                                   (log_index)asked->entry_index, commands, 2);
    slice_unref(&commands[0]);
    slice_unref(&commands[1]);
    return error;
}

/* Nobody can be asked: whoever does this has looked at all that are left. */
static void recover_metadata(const struct broker_services *services, struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    if (refuse_outdated(services, request)) return;
    bool sound = asked->entry_term > 0 && asked->entry_term <= UINT32_MAX && asked->entry_index > 0;
    int error = leader_is_there(services) ? ERR_BUSY
                : !sound                  ? ERR_INVALID
                                          : go_on_alone(services, asked);
    if (error == ERR_NONE) {
        broker_answer(request, KAFKA_NONE, KP_NULL_STRING);
        return;
    }
    broker_answer(request, KAFKA_POLICY_VIOLATION,
                  error == ERR_BUSY
                      ? kp_string_of("the metadata has a leader, or a majority to elect one; look "
                                     "at drave recover --plan again")
                      : kp_string_of("what this broker has of the metadata has changed, or is not "
                                     "on its disk yet; look at drave recover --plan again"));
}

static void set_voters(const struct broker_services *services, struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_SET_VOTERS);
    change.command.set_voters.nodes.items = asked->voters.items;
    change.command.set_voters.nodes.count = asked->voters.count;
    alter_submit(services, request, &change);
}

static void change_known(const struct broker_services *services, struct request *request,
                         enum kp_broker_change what) {
    const struct kp_alter_broker_request *asked = request->message;
    struct metadata_change change = {.validate_only = false};
    if (what == KP_BROKER_REMOVE) {
        metadata_command_init(&change.command, COMMAND_RETIRE_BROKER);
        change.command.retire_broker.node = asked->broker_id;
    } else {
        metadata_command_init(&change.command, COMMAND_DRAIN_BROKER);
        change.command.drain_broker.node = asked->broker_id;
        change.command.drain_broker.draining = what == KP_BROKER_DRAIN;
    }
    alter_submit(services, request, &change);
}

void api_alter_broker(void *service, struct request *request) {
    const struct kp_alter_broker_request *asked = request->message;
    if (!authorize(&request->ctx, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, NULL, 0))
        broker_answer(request, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
                      kp_string_of(kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED)));
    else if (asked->change == KP_BROKER_ADD)
        admit(service, request);
    else if (asked->change == KP_BROKER_VOTERS)
        set_voters(service, request);
    else if (asked->change == KP_BROKER_REPLACE)
        replace(service, request);
    else if (asked->change == KP_BROKER_LOSE)
        lose(service, request);
    else if (asked->change == KP_METADATA_RECOVER)
        recover_metadata(service, request);
    else if (asked->change == KP_PARTITION_RECOVER)
        recover_partition(service, request);
    else if (asked->change >= KP_BROKER_DRAIN && asked->change <= KP_BROKER_REMOVE)
        change_known(service, request, (enum kp_broker_change)asked->change);
    else
        broker_answer(request, KAFKA_INVALID_REQUEST,
                      kp_string_of("This broker does not know this change."));
}
