/*
 * The data directory: drave.meta and the lock.
 *
 * drave.meta is text, one key=value a line, replaced whole:
 *
 *     drave data directory
 *     format=1
 *     directory=2c1f4a3e-...          UUID, version 4
 *     node=1                          from here on once the cluster is formed
 *     cluster=...
 *     record=<hexadecimal>
 *     crc32c=<hexadecimal>            of all lines above
 *
 * Happy path: look at the names (to touch nothing that is not ours), lock, read drave.meta or make
 * it.
 * Failures: each is a sentence; nothing was changed then, but that the directory or its lock file
 * may have been made.
 * Invariants: the lock is held from before drave.meta is read until data_dir_close; a half-written
 * drave.meta is never seen, because it is written under another name and renamed.
 */
#include "storage/data_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/directory.h"

enum { FORMAT = 1, META_MAX = 4 << 20, RECORD_MAX = 1 << 20, CLUSTER_ID_MAX = 64 };

#define FIRST_LINE "drave data directory\n"
#define OTHER_DIR "--set data.dir=DIR"

struct data_dir {
    struct env *env;
    char *path;
    struct env_file *lock;
    uint8_t uuid[UUID_SIZE];
    int32_t node_id;
    char cluster_id[CLUSTER_ID_MAX + 1]; /* "" until formed */
    uint8_t *record;
    size_t record_len;
};

static char *path_of(const struct data_dir *dir, const char *name) {
    size_t size = strlen(dir->path) + 1 + strlen(name) + 1;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%s", dir->path, name);
    return path;
}

/* ---- Is it ours? ---- */

struct names {
    bool meta, shard;
    char other[128]; /* one that is not ours */
};

static void look_at_name(void *arg, const char *name) {
    struct names *names = arg;
    if (strcmp(name, "drave.meta") == 0)
        names->meta = true;
    else if (strcmp(name, "shard-0") == 0)
        names->shard = true;
    else if (strcmp(name, "lock") != 0 && strcmp(name, "drave.meta.new") != 0 &&
             strcmp(name, "lost+found") != 0)
        snprintf(names->other, sizeof names->other, "%s", name);
}

static int cannot(const struct data_dir *dir, const char *what, int error, struct error_text *why) {
    return error_set(why, error, "cannot %s the data directory %s (%s); %s, or use " OTHER_DIR,
                     what, dir->path, error_phrase(error), error_advice(error));
}

static int make_if_missing(struct data_dir *dir, struct error_text *why) {
    enum env_kind kind;
    int error = env_kind_of(dir->env, dir->path, &kind);
    if (error != ERR_NONE) return cannot(dir, "look at", error, why);
    if (kind != ENV_NOTHING && kind != ENV_DIRECTORY)
        return error_set(why, ERR_INVALID, "%s is not a directory; use " OTHER_DIR, dir->path);
    if (kind == ENV_DIRECTORY) return ERR_NONE;
    error = directory_make(dir->env, dir->path);
    if (error == ERR_NOT_FOUND)
        return error_set(
            why, ERR_INVALID,
            "cannot make the data directory %s: the directory that should hold it does not exist",
            dir->path);
    return error == ERR_NONE ? ERR_NONE : cannot(dir, "make", error, why);
}

static int check_names(struct data_dir *dir, struct names *names, struct error_text *why) {
    *names = (struct names){0};
    int error = env_list_dir(dir->env, dir->path, look_at_name, names);
    if (error != ERR_NONE) return cannot(dir, "read", error, why);
    if (names->meta) return ERR_NONE;
    if (names->other[0] != '\0')
        return error_set(
            why, ERR_INVALID,
            "%s holds files that are not drave's (%s); use an empty directory: " OTHER_DIR,
            dir->path, names->other);
    if (names->shard)
        return error_set(
            why, ERR_INVALID,
            "%s holds data, but its drave.meta is missing: put it back as it was, or use an empty "
            "directory: " OTHER_DIR,
            dir->path);
    return ERR_NONE;
}

static int take_lock(struct data_dir *dir, struct error_text *why) {
    char *path = path_of(dir, "lock");
    int holder = 0;
    int error = env_lock_file(dir->env, path, &dir->lock, &holder);
    mem_free(path);
    if (error == ERR_NONE) return ERR_NONE;
    if (error != ERR_BUSY)
        return error_set(
            why, error,
            "cannot lock the data directory %s: its file `lock` cannot be written (%s); %s, or use " OTHER_DIR,
            dir->path, error_phrase(error),
            error == ERR_DIRECTORY || error == ERR_NO_FILE ? "remove it, it is made again"
                                                           : error_advice(error));
    if (holder == 0)
        return error_set(why, error, "%s is in use by another process; stop it or use " OTHER_DIR,
                         dir->path);
    return error_set(why, error, "%s is in use by pid %d; stop it or use " OTHER_DIR, dir->path,
                     holder);
}

/* ---- drave.meta: writing ---- */

static void hex_of(const uint8_t *bytes, size_t len, char *into) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        into[2 * i] = digits[bytes[i] >> 4];
        into[2 * i + 1] = digits[bytes[i] & 15];
    }
    into[2 * len] = '\0';
}

static void uuid_text(const uint8_t uuid[UUID_SIZE], char into[37]) {
    static const size_t parts[] = {4, 2, 2, 2, 6};
    for (size_t i = 0; i < 5; i++) {
        hex_of(uuid, parts[i], into);
        uuid += parts[i];
        into += 2 * parts[i];
        if (i < 4) *into++ = '-';
    }
}

static char *meta_text(const struct data_dir *dir) {
    char uuid[37];
    size_t size = sizeof FIRST_LINE + 256 + CLUSTER_ID_MAX + 2 * dir->record_len, len;
    char *text = mem_alloc(size);
    uuid_text(dir->uuid, uuid);
    len = (size_t)snprintf(text, size, FIRST_LINE "format=%d\ndirectory=%s\n", FORMAT, uuid);
    if (dir->cluster_id[0] != '\0') {
        len += (size_t)snprintf(text + len, size - len,
                                "node=%" PRId32 "\ncluster=%s\nrecord=", dir->node_id,
                                dir->cluster_id);
        hex_of(dir->record, dir->record_len, text + len);
        len += 2 * dir->record_len;
        text[len++] = '\n';
    }
    len += (size_t)snprintf(text + len, size - len, "crc32c=%08" PRIx32 "\n", crc32c(0, text, len));
    CHECK(len < size); /* the room was counted above */
    return text;
}

static int replace_file(struct data_dir *dir, const char *from, const char *to, const char *text) {
    struct env_file *file;
    struct env_iov iov = {text, strlen(text)};
    int error = env_file_open(dir->env, from, ENV_WRITE | ENV_CREATE, &file);
    if (error != ERR_NONE) return error;
    error = env_file_truncate(file, 0);
    if (error == ERR_NONE) error = env_file_write(file, &iov, 1, 0, true);
    if (error == ERR_NONE) error = env_file_sync(file); /* the size, too */
    env_file_close(file);
    if (error == ERR_NONE) error = env_rename(dir->env, from, to);
    if (error == ERR_NONE) error = env_sync_dir(dir->env, dir->path);
    return error;
}

static int write_meta(struct data_dir *dir, struct error_text *why) {
    char *from = path_of(dir, "drave.meta.new"), *to = path_of(dir, "drave.meta"),
         *text = meta_text(dir);
    int error = replace_file(dir, from, to, text);
    mem_free(from);
    mem_free(to);
    mem_free(text);
    return error == ERR_NONE ? ERR_NONE : cannot(dir, "write to", error, why);
}

/* ---- drave.meta: reading ---- */

static int load_meta(struct data_dir *dir, char **text, struct error_text *why) {
    char *path = path_of(dir, "drave.meta");
    struct env_file *file = NULL;
    uint64_t size = 0;
    size_t got = 0;
    *text = NULL;
    int error = env_file_open(dir->env, path, ENV_READ, &file);
    mem_free(path);
    if (error == ERR_NONE) error = env_file_size(file, &size);
    if (error == ERR_NONE && size > META_MAX) error = ERR_TOO_LARGE;
    if (error == ERR_NONE) {
        *text = mem_zalloc((size_t)size + 1);
        error = env_file_read(file, *text, (size_t)size, 0, &got);
    }
    env_file_close(file);
    if (error == ERR_NONE) return ERR_NONE;
    mem_free(*text);
    return error_set(why, error, "cannot read %s/drave.meta (%s); %s", dir->path,
                     error_phrase(error),
                     error == ERR_NOT_FOUND ? "put it back as it was" : error_advice(error));
}

/* If the text at *at is the line "key=value", moves behind it, ends the value with NUL, and returns
 * it; else NULL. */
static char *take_line(char **at, const char *key) {
    size_t len = strlen(key);
    char *end = strchr(*at, '\n');
    if (end == NULL || strncmp(*at, key, len) != 0 || (*at)[len] != '=') return NULL;
    char *value = *at + len + 1;
    *end = '\0';
    *at = end + 1;
    return value;
}

/* The whole text as a number from 0 to `most`. */
static bool number_of(const char *text, uint64_t most, uint64_t *number) {
    char *end;
    if (text == NULL || text[0] < '0' || text[0] > '9') return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number <= most;
}

static int digit_of(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

/* Exactly `len` bytes from hexadecimal; '-' between bytes is passed over. */
static bool bytes_of(const char *hex, uint8_t *into, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (*hex == '-') hex++;
        int high = digit_of(hex[0]), low = high < 0 ? -1 : digit_of(hex[1]);
        if (low < 0) return false;
        into[i] = (uint8_t)(high << 4 | low);
        hex += 2;
    }
    return *hex == '\0';
}

static bool checksum_holds(const char *text) {
    const char *line = strstr(text, "\ncrc32c=");
    uint8_t sum[4];
    if (line == NULL || strlen(line + 1) != strlen("crc32c=") + 9 || line[strlen(line) - 1] != '\n')
        return false;
    size_t len = (size_t)(line + 1 - text);
    char hex[9];
    memcpy(hex, line + 1 + strlen("crc32c="), 8);
    hex[8] = '\0';
    if (!bytes_of(hex, sum, sizeof sum)) return false;
    uint32_t stored = (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 |
                      sum[3];
    return stored == crc32c(0, text, len);
}

/* The lines behind `format`; false if they are not as write_meta makes them. */
static bool parse_fields(struct data_dir *dir, char *at, int32_t *node_id) {
    const char *uuid = take_line(&at, "directory");
    uint64_t node = 0;
    if (uuid == NULL || !bytes_of(uuid, dir->uuid, UUID_SIZE)) return false;
    const char *node_text = take_line(&at, "node");
    if (node_text == NULL) return take_line(&at, "crc32c") != NULL;
    const char *cluster = take_line(&at, "cluster"), *record = take_line(&at, "record");
    if (cluster == NULL || record == NULL || cluster[0] == '\0' || strlen(cluster) > CLUSTER_ID_MAX)
        return false;
    if (!number_of(node_text, INT32_MAX, &node)) return false;
    *node_id = (int32_t)node;
    snprintf(dir->cluster_id, sizeof dir->cluster_id, "%s", cluster);
    dir->record_len = strlen(record) / 2;
    dir->record = mem_alloc(dir->record_len);
    return bytes_of(record, dir->record, dir->record_len);
}

static int damaged(const struct data_dir *dir, struct error_text *why) {
    return error_set(
        why, ERR_CORRUPT,
        "%s/drave.meta is damaged: put it back as it was; a broker that never was in a cluster may use an empty "
        "directory: " OTHER_DIR,
        dir->path);
}

static int parse_meta(struct data_dir *dir, char *text, struct error_text *why) {
    uint64_t format = 0;
    if (strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
        return error_set(
            why, ERR_CORRUPT,
            "%s/drave.meta is damaged, or not drave's: it does not begin as it should; put it back as it was; a "
            "broker that never was in a cluster may use an empty directory: " OTHER_DIR,
            dir->path);
    bool whole = checksum_holds(text);
    char *at = text + strlen(FIRST_LINE);
    if (!number_of(take_line(&at, "format"), INT32_MAX, &format)) return damaged(dir, why);
    if (format > FORMAT)
        return error_set(
            why, ERR_VERSION,
            "%s is of format %d, and this draved knows formats up to %d; start a newer draved, or use " OTHER_DIR,
            dir->path, (int)format, FORMAT);
    int32_t node_id = dir->node_id;
    if (!whole || !parse_fields(dir, at, &node_id)) return damaged(dir, why);
    if (dir->node_id == DATA_DIR_ANY_NODE) dir->node_id = node_id;
    if (node_id == dir->node_id) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "%s belongs to node %" PRId32 " of cluster %s, and this is node %" PRId32
                     "; use --set node.id=%" PRId32 " or " OTHER_DIR,
                     dir->path, node_id, dir->cluster_id, dir->node_id, node_id);
}

/* ---- Opening ---- */

/* UUID version 4, RFC 9562 section 5.4. */
static int make_meta(struct data_dir *dir, struct error_text *why) {
    env_random(dir->env, dir->uuid, UUID_SIZE);
    dir->uuid[6] = (uint8_t)((dir->uuid[6] & 0x0f) | 0x40);
    dir->uuid[8] = (uint8_t)((dir->uuid[8] & 0x3f) | 0x80);
    return write_meta(dir, why);
}

static int open_locked(struct data_dir *dir, bool *made, struct error_text *why) {
    struct names names;
    /* Again: another process may have made it before we had the lock. */
    int error = check_names(dir, &names, why);
    if (error != ERR_NONE) return error;
    /* It exists: for a process that was killed before it synced. */
    error = directory_make(dir->env, dir->path);
    if (error == ERR_NONE) error = env_sync_dir(dir->env, dir->path);
    if (error != ERR_NONE) return cannot(dir, "sync", error, why);
    *made = !names.meta;
    if (*made) return make_meta(dir, why);
    char *text;
    error = load_meta(dir, &text, why);
    if (error != ERR_NONE) return error;
    error = parse_meta(dir, text, why);
    mem_free(text);
    return error;
}

int data_dir_open(struct env *env, const char *path, int32_t node_id, struct data_dir **dir,
                  bool *made, struct error_text *why) {
    struct data_dir *opened = mem_zalloc(sizeof *opened);
    struct names names;
    opened->env = env;
    opened->path = mem_strdup(path);
    opened->node_id = node_id;
    int error = make_if_missing(opened, why);
    if (error == ERR_NONE) error = check_names(opened, &names, why);
    if (error == ERR_NONE) error = take_lock(opened, why);
    if (error == ERR_NONE) error = open_locked(opened, made, why);
    if (error != ERR_NONE) {
        data_dir_close(opened);
        return error;
    }
    *dir = opened;
    return ERR_NONE;
}

void data_dir_close(struct data_dir *dir) {
    env_file_close(dir->lock);
    mem_free(dir->record);
    mem_free(dir->path);
    mem_free(dir);
}

int data_dir_check(struct env *env, const char *path, struct error_text *why) {
    struct data_dir dir = {.env = env, .path = mem_strdup(path), .node_id = DATA_DIR_ANY_NODE};
    char *text;
    int error = load_meta(&dir, &text, why);
    if (error == ERR_NONE) {
        error = parse_meta(&dir, text, why);
        mem_free(text);
    }
    mem_free(dir.record);
    mem_free(dir.path);
    return error;
}

/* ---- What it says ---- */

const uint8_t *data_dir_uuid(const struct data_dir *dir) {
    return dir->uuid;
}

const void *data_dir_cluster_record(const struct data_dir *dir, size_t *len) {
    *len = dir->record_len;
    return dir->record;
}

const char *data_dir_cluster_id(const struct data_dir *dir) {
    return dir->cluster_id;
}

int data_dir_set_cluster_record(struct data_dir *dir, const char *cluster_id, const void *record,
                                size_t len, struct error_text *why) {
    /* Computed by cluster_record.c, not read. */
    CHECK(cluster_id[0] != '\0' && strlen(cluster_id) <= CLUSTER_ID_MAX);
    CHECK(len > 0 && len <= RECORD_MAX); /* cluster_record_decode took it */
    if (dir->cluster_id[0] != '\0') {
        bool same = strcmp(dir->cluster_id, cluster_id) == 0 && dir->record_len == len &&
                    memcmp(dir->record, record, len) == 0;
        if (same) return ERR_NONE;
        return error_set(
            why, ERR_EXISTS,
            "%s belongs to cluster %s already, and cannot join cluster %s; use " OTHER_DIR,
            dir->path, dir->cluster_id, cluster_id);
    }
    snprintf(dir->cluster_id, sizeof dir->cluster_id, "%s", cluster_id);
    dir->record = mem_alloc(len);
    dir->record_len = len;
    memcpy(dir->record, record, len);
    int error = write_meta(dir, why);
    if (error == ERR_NONE) return ERR_NONE;
    mem_free(dir->record);
    dir->record = NULL;
    dir->record_len = 0;
    dir->cluster_id[0] = '\0';
    return error;
}

int32_t data_dir_node(const struct data_dir *dir) {
    return dir->node_id;
}

int data_dir_adopt(struct data_dir *dir, const char *cluster_id, const void *record, size_t len,
                   struct error_text *why) {
    CHECK(cluster_id[0] != '\0' && strlen(cluster_id) <= CLUSTER_ID_MAX && len > 0 &&
          len <= RECORD_MAX); /* as above */
    snprintf(dir->cluster_id, sizeof dir->cluster_id, "%s", cluster_id);
    mem_free(dir->record);
    dir->record = mem_alloc(len);
    dir->record_len = len;
    memcpy(dir->record, record, len);
    return write_meta(dir, why);
}
