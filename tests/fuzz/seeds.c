/*
 * What the fuzzers begin with, made by the program itself, so that it is never of another format:
 * fuzz_seeds DIR writes DIR/<target>/<name>.bin. Frames of requests and batches are the golden ones
 * (tests/golden, of another implementation).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/cluster/cluster_record.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/metadata_change.h"
#include "broker/producer/producer_state.h"
#include "protocol/messages/api_table.h"
#include "protocol/record/record_batch_builder.h"
#include "raft-glue/peer/entry_frame.h"
#include "raft-glue/peer/snapshot_frame.h"
#include "storage/journal/journal.h"
#include "storage/little_endian.h"
#include "storage/log/partition_log.h"
#include "storage/segment/start_file.h"
#include "tests/batches/producer_bytes.h"
#include "tests/fuzz/workspace.h"

enum { LINE_MAX = 1 << 18, FILE_MAX = 1 << 18, GROUP = 1 };

static const char *folder;

static void seed(const char *target, const char *name, uint8_t mode, const void *data, size_t len) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s-%d.bin", folder, target, name, mode);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fputc(mode, file);
    CHECK(fwrite(data, 1, len, file) == len);
    fclose(file);
}

/* Without the byte in front. */
static void seed_plain(const char *target, const char *name, const char *text) {
    seed(target, name, (uint8_t)text[0], text + 1, strlen(text) - 1);
}

/* ---- Golden frames, batches and records ---- */

static size_t from_hex(const char *hex, uint8_t *into) {
    size_t len = 0;
    unsigned byte;
    while (sscanf(hex + 2 * len, "%2x", &byte) == 1)
        into[len++] = (uint8_t)byte;
    return len;
}

static void golden_line(const char *line, char *hex, uint8_t *data) {
    char api[64], kind[16], variant[16], name[160];
    int version;
    uint8_t head[4];
    if (sscanf(line, "%63s %d %15s %15s %*s %262143s", api, &version, kind, variant, hex) != 5)
        return;
    size_t len = from_hex(hex, data), count;
    const struct kp_api *table = kp_api_table(&count);
    snprintf(name, sizeof name, "%s-%d-%s-%s", api, version, kind, variant);
    if (strcmp(kind, "request") == 0) {
        seed("request", name, 0, data + 4, len - 4);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, api) != 0 || len < 8) continue;
        head[0] = (uint8_t)(table[i].key >> 8);
        head[1] = (uint8_t)table[i].key;
        head[2] = 0;
        head[3] = (uint8_t)version;
        memcpy(data, head, sizeof head); /* in the place of the length */
        seed("request", name, 1, data, len);
    }
}

static void batch_line(const char *line, char *hex, uint8_t *data) {
    char name[128];
    if (sscanf(line, "%127s %262143s", name, hex) != 2) return;
    size_t len = from_hex(hex, data);
    if (len == 0 || len > 4096) return;
    seed("batch", name, 0, data, len);
    seed("batch", name, 1, data, len);
}

static void record_line(const char *line, char *hex, uint8_t *data) {
    char type[64], part[16], variant[16], name[160];
    int number, version;
    if (sscanf(line, "%d %63s %15s %d %15s %262143s", &number, type, part, &version, variant,
               hex) != 6)
        return;
    bool key = strcmp(part, "key") == 0;
    size_t len = from_hex(hex, data + 1);
    data[0] = (uint8_t)number;
    snprintf(name, sizeof name, "%s-%d-%s", type, version, variant);
    seed("record", name, key ? 0 : 1, key ? data + 1 : data, key ? len : len + 1);
}

typedef void line_reader(const char *line, char *hex, uint8_t *data);

static line_reader *reader_of(const char *file) {
    if (strcmp(file, "batches.txt") == 0) return batch_line;
    return strcmp(file, "coordinator_records.txt") == 0 ? record_line : golden_line;
}

static void golden(void) {
    DIR *files = opendir("tests/golden");
    CHECK(files != NULL); /* it runs in the root of the repository */
    char *line = mem_alloc(LINE_MAX), *hex = mem_alloc(LINE_MAX), path[512];
    uint8_t *data = mem_alloc(LINE_MAX);
    for (struct dirent *at; (at = readdir(files)) != NULL;) {
        if (strstr(at->d_name, ".txt") == NULL) continue;
        snprintf(path, sizeof path, "tests/golden/%s", at->d_name);
        FILE *file = fopen(path, "r");
        while (file != NULL && fgets(line, LINE_MAX, file) != NULL)
            reader_of(at->d_name)(line, hex, data);
        if (file != NULL) fclose(file);
    }
    closedir(files);
    mem_free(line);
    mem_free(hex);
    mem_free(data);
}

/* ---- Entries, a journal, a segment ---- */

static struct entry *make_entry(uint8_t type, uint64_t index, uint32_t term, int64_t offset,
                                bool compress) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = offset;
    options.leader_epoch = (int32_t)term;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *bytes;
    size_t len;
    record_batch_builder_append(builder, 1764300000000, "key", 3,
                                "value value value value value value value value value value value",
                                60, NULL, 0);
    CHECK(record_batch_builder_finish(builder, &bytes, &len) == ERR_NONE);
    if (type == ENTRY_BARRIER) len = 0;
    struct entry_spec spec = {.type = type,
                              .batches = type == ENTRY_BATCHES,
                              .base_offset = offset,
                              .records = type == ENTRY_BATCHES,
                              .max_timestamp = type == ENTRY_BATCHES ? 1764300000000 : -1,
                              .raw = slice_adopt(NULL, bytes, len),
                              .compress = compress};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, GROUP, index, term);
    return entry;
}

static size_t read_file(const char *path, uint8_t *into) {
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    size_t len = fread(into, 1, FILE_MAX, file);
    fclose(file);
    return len;
}

static void journal(struct workspace *workspace) {
    struct journal_options options = {.file_bytes = 64 * 1024, .max_bytes = 16 * 64 * 1024};
    struct journal *journal;
    struct error_text why;
    char path[160];
    snprintf(path, sizeof path, "%s/journal", workspace->path);
    CHECK(journal_open(workspace->env, &workspace->log, path, &options, &journal, &why) ==
          ERR_NONE);
    for (uint64_t index = 1; index <= 6; index++) {
        struct entry *entry = make_entry(index % 3 == 1 ? ENTRY_BARRIER : ENTRY_BATCHES, index, 1,
                                         (int64_t)index, false);
        journal_entry(journal, entry);
        entry_unref(entry);
        if (index == 3) env_uv_run(workspace->env); /* a round ends here */
    }
    journal_hard_state(journal, GROUP, 2, 3);
    journal_truncate(journal, GROUP, 6);
    journal_commit(journal, GROUP, 5);
    journal_progress(journal, GROUP, 2, 0, 200);
    journal_mark(journal, 7);
    journal_hard_state(journal, 9, 1, 1);
    journal_log_begins(journal, 9, 40, 12, 64);
    env_uv_run(workspace->env);
    journal_forget(journal, 9);
    journal_close(journal);
    env_uv_run(workspace->env);
    uint8_t *file = mem_alloc(FILE_MAX);
    snprintf(path, sizeof path, "%s/journal/00000001.journal", workspace->path);
    size_t len = read_file(path, file);
    while (len > 0 && file[len - 1] == 0)
        len--;
    for (uint8_t mode = 0; mode < 4; mode++)
        seed("journal", "small", mode, file, len);
    mem_free(file);
    workspace_clear(workspace);
}

static void durable(void *arg, uint64_t index) {
    (void)arg;
    (void)index;
}

static void flushed(void *arg) {
    *(bool *)arg = true;
}

static size_t put_part(uint8_t *into, const uint8_t *part, size_t len) {
    into[0] = (uint8_t)len;
    into[1] = (uint8_t)(len >> 8);
    memcpy(into + 2, part, len);
    return len + 2;
}

static size_t make_snapshot(uint8_t *into) {
    struct producer_state_options options = {.max_producers = 10};
    struct producer_batch batch = {
        .producer_id = 5, .epoch = 0, .base_sequence = 0, .last_sequence = 3};
    struct producer_state *state = producer_state_new(&options);
    producer_state_commit(state, &batch);
    struct slice bytes = producer_bytes(state);
    memset(into, 0, 32);
    le_put_u32(into, 0x53535244); /* state_files.h; the checksum is left to the target, which
                                     makes it right */
    le_put_u32(into + 4, 1);
    le_put_u64(into + 8, GROUP);
    le_put_u64(into + 16, 1);
    le_put_u32(into + 24, (uint32_t)bytes.len);
    memcpy(into + 32, bytes.data, bytes.len);
    size_t len = 32 + bytes.len;
    slice_unref(&bytes);
    producer_state_free(state);
    return len;
}

static void write_segment(struct workspace *workspace, const char *path) {
    struct log_store_options options = {.open_files = 16,
                                        .journal_file_bytes = 32 * 1024,
                                        .journal_max_bytes = 256 * 1024,
                                        .segment_bytes = 1 << 20,
                                        .index_interval_bytes = 64};
    struct partition_log_events events = {.durable = durable, .hard_state_durable = durable};
    struct log_store *store;
    struct partition_log *log;
    struct error_text why;
    bool done = false;
    CHECK(log_store_open(workspace->env, &workspace->log, path, &options, &store, &why) ==
          ERR_NONE);
    CHECK(partition_log_open(store, GROUP, "fuzz-0", &events, NULL, &log, &why) == ERR_NONE);
    int64_t offset = 0;
    for (uint64_t index = 1; index <= 8; index++) {
        uint8_t type = index == 1 ? ENTRY_CHANGE : index == 5 ? ENTRY_BARRIER : ENTRY_BATCHES;
        struct entry *entry = make_entry(type, index, index < 5 ? 1 : 2, offset, index % 2);
        offset += entry->records;
        partition_log_append(log, &entry, 1);
        entry_unref(entry);
    }
    env_uv_run(workspace->env);
    partition_log_commit(log, 8);
    log_store_flush(store, flushed, &done);
    env_uv_run(workspace->env);
    CHECK(done);
    partition_log_close(log);
    log_store_close(store);
    env_uv_run(workspace->env);
}

static void segment(struct workspace *workspace) {
    char path[160], name[320];
    snprintf(path, sizeof path, "%s/shard-0", workspace->path);
    write_segment(workspace, path);
    uint8_t *file = mem_alloc(FILE_MAX), *all = mem_alloc(FILE_MAX);
    snprintf(name, sizeof name, "%s/groups/0000000000000001/00000000000000000000.log", path);
    size_t len = put_part(all, file, read_file(name, file));
    snprintf(name, sizeof name, "%s/groups/0000000000000001/00000000000000000000.index", path);
    len += put_part(all + len, file, read_file(name, file));
    len += put_part(all + len, file, make_snapshot(file));
    for (uint8_t mode = 0; mode < 4; mode++)
        seed("segment", "small", mode, all, len);
    mem_free(file);
    mem_free(all);
    workspace_clear(workspace);
}

/* ---- Peers ---- */

static void seed_frame(const char *name, uint8_t kind, const void *payload, size_t len) {
    uint8_t *frame = mem_alloc(PEER_FRAME_HEAD_SIZE + len);
    peer_frame_head(frame, kind, PEER_CONTROL, 0, len);
    memcpy(frame + PEER_FRAME_HEAD_SIZE, payload, len);
    seed("peer", name, 1, frame + PEER_LENGTH_SIZE, PEER_FRAME_HEAD_SIZE - PEER_LENGTH_SIZE + len);
    mem_free(frame);
}

static void entry_frames(void) {
    struct entry *entries[3];
    struct peer_bytes all = {0};
    struct peer_piece piece = {
        .group = GROUP, .from = 1, .to = 2, .term = 2, .prev_index = 0, .commit = 3};
    struct entry_frame frame;
    entry_frame_begin(&frame, 1 << 20);
    for (uint64_t i = 0; i < 3; i++)
        entries[i] = make_entry(i == 0 ? ENTRY_CHANGE : ENTRY_BATCHES, i + 1, 1, (int64_t)i,
                                i == 2);
    entry_frame_add(&frame, &piece, entries, 3);
    size_t n = entry_frame_end(&frame);
    for (size_t i = 0; i < n; i++) {
        peer_bytes_add(&all, frame.slices[i].data, frame.slices[i].len);
        slice_unref(&frame.slices[i]);
    }
    seed_frame("entries", PEER_KIND_ENTRIES, all.data, all.len);
    peer_bytes_free(&all);
    for (int i = 0; i < 3; i++)
        entry_unref(entries[i]);
}

static void snapshot_frames(void) {
    static const struct snapshot_head head = {
        .group = GROUP, .from = 1, .to = 2, .transfer = 9, .term = 3};
    static const struct snapshot_want want = {.file = 1, .length = 4, .offset = 8};
    uint32_t crcs[] = {1, 2};
    struct prefix_file files[] = {
        {.kind = PREFIX_STATE, .last_index = 30, .size_bytes = 10, .block_crcs = crcs},
        {.kind = PREFIX_SEGMENT,
         .first_index = 11,
         .last_index = 20,
         .base_offset = 7,
         .end_offset = 12,
         .size_bytes = 500,
         .block_crcs = crcs + 1}};
    struct slice change = {.data = (const uint8_t *)"change", .len = 6};
    struct prefix_files list = {
        .begins = {.index = 10,
                   .term = 1,
                   .next_offset = 7,
                   .file_index = 10,
                   .file_offset = 7,
                   .change_index = 1,
                   .change = change},
        .ends = {.index = 20, .term = 2, .next_offset = 12, .change_index = 1, .change = change},
        .state_index = 30,
        .files = files,
        .count = 2};
    struct slice encoded = prefix_files_encode(&list);
    struct peer_bytes bytes = {0};
    snapshot_head_encode(peer_bytes_extend(&bytes, SNAPSHOT_HEAD_SIZE), &head);
    peer_bytes_add(&bytes, encoded.data, encoded.len);
    seed_frame("offer", PEER_KIND_SNAPSHOT_OFFER, bytes.data, bytes.len);
    peer_bytes_free(&bytes);
    slice_unref(&encoded);
    uint8_t refusal[SNAPSHOT_REFUSAL_SIZE], wanted[SNAPSHOT_WANT_SIZE],
        chunk[SNAPSHOT_CHUNK_HEAD_SIZE + 4] = {0};
    snapshot_refusal_encode(refusal, &head, SNAPSHOT_BUSY);
    seed_frame("refuse", PEER_KIND_SNAPSHOT_REFUSE, refusal, sizeof refusal);
    snapshot_want_encode(wanted, &head, &want);
    seed_frame("want", PEER_KIND_SNAPSHOT_WANT, wanted, sizeof wanted);
    snapshot_chunk_encode(chunk, &head, &want);
    seed_frame("chunk", PEER_KIND_SNAPSHOT_CHUNK, chunk, sizeof chunk);
}

static void peer(void) {
    struct peer_bytes bytes = {0};
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .node = 1,
                               .cluster_id = "abc",
                               .nodes = "1@h:1,2@h:2",
                               .record = "record",
                               .record_len = 6};
    struct peer_journal journal = {.run = 1, .sequence = 2};
    uint8_t records[PEER_RECORD_SIZE * 8], place[PEER_JOURNAL_SIZE];
    peer_hello_encode(&bytes, &hello, 7);
    seed_frame("hello", PEER_KIND_HELLO, bytes.data, bytes.len);
    peer_bytes_free(&bytes);
    peer_verdict_encode(&bytes, PEER_REFUSED, &journal, "because");
    seed_frame("verdict", PEER_KIND_VERDICT, bytes.data, bytes.len);
    peer_bytes_free(&bytes);
    peer_journal_encode(place, &journal);
    seed_frame("journal", PEER_KIND_JOURNAL, place, sizeof place);
    for (uint8_t type = RECORD_APPEND; type <= RECORD_RESIGNED; type++) {
        struct peer_record record = {
            .group = GROUP, .from = 1, .to = 2, .term = 3, .type = type, .append = {1, 2, 1, 0}};
        peer_record_encode(records + (type - 1) * PEER_RECORD_SIZE, &record);
    }
    seed_frame("messages", PEER_KIND_MESSAGES, records, sizeof records);
    snapshot_frames();
    entry_frames();
}

/* ---- The cluster ---- */

static void fill_command(struct metadata_command *command, struct kp_arena *arena) {
    struct kp_uuid id = {.bytes = {1, 2, 3}};
    int32_t *nodes = kp_arena_alloc(arena, 3 * sizeof *nodes);
    struct command_partition *partition = kp_arena_alloc(arena, sizeof *partition);
    for (int32_t i = 0; i < 3; i++)
        nodes[i] = i + 1;
    partition->nodes.items = nodes;
    partition->nodes.count = 3;
    static struct command_feature feature = {.max = 2};
    static struct command_feature_level level = {.level = 2, .change = 1};
    feature.name = level.name = kp_string_of("transaction.version");
    if (command->type == COMMAND_REGISTER_BROKER) {
        command->register_broker.node = 1;
        command->register_broker.features.items = &feature;
        command->register_broker.features.count = 1;
    }
    if (command->type == COMMAND_SET_FEATURES) {
        command->set_features.levels.items = &level;
        command->set_features.levels.count = 1;
    }
    if (command->type == COMMAND_FENCE_BROKER) command->fence_broker.node = 1;
    if (command->type == COMMAND_ALLOCATE_PRODUCER_IDS) command->allocate_producer_ids.count = 1000;
    if (command->type == COMMAND_DELETE_TOPIC) command->delete_topic.id = id;
    if (command->type == COMMAND_CREATE_TOPIC) {
        command->create_topic.name = kp_string_of("orders");
        command->create_topic.id = id;
        command->create_topic.partitions.items = partition;
        command->create_topic.partitions.count = 1;
    }
    if (command->type == COMMAND_CREATE_PARTITIONS) {
        command->create_partitions.id = id;
        command->create_partitions.request.bytes[0] = 9;
        command->create_partitions.present = 1;
        command->create_partitions.partitions.items = partition;
        command->create_partitions.partitions.count = 1;
    }
}

static void commands(void) {
    static const int order[] = {COMMAND_REGISTER_BROKER,       COMMAND_CREATE_TOPIC,
                                COMMAND_CREATE_PARTITIONS,     COMMAND_FENCE_BROKER,
                                COMMAND_ALLOCATE_PRODUCER_IDS, COMMAND_DELETE_TOPIC,
                                COMMAND_SET_FEATURES};
    uint8_t all[4096];
    size_t len = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct metadata_change change = {.place_partitions = 1, .replication_factor = 3};
        struct kp_arena arena;
        struct slice bytes;
        char name[32];
        kp_arena_init(&arena, 1 << 16);
        metadata_command_init(&change.command, (enum metadata_command_type)order[i]);
        fill_command(&change.command, &arena);
        CHECK(metadata_command_encode(&change.command, &bytes) == ERR_NONE);
        len += put_part(all + len, bytes.data, bytes.len);
        slice_unref(&bytes);
        CHECK(metadata_change_encode(&change, &bytes) == ERR_NONE);
        snprintf(name, sizeof name, "change-%zu", i);
        seed("cluster", name, 2, bytes.data, bytes.len);
        slice_unref(&bytes);
        kp_arena_close(&arena);
    }
    seed("cluster", "commands", 1, all, len);
}

static void cluster(void) {
    struct cluster_node nodes[3] = {{.node = 1}, {.node = 2}, {.node = 3}};
    struct cluster_record record;
    uint8_t bytes[CLUSTER_RECORD_MAX];
    cluster_record_make(&record, nodes, 3, 3);
    seed("cluster", "record", 0, bytes, cluster_record_encode(&record, bytes));
    commands();
    struct change_outcome outcome = {.result.message = "why", .index = 5};
    struct slice slice = change_outcome_encode(&outcome);
    seed("cluster", "outcome", 3, slice.data, slice.len);
    slice_unref(&slice);
    static const uint8_t announcement[] = {1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0,
                                           0, 3, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1};
    seed("cluster", "leaders", 4, announcement, sizeof announcement);
}

static void logins(void) {
    seed_plain("login", "scram",
               "n,,n=user,r=rOprNGfwEbeRWgbNEkqO,x=yc=biws,r=rOprNGfwEbeRWgbNEkqOAAAA,p=AAAA");
    seed_plain(
        "login", "user",
        "alice:SCRAM-SHA-256:4096:c2FsdHNhbHRzYWx0c2FsdA==:"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    seed("login", "plain", 0, "alice\0secret", 12);
}

static void tokens(void) {
    seed_plain("token", "bearer", "n,a=x=2C,\1host=h\1auth=Bearer e30.e30.e30\1\1");
    seed_plain("token", "signed",
               "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJzdWIiOiJhIiwiZXhwIjo5fQ.AAAA");
    seed_plain("token", "claims",
               "{\"iss\":\"i\",\"aud\":[\"a\"],\"sub\":\"u\",\"iat\":1,\"exp\":2e9,\"nbf\":0.5}");
    seed_plain(
        "token", "keys",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"AA\",\"y\":\"AA\"},"
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"key_ops\":[\"verify\"]}]}");
}

static void settings(void) {
    seed_plain(
        "settings", "cluster",
        "# three brokers\nnode.id=1\ndata.dir=/tmp/x\nlisteners=PLAINTEXT://0.0.0.0:9092,EXTERNAL://:19092\n"
        "advertised.listeners=PLAINTEXT://a:9092,EXTERNAL://b:1\ncluster.nodes=1@a:9,2@b:9,3@[::1]:9\npeer.listen=0.0.0.0:9\n");
    seed_plain(
        "settings", "numbers",
        "node.id = 2147483647\nmessage.max.bytes=100\njournal.max.bytes=131072\njournal.file.bytes=65536\n"
        "raft.heartbeat.ms=10\nraft.election.timeout.ms=50\nauto.create.topics.enable=false\ncompression.type=zstd\n");
    seed_plain("settings", "wrong", "node.id=x\nno.such=1\nnode.id=1\nnode.id=2\n=\n");
}

/* ---- Where a log begins, and the table of the metadata ---- */

static void start(struct workspace *workspace) {
    const struct start_file of = {.index = 9,
                                  .term = 2,
                                  .next_offset = 70,
                                  .change_index = 1,
                                  .change = slice_copy(NULL, "change", 6),
                                  .file_index = 5,
                                  .file_offset = 40};
    char *marker = workspace_put(workspace, "group/marker", "", 0), path[256];
    *strrchr(marker, '/') = '\0';
    CHECK(start_file_write(workspace->env, marker, 1, &of) == ERR_NONE);
    snprintf(path, sizeof path, "%s/start", marker);
    uint8_t *bytes = mem_alloc(FILE_MAX);
    size_t len = read_file(path, bytes);
    seed("start", "small", 0, bytes, len);
    seed("start", "small", 1, bytes, len);
    mem_free(bytes);
    struct slice change = of.change;
    slice_unref(&change);
    mem_free(marker);
    workspace_clear(workspace);
}

static size_t add_part(uint8_t *into, size_t at, struct slice part) {
    memcpy(into + at, part.data, part.len);
    at += part.len;
    slice_unref(&part);
    return at;
}

static void image(void) {
    struct metadata *table = metadata_new(1, 1);
    int32_t nodes[2] = {1, 2};
    struct command_partition partitions[2] = {{{nodes, 2}}, {{nodes, 1}}};
    struct metadata_command command;
    struct metadata_result result;
    struct slice bytes;
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of("orders");
    command.create_topic.id.bytes[0] = 7;
    command.create_topic.partitions.items = partitions;
    command.create_topic.partitions.count = 2;
    CHECK(metadata_command_encode(&command, &bytes) == ERR_NONE);
    CHECK(metadata_apply(table, 1, bytes.data, bytes.len, &result) == ERR_NONE);
    slice_unref(&bytes);
    uint8_t all[4096];
    size_t len = add_part(all, 0, image_of_head(table));
    len = add_part(all, len, image_of_roster(table));
    len = add_part(all, len, image_of_retired(table));
    len = add_part(all, len,
                   image_of_topic((const struct topic_row *)metadata_next_topic(table, NULL)));
    len = add_part(all, len, image_of_requests(&table->resources));
    len = add_part(all, len, image_of_plans(table));
    seed("image", "small", all[0], all + 1, len - 1);
    metadata_free(table);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds DIR\n");
        return 2;
    }
    folder = argv[1];
    struct workspace *workspace = workspace_get();
    golden();
    journal(workspace);
    segment(workspace);
    peer();
    cluster();
    settings();
    logins();
    tokens();
    start(workspace);
    image();
    return 0;
}
