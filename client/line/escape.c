/* Reading what stands behind a backslash. */
#include "client/line/escape.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

size_t escape_read(const char *text, char *byte) {
    static const char letters[] = "ntr0\\", bytes[] = "\n\t\r\0\\";
    if (text[1] == 'x' && isxdigit((unsigned char)text[2]) && isxdigit((unsigned char)text[3])) {
        *byte = (char)strtol((char[]){text[2], text[3], 0}, NULL, 16);
        return 4;
    }
    const char *found = text[1] ? strchr(letters, text[1]) : NULL;
    if (!found) {
        return 0;
    }
    *byte = bytes[found - letters];
    return 2;
}

char *escape_text(const char *text, size_t *len, const char **wrong) {
    char *result = mem_alloc(strlen(text) + 1);
    *len = 0;
    for (const char *at = text; *at; (*len)++) {
        size_t used = 1;
        if (*at == '\\') {
            used = escape_read(at, &result[*len]);
        } else {
            result[*len] = *at;
        }
        if (used == 0) {
            *wrong = at;
            mem_free(result);
            return NULL;
        }
        at += used;
    }
    result[*len] = 0;
    return result;
}
