/* The client's side of SCRAM (RFC 5802), and PLAIN. */
#include "client/socket/socket_login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secure/base64.h"
#include "base/secure/scram.h"
#include "client/line/password.h"
#include "client/line/talk.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"

enum {
    NONCE = 18,
    TEXT_ROOM = 2048,
    NAME_MAX_LEN = 255,
    ARENA_MAX = 1 << 20,
    MOST_ITERATIONS = 1 << 20
};

static struct {
    const char *user, *mechanism; /* NULL: nobody */
    char *password;
} used;

/* ---- The call ---- */

int socket_login_use(const struct invocation *in) {
    const char *environment = getenv("DRAVE_PASSWORD");
    used.user = in->user;
    used.mechanism = in->mechanism ? in->mechanism : "SCRAM-SHA-256";
    if (!used.user) {
        return EXIT_DONE;
    }
    if (!*used.user || strlen(used.user) > NAME_MAX_LEN) {
        say("--user has a name of 1 to %d bytes; name one of drave user list", NAME_MAX_LEN);
        return EXIT_USAGE;
    }
    if (strcmp(used.mechanism, "PLAIN") != 0 &&
        scram_named(used.mechanism, strlen(used.mechanism)) == SCRAM_NONE) {
        say("--sasl %s is not possible; there are SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN",
            used.mechanism);
        return EXIT_USAGE;
    }
    if (in->password_file) {
        used.password = password_of_file(in->password_file);
    } else if (environment && *environment) {
        used.password = mem_strdup(environment);
    } else if (isatty(STDIN_FILENO)) {
        used.password = password_typed("password: ");
    } else {
        say("there is no password for --user %s; name a file with --password-file, or set "
            "DRAVE_PASSWORD",
            used.user);
    }
    return used.password ? EXIT_DONE : EXIT_USAGE;
}

void socket_login_forget(void) {
    password_free(used.password);
    used.user = NULL;
    used.password = NULL;
}

const char *socket_login_user(void) {
    return used.user;
}

const char *socket_login_password(void) {
    return used.password;
}

const char *socket_login_mechanism(void) {
    return used.mechanism;
}

/* ---- Messages ---- */

struct talk {
    const struct login_road *road;
    struct kp_arena arena;
    struct error_text *why;
};

static int refused(struct talk *talk, const char *what) {
    return error_set(talk->why, ERR_DENIED, "%s: the login as '%s' by %s failed: %s",
                     talk->road->address, used.user, used.mechanism, what);
}

static int choose(struct talk *talk) {
    struct kp_sasl_handshake_request request = {.mechanism = kp_string_of(used.mechanism)};
    struct kp_sasl_handshake_response response;
    int error = talk->road->exchange(talk->road->arg, kp_api_find(KP_SASL_HANDSHAKE), 1, &request,
                                     &talk->arena, &response, talk->why);
    if (error) {
        return error;
    }
    if (response.error_code == 34) {
        return refused(talk, "that listener wants no logins; leave --user out");
    }
    return response.error_code ? refused(talk, "the broker does not offer it; see --sasl")
                               : ERR_NONE;
}

/* Sends a token and takes the broker's. */
static int say_token(struct talk *talk, const char *token, size_t len, struct kp_bytes *answer) {
    struct kp_sasl_authenticate_request request = {
        .auth_bytes = {.data = (const uint8_t *)token, .len = (int32_t)len}};
    struct kp_sasl_authenticate_response response;
    int error = talk->road->exchange(talk->road->arg, kp_api_find(KP_SASL_AUTHENTICATE), 2,
                                     &request, &talk->arena, &response, talk->why);
    if (error) {
        return error;
    }
    *answer = response.auth_bytes;
    if (response.error_code) {
        char text[200];
        snprintf(text, sizeof(text), "%.*s",
                 response.error_message.len < 0 ? 0 : (int)response.error_message.len,
                 response.error_message.data ? response.error_message.data : "");
        return refused(talk, *text ? text : "it says no more");
    }
    return ERR_NONE;
}

static int log_in_plain(struct talk *talk) {
    char token[2 + NAME_MAX_LEN + 512];
    size_t user = strlen(used.user), password = strlen(used.password);
    struct kp_bytes answer;
    token[0] = 0;
    memcpy(token + 1, used.user, user + 1);
    memcpy(token + user + 2, used.password, password);
    int error = say_token(talk, token, user + password + 2, &answer);
    scram_wipe(token, sizeof(token));
    return error;
}

/* ---- SCRAM ---- */

/* A name with commas and equals signs written as =2C and =3D. */
static void write_name(const char *name, char *into) {
    for (; *name; name++) {
        const char *as = *name == ',' ? "=2C" : *name == '=' ? "=3D" : NULL;
        if (as) {
            memcpy(into, as, 3);
            into += 3;
        } else {
            *into++ = *name;
        }
    }
    *into = 0;
}

struct challenge {
    char text[TEXT_ROOM];  /* all of it */
    char nonce[TEXT_ROOM]; /* ours, and theirs behind it */
    uint8_t salt[SCRAM_SALT_MAX];
    size_t salt_len;
    int iterations;
};

static bool read_challenge(struct kp_bytes from, const char *nonce, struct challenge *into) {
    char salt[TEXT_ROOM];
    if (from.len < 0 || from.len >= TEXT_ROOM || memchr(from.data, 0, (size_t)from.len)) {
        return false;
    }
    memcpy(into->text, from.data, (size_t)from.len);
    into->text[from.len] = 0;
    return sscanf(into->text, "r=%[^,],s=%[^,],i=%d", into->nonce, salt, &into->iterations) == 3 &&
           strncmp(into->nonce, nonce, strlen(nonce)) == 0 && strlen(into->nonce) > strlen(nonce) &&
           base64_decode(BASE64_PADDED, salt, strlen(salt), into->salt, sizeof(into->salt),
                         &into->salt_len) &&
           into->iterations >= SCRAM_ITERATIONS_MIN && into->iterations <= MOST_ITERATIONS;
}

/* Whether the broker's last word proves that it knows the user. */
static bool is_proved(enum scram_mechanism mechanism, const uint8_t *salted, const char *said,
                      struct kp_bytes answer) {
    struct scram_keys keys;
    uint8_t signature[SCRAM_HASH_MAX], theirs[SCRAM_HASH_MAX];
    size_t size = scram_hash_size(mechanism), got;
    scram_keys_of(mechanism, salted, &keys);
    scram_hmac(mechanism, keys.server, size, said, strlen(said), signature);
    scram_wipe(&keys, sizeof(keys));
    return answer.len > 2 && memcmp(answer.data, "v=", 2) == 0 &&
           base64_decode(BASE64_PADDED, (const char *)answer.data + 2, (size_t)answer.len - 2,
                         theirs, sizeof(theirs), &got) &&
           got == size && scram_same(theirs, signature, size);
}

static int log_in_scram(struct talk *talk, enum scram_mechanism mechanism) {
    char name[3 * NAME_MAX_LEN + 1], nonce[NONCE * 2], first[1200], last[2 * TEXT_ROOM],
        said[4 * TEXT_ROOM], proof_text[2 * SCRAM_HASH_MAX];
    uint8_t random[NONCE], salted[SCRAM_HASH_MAX], proof[SCRAM_HASH_MAX];
    struct challenge challenge;
    struct kp_bytes answer;
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return error_set(talk->why, ERR_SYSTEM, "the system gives no random bytes");
    }
    base64_encode(BASE64_PADDED, random, sizeof(random), nonce);
    write_name(used.user, name);
    int len = snprintf(first, sizeof(first), "n,,n=%s,r=%s", name, nonce);
    int error = say_token(talk, first, (size_t)len, &answer);
    if (error) {
        return error;
    }
    if (!read_challenge(answer, nonce, &challenge)) {
        return refused(talk, "what it answers makes no sense");
    }
    scram_salt_password(mechanism, used.password, strlen(used.password), challenge.salt,
                        challenge.salt_len, challenge.iterations, salted);
    len = snprintf(last, sizeof(last), "c=biws,r=%s", challenge.nonce);
    snprintf(said, sizeof(said), "%s,%s,%s", first + strlen("n,,"), challenge.text, last);
    scram_proof_of(mechanism, salted, said, strlen(said), proof);
    base64_encode(BASE64_PADDED, proof, scram_hash_size(mechanism), proof_text);
    len += snprintf(last + len, sizeof(last) - (size_t)len, ",p=%s", proof_text);
    error = say_token(talk, last, (size_t)len, &answer);
    if (!error && !is_proved(mechanism, salted, said, answer)) {
        error = refused(talk, "the broker does not prove that it knows the user; do not trust it");
    }
    scram_wipe(salted, sizeof(salted));
    return error;
}

int socket_login(const struct login_road *road, struct error_text *why) {
    if (!used.user) {
        return ERR_NONE;
    }
    struct talk talk = {.road = road, .why = why};
    enum scram_mechanism mechanism = scram_named(used.mechanism, strlen(used.mechanism));
    kp_arena_init(&talk.arena, ARENA_MAX);
    int error = choose(&talk);
    if (!error) {
        error = mechanism == SCRAM_NONE ? log_in_plain(&talk) : log_in_scram(&talk, mechanism);
    }
    kp_arena_close(&talk.arena);
    return error;
}
