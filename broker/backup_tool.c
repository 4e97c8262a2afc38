/*
 * Adopting a copy: one new cluster id for all of the directories (decision 65).
 *
 * Happy path: each directory is locked, is of the same cluster, of another broker, and has a
 * journal that covers all that the others saw of it; then each gets a record with a number that is
 * drawn, by which the cluster is another one: brokers of the two refuse each other.
 * Failures: a sentence, and nothing is changed; but a disk that fails between two directories
 * leaves some of them adopted, and the command is repeated. Invariant: nothing but drave.meta is
 * written.
 */
#include "broker/backup_tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/cluster/cluster_record.h"
#include "storage/data_dir.h"
#include "storage/journal/journal_runs.h"
#include "storage/little_endian.h"

static const char NAME[] = "draved: ";
enum { STDERR_FD = 2, PATH_ROOM = 4096, EXIT_DONE = 0, EXIT_REFUSED = 1 };

struct copy {
    const char *path;
    struct data_dir *dir;
    struct cluster_record record;
    struct journal_lineage lineage;
};

struct adopting {
    struct env *env;
    struct copy *copies;
    size_t count; /* that are open */
    struct error_text why;
};

/* ---- Looking ---- */

static int read_lineage(struct adopting *adopting, struct copy *copy) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/shard-0/journal", copy->path);
    int error = journal_read_lineage(adopting->env, path, &copy->lineage, &adopting->why);
    if (error != ERR_NONE || !copy->lineage.disowned) return error;
    return error_set(&adopting->why, ERR_CORRUPT,
                     "the journal of %s went back in time, as its broker found out; make a newer "
                     "copy",
                     copy->path);
}

static int open_copy(struct adopting *adopting, struct copy *copy) {
    size_t len;
    bool made = false;
    int error = data_dir_check(adopting->env, copy->path, &adopting->why); /* it makes none */
    if (error == ERR_NONE)
        error = data_dir_open(adopting->env, copy->path, DATA_DIR_ANY_NODE, &copy->dir, &made,
                              &adopting->why);
    if (error != ERR_NONE) return error;
    adopting->count++;
    const void *bytes = data_dir_cluster_record(copy->dir, &len);
    if (data_dir_cluster_id(copy->dir)[0] == '\0')
        return error_set(&adopting->why, ERR_INVALID,
                         "%s never was in a cluster; leave it out, and start its broker with an "
                         "empty directory",
                         copy->path);
    if (cluster_record_decode(bytes, len, &copy->record) != ERR_NONE)
        return error_set(&adopting->why, ERR_VERSION,
                         "the cluster record of %s cannot be read; use the draved that wrote it, "
                         "or a newer one",
                         copy->path);
    return read_lineage(adopting, copy);
}

static int compare(struct adopting *adopting, const struct copy *one, const struct copy *other) {
    if (!cluster_record_same_beginning(&one->record, &other->record))
        return error_set(&adopting->why, ERR_INVALID,
                         "%s is of cluster %s and %s of cluster %s; name the directories of one",
                         one->path, one->record.id, other->path, other->record.id);
    if (data_dir_node(one->dir) == data_dir_node(other->dir))
        return error_set(&adopting->why, ERR_INVALID,
                         "%s and %s are both of broker %" PRId32 "; name one of them", one->path,
                         other->path, data_dir_node(one->dir));
    const struct journal_witness *seen = journal_lineage_witness(
        &one->lineage, le_get_u64(data_dir_uuid(other->dir)));
    if (seen == NULL || seen->run == 0 ||
        journal_lineage_covers(&other->lineage, seen->run, seen->sequence))
        return ERR_NONE;
    return error_set(&adopting->why, ERR_INVALID,
                     "the copy %s is older than %s, which knows more of it than it has; copy all "
                     "directories while all brokers are stopped",
                     other->path, one->path);
}

static int look(struct adopting *adopting, size_t count) {
    int error = ERR_NONE;
    for (size_t i = 0; error == ERR_NONE && i < count; i++)
        error = open_copy(adopting, &adopting->copies[i]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; error == ERR_NONE && j < count; j++)
            if (i != j) error = compare(adopting, &adopting->copies[i], &adopting->copies[j]);
    return error;
}

/* ---- Adopting ---- */

static int adopt(struct adopting *adopting) {
    uint8_t number[CLUSTER_UUID_SIZE], bytes[CLUSTER_RECORD_MAX];
    int error = ERR_NONE;
    env_random(adopting->env, number, sizeof number);
    for (size_t i = 0; error == ERR_NONE && i < adopting->count; i++) {
        struct copy *copy = &adopting->copies[i];
        cluster_record_adopt(&copy->record, number);
        size_t len = cluster_record_encode(&copy->record, bytes);
        error = data_dir_adopt(copy->dir, copy->record.id, bytes, len, &adopting->why);
    }
    return error;
}

static bool has_node(const struct adopting *adopting, int32_t node) {
    for (size_t i = 0; i < adopting->count; i++)
        if (data_dir_node(adopting->copies[i].dir) == node) return true;
    return false;
}

static void say_adopted(const struct adopting *adopting, const struct options *options,
                        struct output *out) {
    const struct cluster_record *record = &adopting->copies[0].record;
    output_print(out,
                 options->json ? "{\"cluster_id\":\"%s\",\"brokers\":[" : "cluster %s: brokers",
                 record->id);
    for (size_t i = 0; i < adopting->count; i++)
        output_print(out, "%s%" PRId32, i == 0 ? options->json ? "" : " " : ", ",
                     data_dir_node(adopting->copies[i].dir));
    output_print(out, options->json ? "]}\n"
                                    : "\nstart them with cluster.nodes and listeners of their own; "
                                      "the cluster that was copied is not touched\n");
    for (uint32_t i = 0; i < record->node_count; i++)
        if (!has_node(adopting, record->nodes[i].node))
            output_sentence(NAME,
                            "no copy of broker %" PRId32
                            " is among them; if it belonged to the cluster, drave broker replace "
                            "%" PRId32 " gives it an empty directory",
                            record->nodes[i].node, record->nodes[i].node);
}

int backup_tool_adopt(const struct options *options, struct output *out) {
    struct adopting adopting = {0};
    if (env_uv_new(&adopting.env, STDERR_FD) != ERR_NONE) {
        output_sentence(NAME, "the event loop cannot be made; is the limit of open files used up?");
        return EXIT_REFUSED;
    }
    adopting.copies = mem_zalloc(options->directory_count * sizeof *adopting.copies);
    for (size_t i = 0; i < options->directory_count; i++)
        adopting.copies[i].path = options->directories[i];
    int error = look(&adopting, options->directory_count);
    if (error == ERR_NONE) error = adopt(&adopting);
    if (error == ERR_NONE)
        say_adopted(&adopting, options, out);
    else
        output_sentence(NAME, "%s", adopting.why.text);
    for (size_t i = 0; i < adopting.count; i++) {
        journal_lineage_close(&adopting.copies[i].lineage);
        data_dir_close(adopting.copies[i].dir);
    }
    mem_free(adopting.copies);
    env_uv_free(adopting.env);
    return error == ERR_NONE ? EXIT_DONE : EXIT_REFUSED;
}
