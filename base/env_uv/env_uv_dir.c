/* Names and folders of the libuv environment: plain system calls, like those of open files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/env_uv/env_uv_internal.h"

enum { FOLDER_MODE = 0750 };

static int result_of(int status) {
    return status == 0 ? ERR_NONE : error_from_errno(errno);
}

/* ENOSPC says as little of inodes as of bytes. */
int env_uv_made(const char *path, int error) {
    char parent[4096];
    struct env_disk_room room;
    if (error != ERR_NO_SPACE) return error;
    const char *end = strrchr(path, '/');
    size_t len = end == NULL || end == path ? 1 : (size_t)(end - path);
    if (len >= sizeof parent) return error;
    memcpy(parent, end == NULL ? "." : path, len);
    parent[len] = '\0';
    bool none = env_disk_free(NULL, parent, &room) == ERR_NONE && room.free_files == 0;
    return none ? ERR_NO_INODES : error;
}

int env_mkdir(struct env *env, const char *path) {
    (void)env;
    return env_uv_made(path, result_of(mkdir(path, FOLDER_MODE)));
}

int env_rename(struct env *env, const char *from, const char *to) {
    (void)env;
    return result_of(rename(from, to));
}

int env_unlink(struct env *env, const char *path) {
    (void)env;
    return result_of(unlink(path));
}

int env_rmdir(struct env *env, const char *path) {
    (void)env;
    return result_of(rmdir(path));
}

int env_sync_dir(struct env *env, const char *path) {
    (void)env;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return error_from_errno(errno);
    int error = result_of(fsync(fd));
    close(fd);
    return error;
}

int env_disk_free(struct env *env, const char *path, struct env_disk_room *room) {
    (void)env;
    struct statvfs status;
    if (statvfs(path, &status) != 0) return error_from_errno(errno);
    room->free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    room->total_bytes = (uint64_t)status.f_blocks * status.f_frsize;
    /* 0: it makes inodes as it goes. */
    room->free_files = status.f_files == 0 ? UINT64_MAX : (uint64_t)status.f_favail;
    return ERR_NONE;
}

int env_kind_of(struct env *env, const char *path, enum env_kind *kind) {
    (void)env;
    struct stat status;
    if (stat(path, &status) != 0) {
        *kind = ENV_NOTHING;
        return errno == ENOENT || errno == ENOTDIR ? ERR_NONE : error_from_errno(errno);
    }
    *kind = S_ISREG(status.st_mode)   ? ENV_FILE
            : S_ISDIR(status.st_mode) ? ENV_DIRECTORY
                                      : ENV_OTHER;
    return ERR_NONE;
}

int env_list_dir(struct env *env, const char *path, void (*each)(void *arg, const char *name),
                 void *arg) {
    (void)env;
    DIR *folder = opendir(path);
    if (folder == NULL) return error_from_errno(errno);
    struct dirent *entry;
    while (errno = 0, (entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(arg, entry->d_name);
    int error = error_from_errno(errno);
    closedir(folder);
    return error;
}
