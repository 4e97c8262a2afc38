/*
 * A tar archive, compressed, that grows file by file.
 *
 * Happy path: archive_new, archive_add for each file, archive_end. Failures: what cannot be written
 * is told by archive_end, and what comes behind it is dropped. Invariants: POSIX ustar, of plain
 * files, 0600; names are shorter than ARCHIVE_NAME; all is written through `write`, in order.
 */
#ifndef CLIENT_BUNDLE_ARCHIVE_H
#define CLIENT_BUNDLE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARCHIVE_NAME = 100 };

struct archive;
/* False from `write`: it failed, and is not called any more. */
struct archive *archive_new(bool (*write)(void *arg, const void *data, size_t len), void *arg);
/* `time_s`: since 1970. */
void archive_add(struct archive *archive, const char *name, const void *data, size_t len,
                 int64_t time_s);
/* And frees it. False: something could not be written. */
bool archive_end(struct archive *archive);

#endif
