/*
 * Members of a share group that acknowledge one record at a time, as a load: how many
 * acknowledgements a second, and how long each takes.
 *
 *   share_acks PORT TOPIC GROUP MEMBERS SECONDS
 *
 * Each member is a thread with a connection to the leader of partition 0 (PORT is any broker of
 * this machine): it fetches up to FETCH records, then says of each by a request of its own that it
 * is accepted, and waits for the answer. Happy path: one line of JSON. Failures: any error of a
 * broker ends it with a sentence; a group that has no records any more ends the measuring early.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/frame.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/share_acknowledge.h"
#include "protocol/messages/share_fetch.h"

enum { MEMBERS_MAX = 200, FETCH = 20, TOOK_MAX = 1000 * 1000, FRAME_MAX = 4 << 20, VERSION = 2 };
enum { ACCEPT = 1, WAIT_MS = 500 };

static struct {
    uint16_t port;
    struct kp_uuid topic;
    const char *group;
    uint64_t until_us;
} all;

struct member {
    pthread_t thread;
    char name[24];
    int fd;
    int32_t epoch, correlation;
    uint32_t *took_us;
    size_t count;
    uint8_t *frame;
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "share_acks: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- Questions ---- */

static int dial(uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail("connecting", "nobody listens on that port");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static void receive(int fd, uint8_t *into, size_t len) {
    for (size_t at = 0; at < len;) {
        ssize_t got = recv(fd, into + at, len - at, 0);
        if (got <= 0) fail("receiving", "the broker closed the connection");
        at += (size_t)got;
    }
}

/* The answer lies in the arena, and in the member's frame. */
static void ask(struct member *member, int key, int version, const void *request,
                struct kp_arena *arena, void *response) {
    const struct kp_api *api = kp_api_find((int16_t)key);
    struct kp_writer writer;
    uint8_t *bytes, head[4];
    size_t len;
    kp_writer_init(&writer, FRAME_MAX);
    kp_request_encode(api, version, ++member->correlation, kp_string_of("share_acks"), request,
                      &writer);
    if (kp_writer_take(&writer, &bytes, &len) != ERR_NONE) fail(api->name, "it does not fit");
    if (send(member->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        fail(api->name, "the broker closed the connection");
    mem_free(bytes);
    receive(member->fd, head, sizeof head);
    len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (len > FRAME_MAX) fail(api->name, "the answer is too large");
    receive(member->fd, member->frame, len);
    if (kp_response_decode(api, version, member->correlation, member->frame, len, arena,
                           response) != ERR_NONE)
        fail(api->name, "the answer makes no sense");
}

static void check(const char *what, int16_t code) {
    if (code != KAFKA_NONE) fail(what, kafka_error_name(code));
}

/* ---- A member ---- */

/* Runs of offsets that it holds then, `room` at the most. */
static size_t fetch(struct member *member, struct kp_share_fetch_response_acquired *runs,
                    size_t room) {
    struct kp_share_fetch_request_partition partition = {.partition_index = 0};
    struct kp_share_fetch_request_topic topic = {.topic_id = all.topic};
    struct kp_share_fetch_request request;
    struct kp_share_fetch_response response;
    struct kp_arena arena;
    size_t count = 0;
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(all.group);
    request.member_id = kp_string_of(member->name);
    request.share_session_epoch = member->epoch++;
    request.max_wait_ms = WAIT_MS;
    request.min_bytes = 1;
    request.max_bytes = FRAME_MAX / 4;
    request.max_records = FETCH;
    request.share_acquire_mode = 1;
    request.topics.items = &topic;
    request.topics.count = request.share_session_epoch == 0;
    kp_arena_init(&arena, FRAME_MAX);
    ask(member, KP_SHARE_FETCH, VERSION, &request, &arena, &response);
    check("ShareFetch", response.error_code);
    for (int32_t t = 0; t < response.responses.count; t++) {
        const struct kp_share_fetch_response_partition *part =
            &response.responses.items[t].partitions.items[0];
        check("ShareFetch of the partition", part->error_code);
        for (int32_t i = 0; i < part->acquired_records.count && count < room; i++)
            runs[count++] = part->acquired_records.items[i];
    }
    kp_arena_close(&arena);
    return count;
}

static void acknowledge(struct member *member, int64_t offset) {
    int8_t accept = ACCEPT;
    struct kp_share_acknowledge_request_batch batch = {.first_offset = offset,
                                                       .last_offset = offset};
    struct kp_share_acknowledge_request_partition partition = {.partition_index = 0};
    struct kp_share_acknowledge_request_topic topic = {.topic_id = all.topic};
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_response response;
    struct kp_arena arena;
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    batch.acknowledge_types.items = &accept;
    batch.acknowledge_types.count = 1;
    partition.acknowledgement_batches.items = &batch;
    partition.acknowledgement_batches.count = 1;
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(all.group);
    request.member_id = kp_string_of(member->name);
    request.share_session_epoch = member->epoch++;
    request.topics.items = &topic;
    request.topics.count = 1;
    kp_arena_init(&arena, FRAME_MAX);
    uint64_t began_us = now_us();
    ask(member, KP_SHARE_ACKNOWLEDGE, VERSION, &request, &arena, &response);
    member->took_us[member->count++] = (uint32_t)(now_us() - began_us);
    check("ShareAcknowledge", response.error_code);
    check("ShareAcknowledge of the partition",
          response.responses.items[0].partitions.items[0].error_code);
    kp_arena_close(&arena);
}

static void *run(void *arg) {
    struct member *member = arg;
    struct kp_share_fetch_response_acquired runs[FETCH];
    bool more = true;
    while (more && now_us() < all.until_us) {
        size_t count = fetch(member, runs, FETCH);
        for (size_t i = 0; i < count; i++)
            for (int64_t at = runs[i].first_offset; at <= runs[i].last_offset; at++)
                if (member->count < TOOK_MAX) acknowledge(member, at);
        more = count > 0 && member->count < TOOK_MAX;
    }
    return NULL;
}

/* ---- All of them ---- */

static void find_leader(struct member *member, const char *name) {
    struct kp_metadata_request_topic topic;
    struct kp_metadata_request request;
    struct kp_metadata_response response;
    struct kp_arena arena;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &topic);
    topic.name = kp_string_of(name);
    request.topics.items = &topic;
    request.topics.count = 1;
    kp_arena_init(&arena, FRAME_MAX);
    ask(member, KP_METADATA, 12, &request, &arena, &response);
    check("Metadata", response.topics.items[0].error_code);
    all.topic = response.topics.items[0].topic_id;
    for (int32_t i = 0; i < response.brokers.count; i++)
        if (response.brokers.items[i].node_id ==
            response.topics.items[0].partitions.items[0].leader_id)
            all.port = (uint16_t)response.brokers.items[i].port;
    kp_arena_close(&arena);
}

static int compare(const void *a, const void *b) {
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

static void tell(struct member *members, size_t count, uint64_t took_us) {
    size_t acks = 0, least = SIZE_MAX, at = 0;
    for (size_t i = 0; i < count; i++) {
        acks += members[i].count;
        if (members[i].count < least) least = members[i].count;
    }
    if (acks == 0) fail("measuring", "the group was given no record");
    uint32_t *took = mem_alloc(acks * sizeof *took);
    for (size_t i = 0; i < count; at += members[i++].count)
        memcpy(took + at, members[i].took_us, members[i].count * sizeof *took);
    qsort(took, acks, sizeof *took, compare);
    printf("{\"members\":%zu,\"acks\":%zu,\"acks_per_s\":%.0f,\"p50_us\":%u,\"p99_us\":%u,"
           "\"least_of_a_member\":%zu}\n",
           count, acks, (double)acks * 1e6 / (double)took_us, took[acks / 2], took[acks * 99 / 100],
           least);
    mem_free(took);
}

static uint64_t number_of(const char *word, long most) {
    char *end;
    long number = strtol(word, &end, 10);
    if (*word == 0 || *end != 0 || number < 1 || number > most) fail(word, "no such number");
    return (uint64_t)number;
}

int main(int argc, char **argv) {
    static struct member members[MEMBERS_MAX];
    if (argc != 6) fail("usage", "share_acks PORT TOPIC GROUP MEMBERS SECONDS");
    size_t count = number_of(argv[4], MEMBERS_MAX);
    struct member first = {.fd = dial((uint16_t)number_of(argv[1], UINT16_MAX)),
                           .frame = mem_alloc(FRAME_MAX)};
    find_leader(&first, argv[2]);
    close(first.fd);
    mem_free(first.frame);
    all.group = argv[3];
    uint64_t began_us = now_us();
    all.until_us = began_us + number_of(argv[5], 3600) * 1000000;
    for (size_t i = 0; i < count; i++) {
        struct member *member = &members[i];
        snprintf(member->name, sizeof member->name, "member-%zu", i);
        member->fd = dial(all.port);
        member->frame = mem_alloc(FRAME_MAX);
        member->took_us = mem_alloc(TOOK_MAX * sizeof *member->took_us);
        if (pthread_create(&member->thread, NULL, run, member) != 0) fail("threads", "no more");
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(members[i].thread, NULL);
    tell(members, count, now_us() - began_us);
    return 0;
}
