/* Two zeros, and nothing empty between and behind them. */
#include "broker/login/plain.h"

#include <string.h>

bool plain_read(const void *message, size_t len, struct plain_message *into) {
    const char *begin = message, *end = begin + len;
    const char *user = len == 0 ? NULL : memchr(begin, '\0', len);
    if (user == NULL) return false;
    size_t authorized = (size_t)(user++ - begin);
    const char *password = memchr(user, '\0', (size_t)(end - user));
    if (password == NULL) return false;
    size_t user_len = (size_t)(password++ - user);
    if (user_name_fault(user, user_len) != NULL) return false;
    if (authorized > 0 && (authorized != user_len || memcmp(begin, user, user_len) != 0))
        return false;
    into->password = password;
    into->password_len = (size_t)(end - password);
    if (into->password_len == 0 || into->password_len > LOGIN_PASSWORD_MAX ||
        memchr(password, '\0', into->password_len) != NULL)
        return false;
    memcpy(into->user, user, user_len);
    into->user[user_len] = '\0';
    return true;
}
