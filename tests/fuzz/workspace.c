/* A temporary folder that goes with the process, files in it, and input cut into parts. */
#include "tests/fuzz/workspace.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

static struct workspace the_one;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    return walk->level > 0 ? remove(path) : 0;
}

static void at_exit(void) {
    nftw(the_one.path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    rmdir(the_one.path);
}

struct workspace *workspace_get(void) {
    if (the_one.env != NULL) return &the_one;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(nowhere >= 0);
    CHECK(env_uv_new(&the_one.env, nowhere) == ERR_NONE);
    the_one.log = (struct log){.env = the_one.env, .level = LOG_ERROR};
    snprintf(the_one.path, sizeof the_one.path, "/dev/shm/drave-fuzz-XXXXXX");
    CHECK(mkdtemp(the_one.path) != NULL);
    atexit(at_exit);
    return &the_one;
}

char *workspace_put(struct workspace *workspace, const char *name, const void *data, size_t len) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", workspace->path, name);
    for (char *slash = strchr(path + strlen(workspace->path) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK(write(fd, data, len) == (ssize_t)len);
    close(fd);
    return mem_strdup(path);
}

void workspace_clear(struct workspace *workspace) {
    env_uv_run(workspace->env);
    nftw(workspace->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const uint8_t *parts_next(struct parts *parts, size_t *len) {
    const uint8_t *part = parts->at;
    *len = parts->left;
    if (parts->left >= 2) {
        size_t wanted = part[0] | (size_t)part[1] << 8;
        part += 2;
        *len = parts->left - 2 < wanted ? parts->left - 2 : wanted;
    }
    parts->left -= (size_t)(part - parts->at) + *len;
    parts->at = part + *len;
    return part;
}
