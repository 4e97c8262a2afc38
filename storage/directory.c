/* mkdir, then a sync of the directory above; a file under another name, then its rename. */
#include "storage/directory.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"

/* The directory that holds `path`; mem_free. */
static char *parent_of(const char *path) {
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len == 0 ? mem_strdup(".") : mem_strndup(path, len);
}

int directory_make(struct env *env, const char *path) {
    int made = env_mkdir(env, path);
    if (made != ERR_NONE && made != ERR_EXISTS) return made;
    char *parent = parent_of(path);
    int error = env_sync_dir(env, parent);
    mem_free(parent);
    /* who may not even read the parent has not made anything in it */
    return made == ERR_EXISTS && error == ERR_DENIED ? ERR_NONE : error;
}

static int write_synced(struct env *env, const char *path, const void *bytes, size_t len) {
    struct env_file *file;
    struct env_iov iov = {.base = bytes, .len = len};
    int error = env_file_open(env, path, ENV_WRITE | ENV_CREATE, &file);
    if (error) return error;
    error = env_file_truncate(file, 0); /* what an earlier try left */
    if (!error) error = env_file_write(file, &iov, 1, 0, !MUTANT(MUTANT_START_NOT_SYNCED));
    env_file_close(file);
    return error;
}

int directory_put_file(struct env *env, const char *directory, const char *path, const void *bytes,
                       size_t len) {
    static const char suffix[] = ".new";
    size_t size = strlen(path) + sizeof suffix;
    char *unfinished = mem_alloc(size);
    snprintf(unfinished, size, "%s%s", path, suffix);
    int error = write_synced(env, unfinished, bytes, len);
    if (!error) error = env_rename(env, unfinished, path);
    if (!error && !MUTANT(MUTANT_START_NOT_SYNCED)) error = env_sync_dir(env, directory);
    mem_free(unfinished);
    return error;
}
