/* Headers of 512 bytes, data filled up to that, two empty blocks at the end; gzip over all of it.
 */
#include "client/bundle/archive.h"

#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { BLOCK = 512, PIECE = 32 << 10, GZIP_WINDOW = 15 + 16 };

/* ustar, as POSIX.1-1988 has it: numbers in octal. */
struct header {
    char name[ARCHIVE_NAME], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100],
        magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "the header of a file is one block");

struct archive {
    bool (*write)(void *arg, const void *data, size_t len);
    void *arg;
    bool failed;
    z_stream gzip;
};

static void deflate_all(struct archive *archive, const void *data, size_t len, int flush) {
    unsigned char piece[PIECE];
    int result = Z_OK;
    archive->gzip.next_in = (unsigned char *)data;
    archive->gzip.avail_in = (unsigned)len;
    do {
        archive->gzip.next_out = piece;
        archive->gzip.avail_out = sizeof(piece);
        result = deflate(&archive->gzip, flush);
        size_t made = sizeof(piece) - archive->gzip.avail_out;
        if (made > 0 && !archive->failed) {
            archive->failed = !archive->write(archive->arg, piece, made);
        }
    } while (archive->gzip.avail_out == 0 || (flush == Z_FINISH && result == Z_OK));
}

struct archive *archive_new(bool (*write)(void *arg, const void *data, size_t len), void *arg) {
    struct archive *archive = mem_zalloc(sizeof(*archive));
    archive->write = write;
    archive->arg = arg;
    archive->failed = deflateInit2(&archive->gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                                   8, Z_DEFAULT_STRATEGY) != Z_OK;
    return archive;
}

static void seal(struct header *header) {
    unsigned sum = 0;
    char digits[8];
    memset(header->sum, ' ', sizeof(header->sum));
    for (size_t i = 0; i < sizeof(*header); i++) {
        sum += ((const unsigned char *)header)[i];
    }
    snprintf(digits, sizeof(digits), "%06o", sum);
    memcpy(header->sum, digits, 7);
}

void archive_add(struct archive *archive, const char *name, const void *data, size_t len,
                 int64_t time_s) {
    struct header header = {.type = '0'};
    static const char nothing[BLOCK];
    char size[13], mtime[13];
    CHECK(strlen(name) < ARCHIVE_NAME); /* the caller cuts it */
    memcpy(header.name, name, strlen(name));
    memcpy(header.mode, "0000600", 8);
    memcpy(header.uid, "0000000", 8);
    memcpy(header.gid, "0000000", 8);
    memcpy(header.magic, "ustar", 6);
    memcpy(header.version, "00", 2);
    snprintf(size, sizeof(size), "%011llo", (unsigned long long)len & 077777777777ull);
    snprintf(mtime, sizeof(mtime), "%011llo", (unsigned long long)time_s & 077777777777ull);
    memcpy(header.size, size, sizeof(header.size));
    memcpy(header.mtime, mtime, sizeof(header.mtime));
    seal(&header);
    if (archive->failed) {
        return;
    }
    deflate_all(archive, &header, sizeof(header), Z_NO_FLUSH);
    deflate_all(archive, data, len, Z_NO_FLUSH);
    deflate_all(archive, nothing, (BLOCK - len % BLOCK) % BLOCK, Z_NO_FLUSH);
}

bool archive_end(struct archive *archive) {
    static const char nothing[2 * BLOCK];
    if (!archive->failed) {
        deflate_all(archive, nothing, sizeof(nothing), Z_FINISH);
    }
    bool whole = !archive->failed;
    deflateEnd(&archive->gzip);
    mem_free(archive);
    return whole;
}
