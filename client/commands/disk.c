/*
 * drave disk: what the data directories of the brokers hold, and how much room is left.
 *
 * Happy path: one DescribeLogDirs to each broker; with topics, a row for each of them on each
 * broker. Failures: a broker that does not answer is said, and shown without numbers; the exit code
 * is 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/commands/topic_words.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/messages/describe_log_dirs.h"

enum { VERSION_MIN = 4, CELL = 24 }; /* since 4 it says how large the file system is */

/* What was asked, and where the answers go. */
struct disk {
    const struct invocation *in;
    struct session session;
    json_t *list;
    struct table *table; /* NULL: JSON */
};

static const char *number(char *cell, int64_t value) {
    snprintf(cell, CELL, "%" PRId64, value);
    return value < 0 ? NULL : cell;
}

static bool is_wanted(const struct invocation *in, struct kp_string topic) {
    for (int i = 0; i < in->word_count; i++) {
        if (kp_string_is(topic, in->words[i])) {
            return true;
        }
    }
    return in->word_count == 0;
}

static int64_t bytes_of(const struct kp_describe_log_dirs_response_topic *topic) {
    int64_t bytes = 0;
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        bytes += topic->partitions.items[i].partition_size;
    }
    return bytes;
}

static void add_topic_row(const struct disk *disk, int32_t broker,
                          const struct kp_describe_log_dirs_response_topic *topic,
                          const char *name) {
    char id[CELL], replicas[CELL], bytes[CELL];
    if (disk->table && disk->in->word_count > 0) {
        table_row(disk->table, (const char *[]){number(id, broker), name,
                                                number(replicas, topic->partitions.count),
                                                number(bytes, bytes_of(topic))});
    }
}

static void add_directory_row(const struct disk *disk, int32_t broker,
                              const struct kp_describe_log_dirs_response_directory *directory,
                              const char *path, int64_t replicas, int64_t bytes) {
    char id[CELL], count[CELL], used[CELL], free[CELL], total[CELL];
    if (disk->table && disk->in->word_count == 0) {
        table_row(disk->table,
                  (const char *[]){number(id, broker), path, number(count, replicas),
                                   number(used, bytes), number(free, directory->usable_bytes),
                                   number(total, directory->total_bytes)});
    }
}

static void take_directory(struct disk *disk, int32_t broker,
                           const struct kp_describe_log_dirs_response_directory *directory) {
    int64_t replicas = 0, bytes = 0;
    json_t *topics = json_array();
    for (int32_t i = 0; i < directory->topics.count; i++) {
        const struct kp_describe_log_dirs_response_topic *topic = &directory->topics.items[i];
        if (is_wanted(disk->in, topic->name)) {
            const char *name = cluster_text(&disk->session.arena, topic->name);
            json_array_append_new(topics, json_pack("{s:s,s:i,s:I}", "topic", name, "replicas",
                                                    (int)topic->partitions.count, "bytes",
                                                    (json_int_t)bytes_of(topic)));
            add_topic_row(disk, broker, topic, name);
            replicas += topic->partitions.count;
            bytes += bytes_of(topic);
        }
    }
    const char *path = cluster_text(&disk->session.arena, directory->log_dir);
    add_directory_row(disk, broker, directory, path, replicas, bytes);
    json_array_append_new(
        disk->list, json_pack("{s:i,s:s,s:I,s:I,s:I,s:I,s:o}", "broker", (int)broker, "directory",
                              path, "replicas", (json_int_t)replicas, "bytes", (json_int_t)bytes,
                              "free_bytes", (json_int_t)directory->usable_bytes, "total_bytes",
                              (json_int_t)directory->total_bytes, "topics", topics));
}

/* With a timeout of its own, so that one that is frozen does not take that of the others. */
static int ask_broker(struct disk *disk, const struct kp_metadata_response_broker *broker) {
    struct kp_describe_log_dirs_request request;
    struct kp_describe_log_dirs_response response;
    struct error_text why = {""};
    struct admin_client *admin = admin_client_for(disk->in);
    kp_set_fallbacks(&kp_describe_log_dirs_request_schema, &request);
    request.topics.count = -1;
    int error = admin_request_to(admin, cluster_text(&disk->session.arena, broker->host),
                                 broker->port, KP_DESCRIBE_LOG_DIRS, VERSION_MIN, &request,
                                 &disk->session.arena, &response, NULL, &why);
    admin_client_free(admin);
    if (error) {
        say("broker %d does not tell: %s", (int)broker->node_id, why.text);
        return EXIT_REFUSED;
    }
    for (int32_t i = 0; i < response.results.count; i++) {
        take_directory(disk, broker->node_id, &response.results.items[i]);
    }
    return EXIT_DONE;
}

static int show_disk(struct invocation *in) {
    static const char *const directories[] = {"BROKER", "DIRECTORY", "REPLICAS",
                                              "BYTES",  "FREE",      "SIZE"};
    static const char *const topics[] = {"BROKER", "TOPIC", "REPLICAS", "BYTES"};
    struct disk disk = {.in = in};
    struct kp_metadata_response metadata;
    session_begin(&disk.session, in);
    int code = cluster_metadata(disk.session.admin, &disk.session.arena, NULL, &metadata);
    if (code) {
        return session_end(&disk.session, code);
    }
    disk.list = json_array();
    disk.table = in->json              ? NULL
                 : in->word_count == 0 ? table_new(directories, 6)
                                       : table_new(topics, 4);
    for (int32_t i = 0; i < metadata.brokers.count; i++) {
        int one = ask_broker(&disk, &metadata.brokers.items[i]);
        code = one ? one : code;
    }
    if (disk.table) {
        table_print(disk.table);
        json_decref(disk.list);
    } else {
        print_json(disk.list);
    }
    return session_end(&disk.session, code);
}

int command_disk(struct invocation *in) {
    return topic_words_run(in, NULL, show_disk);
}
