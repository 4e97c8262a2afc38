/* Steps and frames. */
#include "broker/login/login.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/messages/api_table.h"

static const char *const names[LOGIN_MECHANISMS] = {
    [LOGIN_NONE] = "",
    [LOGIN_SCRAM_SHA_256] = "SCRAM-SHA-256",
    [LOGIN_SCRAM_SHA_512] = "SCRAM-SHA-512",
    [LOGIN_PLAIN] = "PLAIN",
    [LOGIN_OAUTHBEARER] = "OAUTHBEARER",
};

const char *login_mechanism_name(enum login_mechanism mechanism) {
    return names[mechanism];
}

enum login_mechanism login_mechanism_named(const char *name, size_t len) {
    for (int m = LOGIN_NONE + 1; m < LOGIN_MECHANISMS; m++)
        if (strlen(names[m]) == len && memcmp(names[m], name, len) == 0)
            return (enum login_mechanism)m;
    return LOGIN_NONE;
}

struct login *login_new(struct logins *logins) {
    struct login *login = mem_zalloc(sizeof *login);
    login->logins = logins;
    return login;
}

static void forget_exchange(struct login *login) {
    if (login->exchange == NULL) return;
    scram_wipe(login->exchange, sizeof *login->exchange);
    mem_free(login->exchange);
    login->exchange = NULL;
}

void login_free(struct login *login) {
    if (login == NULL) return;
    forget_exchange(login);
    mem_free(login);
}

/* ---- Which frames are due ---- */

static int16_t get_int16(const uint8_t *at) {
    return (int16_t)(at[0] << 8 | at[1]);
}

enum login_verdict login_takes(struct login *login, const void *frame, size_t len,
                               uint64_t now_us) {
    const uint8_t *bytes = frame;
    if (login->step == LOGIN_TOKEN && login->bare) return LOGIN_BARE;
    if (len < 4) return LOGIN_CLOSE;
    int16_t key = get_int16(bytes), version = get_int16(bytes + 2);
    switch (login->step) {
    case LOGIN_BEGINS:
        if (key != KP_API_VERSIONS) break;
        /* one of a version that is not known is answered with those that are */
        if (kp_api_serves(kp_api_find(key), version)) login->step = LOGIN_VERSIONS_TOLD;
        return LOGIN_PASS;
    case LOGIN_VERSIONS_TOLD: break;
    case LOGIN_TOKEN: return key == KP_SASL_AUTHENTICATE ? LOGIN_PASS : LOGIN_CLOSE;
    case LOGIN_DONE:
        if (login->expires_us != 0 && now_us >= login->expires_us && key != KP_SASL_HANDSHAKE)
            return LOGIN_EXPIRED;
        return LOGIN_PASS;
    }
    return key == KP_SASL_HANDSHAKE ? LOGIN_PASS : LOGIN_CLOSE;
}

void login_expect(struct login *login, enum login_mechanism mechanism, bool bare, uint64_t now_us) {
    forget_exchange(login);
    login->step = LOGIN_TOKEN;
    login->mechanism = mechanism;
    login->refused = false;
    login->bare = bare;
    login->began_us = now_us;
}

bool login_finish(struct login *login, const char *user, uint64_t now_us, uint64_t lifetime_us) {
    char principal[sizeof login->principal];
    forget_exchange(login);
    snprintf(principal, sizeof principal, "User:%s", user);
    if (login->principal[0] != '\0' && strcmp(login->principal, principal) != 0) return false;
    memcpy(login->principal, principal, sizeof principal);
    login->step = LOGIN_DONE;
    login->expires_us = lifetime_us == 0 ? 0 : now_us + lifetime_us;
    return true;
}

const char *login_principal(const struct login *login) {
    return login == NULL || login->principal[0] == '\0' ? "User:ANONYMOUS" : login->principal;
}
