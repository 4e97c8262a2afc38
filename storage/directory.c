/* mkdir, then a sync of the directory above. */
#include "storage/directory.h"

#include <string.h>

#include "base/mem.h"

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
