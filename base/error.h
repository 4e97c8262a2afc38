/*
 * The one list of errors of everything below broker/. Zero is success; functions return these as
 * int.
 *
 * What the user sees is a sentence, never a number: functions that can fail for a reason which a
 * person must mend take a `struct error_text *` and leave the sentence there (what happened, with
 * the value, and what to do next).
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

enum error_code {
    ERR_NONE = 0,
    ERR_EOF,        /* the other side closed in good order; nothing more to read */
    ERR_AGAIN,      /* not now: would block, or not in memory */
    ERR_CANCELED,   /* closed by this side */
    ERR_NOT_FOUND,  /* no such file, name, offset, group */
    ERR_EXISTS,     /* already there */
    ERR_BUSY,       /* in use by somebody else (data directory, port) */
    ERR_DENIED,     /* permission */
    ERR_NO_SPACE,   /* disk full */
    ERR_NO_INODES,  /* the file system takes no more files, though it has bytes */
    ERR_QUOTA,      /* of the user or group */
    ERR_FILE_SIZE,  /* the process or the file system takes no file as large as that */
    ERR_READ_ONLY,  /* the file system is mounted read-only */
    ERR_IO,         /* the device or file system failed */
    ERR_CONNECTION, /* broken, reset, not reachable */
    ERR_REFUSED, /* the other host answered: nobody listens there (the process is dead, not slow) */
    ERR_TIMEOUT, /* the time given is over */
    ERR_NAME,    /* a host name that does not resolve */
    ERR_MALFORMED,  /* bytes that are not what they should be */
    ERR_CORRUPT,    /* a checksum that does not match */
    ERR_VERSION,    /* a format or version this program does not know */
    ERR_TOO_LARGE,  /* over a limit of the configuration */
    ERR_LIMIT,      /* a budget, queue or table is full at present */
    ERR_INVALID,    /* a value that makes no sense */
    ERR_NOT_LEADER, /* this replica does not lead (any more) */
    ERR_DIRECTORY,  /* a directory stands where a file should be */
    ERR_NO_FILE,    /* neither is what stands there a file: a FIFO, a socket, a device */
    ERR_SYSTEM,     /* any other error of the operating system */
};

/* A short phrase in lower case ("no space left"), for the middle of a sentence. Static memory. */
const char *error_phrase(int error);

/* What to do when a file or directory refuses with this error, as the beginning of the last part of
 * a sentence ("make room on the disk"). Static memory. */
const char *error_advice(int error);

/* Does the disk lack room: bytes, files, or quota? Nothing was lost by it; the writer waits until
 * somebody has made room. */
bool error_is_no_room(int error);

/* Are the bytes not what they should be? Then trying again helps only when a person has mended
 * something; other errors may pass. */
bool error_is_damage(int error);

/* The code for an errno value. */
int error_from_errno(int system_errno);

struct error_text {
    char text[512]; /* always terminated; empty while nothing went wrong */
};

/* Sets the sentence (truncated to fit) and returns `error`, so that callers can write `return
 * error_set(...)`. */
int error_set(struct error_text *where, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
