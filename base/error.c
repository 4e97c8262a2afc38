/* Errors: their phrases, the way from errno, and sentences. A new code needs a phrase here; a test
 * goes through all. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/text.h"

static const char *const phrases[] = {
    [ERR_NONE] = "no error",
    [ERR_EOF] = "the other side closed the connection",
    [ERR_AGAIN] = "not available at once",
    [ERR_CANCELED] = "canceled",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "it exists already",
    [ERR_BUSY] = "in use by somebody else",
    [ERR_DENIED] = "permission denied",
    [ERR_NO_SPACE] = "no space left",
    [ERR_NO_INODES] = "no inodes left: the file system takes no more files",
    [ERR_QUOTA] = "the disk quota is used up",
    [ERR_FILE_SIZE] = "no file may be as large as that",
    [ERR_READ_ONLY] = "the file system is read-only",
    [ERR_IO] = "the device reports an input/output error",
    [ERR_CONNECTION] = "connection broken or host not reachable",
    [ERR_REFUSED] = "connection refused",
    [ERR_TIMEOUT] = "no answer in time",
    [ERR_NAME] = "the host name does not resolve",
    [ERR_MALFORMED] = "malformed bytes",
    [ERR_CORRUPT] = "checksum mismatch",
    [ERR_VERSION] = "unknown format version",
    [ERR_TOO_LARGE] = "larger than the limit",
    [ERR_LIMIT] = "a limit is reached at present",
    [ERR_INVALID] = "invalid value",
    [ERR_NOT_LEADER] = "not the leader",
    [ERR_DIRECTORY] = "a directory stands in its place",
    [ERR_NO_FILE] = "a FIFO, a socket or a device stands in its place",
    [ERR_SYSTEM] = "the operating system refused",
};

const char *error_phrase(int error) {
    if (error < 0 || (size_t)error >= sizeof phrases / sizeof phrases[0]) return "unknown error";
    return phrases[error];
}

const char *error_advice(int error) {
    switch (error) {
    case ERR_DENIED: return "give this user the right to";
    case ERR_NO_SPACE: return "make room on the disk";
    case ERR_NO_INODES:
        return "remove files or topics, or make the file system anew with more inodes (mkfs.ext4 -N)";
    case ERR_QUOTA: return "raise the quota of this user (see quota, repquota), or make room";
    case ERR_FILE_SIZE: return "raise the limit of a file's size (ulimit -f, LimitFSIZE)";
    case ERR_READ_ONLY:
        return "see why (dmesg: after an error of the disk the kernel takes no more writes), mend it and mount it for "
               "writing";
    case ERR_IO: return "the disk fails: see what the kernel says (dmesg) and replace it";
    case ERR_DIRECTORY:
    case ERR_NO_FILE: return "remove it, and put the file back as it was";
    case ERR_LIMIT: return "raise the limit of open files (ulimit -n, LimitNOFILE)";
    default: return "see whether the disk is there and mounted";
    }
}

bool error_is_no_room(int error) {
    return error == ERR_NO_SPACE || error == ERR_NO_INODES || error == ERR_QUOTA ||
           error == ERR_FILE_SIZE;
}

bool error_is_damage(int error) {
    return error == ERR_CORRUPT || error == ERR_VERSION || error == ERR_MALFORMED;
}

int error_from_errno(int system_errno) {
    switch (system_errno) {
    case 0: return ERR_NONE;
    case EAGAIN:
    case EINTR: return ERR_AGAIN;
    case ECANCELED: return ERR_CANCELED;
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY: return ERR_EXISTS;
    case EBUSY:
    case ETXTBSY:
    case EADDRINUSE: return ERR_BUSY;
    case EACCES:
    case EPERM: return ERR_DENIED;
    case EROFS: return ERR_READ_ONLY;
    case ENOSPC: return ERR_NO_SPACE;
    case EDQUOT: return ERR_QUOTA;
    case EFBIG: return ERR_FILE_SIZE;
    case EIO: return ERR_IO;
    case ECONNREFUSED: return ERR_REFUSED;
    case ETIMEDOUT: return ERR_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET: return ERR_CONNECTION;
    case EMFILE:
    case ENFILE:
    case ENOBUFS: return ERR_LIMIT;
    case EISDIR: return ERR_DIRECTORY;
    case EINVAL:
    case ELOOP:
    case ENAMETOOLONG:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT: return ERR_INVALID;
    default: return ERR_SYSTEM;
    }
}

int error_set(struct error_text *where, int error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(where->text, sizeof where->text, format, arguments);
    va_end(arguments);
    text_make_plain(where->text); /* also a character that was cut in two */
    return error;
}
