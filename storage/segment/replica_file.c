/* Encoding, writing and reading of `<group>.replica`. */
#include "storage/segment/replica_file.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/directory.h"
#include "storage/little_endian.h"
#include "storage/segment/segment_format.h"

enum {
    MAGIC = 0x50525244, /* "DRRP" */
    FORMAT = 1,
    AT_GROUP = 8,
    AT_REPLICA = 16,
    AT_CRC = 24,
    SIZE = 28,
};

static const char suffix[] = ".replica";

static char *path_of_replica(const char *groups_path, uint64_t group) {
    char *path = path_of_group(groups_path, group);
    size_t len = strlen(path);
    path = mem_realloc(path, len + sizeof suffix);
    memcpy(path + len, suffix, sizeof suffix);
    return path;
}

static int read_whole(struct env_file *file, uint64_t group, replica_id *replica) {
    uint8_t bytes[SIZE + 1];
    size_t got;
    int error = env_file_read(file, bytes, sizeof bytes, 0, &got);
    if (error) return error;
    if (got != SIZE || le_get_u32(bytes) != MAGIC) return ERR_CORRUPT;
    *replica = le_get_u64(bytes + AT_REPLICA);
    bool sound = crc32c(0, bytes, AT_CRC) == le_get_u32(bytes + AT_CRC) && *replica != 0;
    if (!sound || le_get_u64(bytes + AT_GROUP) != group) return ERR_CORRUPT;
    return le_get_u32(bytes + 4) == FORMAT ? ERR_NONE : ERR_VERSION;
}

int replica_file_read(struct env *env, const char *groups_path, uint64_t group,
                      replica_id *replica) {
    struct env_file *file;
    char *path = path_of_replica(groups_path, group);
    int error = env_file_open(env, path, ENV_READ, &file);
    mem_free(path);
    if (error) return error;
    error = read_whole(file, group, replica);
    env_file_close(file);
    return error;
}

int replica_file_write(struct env *env, const char *groups_path, uint64_t group,
                       replica_id replica) {
    uint8_t bytes[SIZE];
    le_put_u32(bytes, MAGIC);
    le_put_u32(bytes + 4, FORMAT);
    le_put_u64(bytes + AT_GROUP, group);
    le_put_u64(bytes + AT_REPLICA, replica);
    le_put_u32(bytes + AT_CRC, crc32c(0, bytes, AT_CRC));
    char *path = path_of_replica(groups_path, group);
    int error = directory_put_file(env, groups_path, path, bytes, SIZE);
    mem_free(path);
    return error;
}

int replica_file_remove(struct env *env, const char *groups_path, uint64_t group) {
    char *path = path_of_replica(groups_path, group);
    int error = env_unlink(env, path);
    mem_free(path);
    return error == ERR_NOT_FOUND ? ERR_NONE : error;
}
