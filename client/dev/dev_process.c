/* Finding the process of a broker by its lock, its file or as a child, and signalling it. */
#include "client/dev/dev_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_ROOM = DEV_PATH + 32 };

/* The number that a small file begins with; 0: none. */
static pid_t number_in(int fd) {
    char text[32] = "";
    ssize_t n = read(fd, text, sizeof(text) - 1);
    long number = n > 0 ? strtol(text, NULL, 10) : 0;
    return number > 0 && number < INT32_MAX ? (pid_t)number : 0;
}

/* Whether the process has this very file open. */
static bool has_open(pid_t pid, const struct stat *file) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    bool found = false;
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        struct stat one;
        found = fstatat(dirfd(dir), entry->d_name, &one, 0) == 0 && one.st_dev == file->st_dev &&
                one.st_ino == file->st_ino;
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}

/* Whether the process was started with --config and this path. */
static bool started_with(pid_t pid, const char *conf) {
    char path[64], line[2 * PATH_ROOM + 64];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    for (ssize_t at = 0; at < len; at += (ssize_t)strnlen(line + at, (size_t)(len - at)) + 1) {
        line[len] = 0;
        if (strcmp(line + at, conf) == 0) {
            return true;
        }
    }
    return false;
}

static int process_hold(pid_t pid, struct dev_process *process) {
    process->fd = pidfd_open(pid, 0);
    process->pid = process->fd >= 0 ? pid : 0;
    return process->fd >= 0 ? ERR_NONE : ERR_NOT_FOUND;
}

/* Whether anybody has the file locked, as the kernel lists it. Trying the lock instead could refuse
 * it to a broker that just starts. */
static bool is_locked(const struct stat *file) {
    char wanted[64], line[256];
    snprintf(wanted, sizeof(wanted), " %02x:%02x:%llu ", major(file->st_dev), minor(file->st_dev),
             (unsigned long long)file->st_ino);
    FILE *locks = fopen("/proc/locks", "re");
    bool found = false;
    while (locks && !found && fgets(line, sizeof(line), locks)) {
        found = strstr(line, wanted) && strstr(line, "FLOCK") && !strstr(line, "->");
    }
    if (locks) {
        fclose(locks);
    }
    return found;
}

/* By the lock file: only the broker writes its number there and keeps it open. */
static int find_by_lock(const struct dev_node *node, struct dev_process *process,
                        struct error_text *why) {
    char path[PATH_ROOM];
    struct stat lock;
    snprintf(path, sizeof(path), "%s/data/lock", node->directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ERR_NONE;
    }
    pid_t pid = fstat(fd, &lock) == 0 ? number_in(fd) : 0;
    close(fd);
    if (pid > 0 && process_hold(pid, process) == ERR_NONE && !has_open(pid, &lock)) {
        dev_process_close(process);
    }
    return process->pid > 0 || pid == 0 || !is_locked(&lock)
               ? ERR_NONE
               : error_set(
                     why, ERR_DENIED,
                     "%s/data is in use by a process that this user cannot see (it calls itself pid %d): another "
                     "user's, or one in a container. End it there",
                     node->directory, (int)pid);
}

/* By draved.pid: a broker that has not come to its lock yet. */
static void find_by_file(const struct dev_node *node, struct dev_process *process) {
    char path[PATH_ROOM], conf[PATH_ROOM];
    snprintf(path, sizeof(path), "%s/draved.pid", node->directory);
    snprintf(conf, sizeof(conf), "%s/draved.conf", node->directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    pid_t pid = fd >= 0 ? number_in(fd) : 0;
    if (fd >= 0) {
        close(fd);
    }
    if (pid > 0 && process_hold(pid, process) == ERR_NONE &&
        (!started_with(pid, conf) || dev_process_ended(process, 0))) {
        dev_process_close(process);
    }
}

/* A child of this very program, which may not even have become draved yet. It is looked at, not
 * reaped: its number stays its own. */
static void find_child(const struct dev_node *node, struct dev_process *process) {
    siginfo_t ended = {0};
    if (node->child > 0 &&
        waitid(P_PID, (id_t)node->child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid == 0) {
        process_hold(node->child, process);
    }
}

int dev_process_find(const struct dev_node *node, struct dev_process *process,
                     struct error_text *why) {
    *process = (struct dev_process){.fd = -1};
    find_child(node, process);
    int error = process->pid == 0 ? find_by_lock(node, process, why) : ERR_NONE;
    if (!error && process->pid == 0) {
        find_by_file(node, process);
    }
    return error;
}

void dev_process_close(struct dev_process *process) {
    if (process->fd >= 0) {
        close(process->fd);
    }
    *process = (struct dev_process){.fd = -1};
}

int dev_process_signal(const struct dev_node *node, const struct dev_process *process, int number,
                       struct error_text *why) {
    if (pidfd_send_signal(process->fd, number, NULL, 0) == 0 || errno == ESRCH) {
        return ERR_NONE;
    }
    return error_set(why, ERR_DENIED,
                     "broker %d (pid %d) belongs to another user: %s; do it as that user", node->id,
                     (int)process->pid, error_phrase(error_from_errno(errno)));
}

bool dev_process_ended(const struct dev_process *process, int ms) {
    struct pollfd wait = {.fd = process->fd, .events = POLLIN};
    return process->fd < 0 || poll(&wait, 1, ms) > 0;
}

bool dev_process_paused(const struct dev_process *process) {
    char path[64], line[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)process->pid);
    int fd = process->pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    const char *behind_name = n > 0 ? strrchr(line, ')') : NULL;
    return behind_name && behind_name[1] == ' ' && behind_name[2] == 'T';
}
