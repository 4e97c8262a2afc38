/* What strangers and the file of the first users say: tokens of PLAIN, both messages of SCRAM (the
 * first half of the input and the second), lines of users, and the frames before a login. Nobody
 * gets in, and what is taken is sound. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/login/plain.h"
#include "broker/users/users_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void hear(enum scram_mechanism mechanism, const uint8_t *data, size_t len) {
    static const uint8_t random[SCRAM_NONCE_RANDOM];
    struct user_key key = {.mechanism = mechanism, .iterations = 4096, .salt_len = 16};
    struct scram_server server;
    char answer[4 * SCRAM_HASH_MAX];
    size_t half = len / 2, answer_len;
    if (!scram_server_hear(&server, mechanism, data, half)) return;
    CHECK(user_name_fault(server.user, strlen(server.user)) == NULL);
    memset(&key.keys, 7, sizeof key.keys);
    scram_server_challenge(&server, &key, random, &answer_len);
    CHECK(!scram_server_judge(&server, data + half, len - half, answer, &answer_len));
}

static void read_line(const uint8_t *data, size_t len) {
    struct user_key key;
    if (!users_file_line((const char *)data, len, &key)) return;
    CHECK(user_name_fault(key.name, strlen(key.name)) == NULL && user_key_fault(&key) == NULL);
    mem_free(key.name);
}

/* Frames of a few bytes, as long as they are let through. */
static void take_frames(const uint8_t *data, size_t len) {
    struct login *login = login_new(NULL);
    for (size_t at = 0; at + 6 <= len; at += 6) {
        enum login_verdict verdict = login_takes(login, data + at, 6, at);
        if (verdict == LOGIN_CLOSE) break;
        CHECK(verdict == LOGIN_PASS);
        CHECK(!login_is_done(login));
    }
    login_free(login);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct plain_message message;
    if (plain_read(data, len, &message))
        CHECK(message.password_len <= LOGIN_PASSWORD_MAX && message.user[0] != '\0');
    hear(SCRAM_SHA_256, data, len);
    hear(SCRAM_SHA_512, data, len);
    read_line(data, len);
    take_frames(data, len);
    return 0;
}
