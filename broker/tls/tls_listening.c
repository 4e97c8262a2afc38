/* The context of the moment, and the job that looks whether its files have changed. */
#include "broker/tls/tls_listening.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/io/host_port.h"
#include "base/mem.h"
#include "broker/tls/principal_rules.h"

enum { AGAIN_MS = 1000, DAY_S = 24 * 3600, SOON_DAYS = 30, NOW_DAYS = 7 };

struct tls_listening {
    struct env *env;
    struct log *log;
    struct tls_options options;
    const struct broker_listener *listeners;
    size_t listener_count;
    uint32_t reload_ms;
    struct principal_rules *rules;
    struct tls_context *context;
    uint64_t files, bad_files; /* fingerprints: of the context, of what could not be used */
    struct secure_host *host;
    struct env_timer *timer;
    int64_t told_ms; /* when the end of the certificate was last spoken of */
    bool closed, again;
    struct tls_look *asked; /* who waits for a look that has not begun */
    bool unheard;           /* such a one that nobody waits for was asked for */

    struct env_job job; /* on the loop again when it is done */
    bool looking;
    struct tls_look *waiting; /* for the one that is under way, as `telling` */
    bool telling;
    uint64_t found;            /* the job's, as what follows */
    struct tls_context *fresh; /* NULL: it cannot be used, or nothing has changed */
    struct error_text why;
};

/* ---- What is said of a certificate ---- */

static void date_text(int64_t ms, char into[32]) {
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL || strftime(into, 32, "%Y-%m-%d %H:%M UTC", &parts) == 0)
        snprintf(into, 32, "?");
}

/* Once a day from 30 days ahead on, in a louder voice from 7 on, and from the last one. */
static void tell_expiry(struct tls_listening *tls) {
    int64_t now_ms = env_wall_ms(tls->env), expires_ms = tls_context_expires_ms(tls->context);
    int64_t left_s = (expires_ms - now_ms) / 1000;
    char date[32], when[48] = "";
    if (expires_ms == INT64_MAX || left_s > (int64_t)SOON_DAYS * DAY_S) return;
    if (tls->told_ms != 0 && now_ms - tls->told_ms < (int64_t)DAY_S * 1000) return;
    tls->told_ms = now_ms;
    date_text(expires_ms, date);
    if (left_s > 0 && left_s <= DAY_S)
        snprintf(when, sizeof when, ", within a day");
    else if (left_s > 0)
        snprintf(when, sizeof when, ", in %" PRId64 " days", left_s / DAY_S);
    log_event(
        tls->log,
        left_s <= (int64_t)NOW_DAYS * DAY_S ? LOGGED_CERTIFICATE_ENDS
                                            : LOGGED_CERTIFICATE_ENDS_SOON,
        "the certificate in %s %s on %s%s; clients refuse it from then on. Put a new one into that file: "
        "it is read without a restart",
        tls->options.own.path, left_s <= 0 ? "has ended" : "ends", date, when);
}

/* Clients check that the certificate names the host to which they connect. */
static void tell_names(const struct tls_listening *tls) {
    for (size_t i = 0; i < tls->listener_count; i++) {
        const struct broker_listener *listener = &tls->listeners[i];
        if (!listener->tls || host_is_any(listener->advertised_host) ||
            tls_context_covers(tls->context, listener->advertised_host))
            continue;
        log_event(
            tls->log, LOGGED_CERTIFICATE_NAMES,
            "the certificate in %s does not name %s, which clients of %s are told (advertised.listeners); "
            "they refuse it unless they check no names. Make one that has it among its SANs",
            tls->options.own.path, listener->advertised_host, listener->name);
    }
}

/* ---- Files that change ---- */

static void free_all(struct tls_listening *tls) {
    tls_context_unref(tls->context);
    env_timer_free(tls->timer);
    secure_host_free(tls->host);
    principal_rules_free(tls->rules);
    tls_options_drop(&tls->options);
    mem_free(tls);
}

static void look_work(struct env_job *job) {
    struct tls_listening *tls = CONTAINER_OF(job, struct tls_listening, job);
    tls->fresh = NULL;
    tls->why.text[0] = '\0';
    tls->found = tls_files_fingerprint(&tls->options);
    if (tls->found == tls->files) return;
    tls_context_new(&tls->options, &tls->fresh, &tls->why);
}

static void say_read(const struct tls_listening *tls, const char *how) {
    char date[32];
    date_text(tls_context_expires_ms(tls->context), date);
    log_event(tls->log, LOGGED_CERTIFICATE_READ, "TLS: %s %s; its certificate is good until %s",
              tls->options.own.path, how, date);
}

static void use_fresh(struct tls_listening *tls) {
    tls_context_unref(tls->context);
    tls->context = tls->fresh;
    tls->files = tls->found;
    tls->bad_files = 0;
    tls->told_ms = 0;
    say_read(tls, "was read anew");
    tell_names(tls);
}

/* Key and certificate may be written one after the other: a second look decides, unless somebody
 * has said that they are complete. */
static void refuse_fresh(struct tls_listening *tls) {
    bool asked = tls->waiting != NULL || tls->telling;
    if (!tls->again && !asked) {
        tls->again = true;
        return;
    }
    tls->again = false;
    if (tls->bad_files == tls->found + 1 && !asked) return; /* it was said */
    tls->bad_files = tls->found + 1;
    log_event(tls->log, LOGGED_CERTIFICATE_REFUSED,
              "TLS: what is in the files now cannot be used, and what was read before stays: %s",
              tls->why.text);
}

static void answer(struct tls_look *first, int error, const char *why) {
    for (struct tls_look *look = first, *next; look != NULL; look = next) {
        next = look->next;
        look->done(look, error, why);
    }
}

static void look(void *arg) {
    struct tls_listening *tls = arg;
    tls->looking = true;
    tls->waiting = tls->asked;
    tls->telling = tls->unheard;
    tls->asked = NULL;
    tls->unheard = false;
    env_pool_run(tls->env, &tls->job);
}

static void look_done(struct env_job *job) {
    struct tls_listening *tls = CONTAINER_OF(job, struct tls_listening, job);
    tls->looking = false;
    if (tls->closed) {
        tls_context_unref(tls->fresh);
        free_all(tls);
        return;
    }
    bool same = tls->found == tls->files;
    bool good = same || tls->fresh != NULL;
    if (same)
        tls->again = false;
    else if (good)
        use_fresh(tls);
    else
        refuse_fresh(tls);
    if (same && tls->telling) say_read(tls, "holds what was read before");
    tell_expiry(tls);
    answer(tls->waiting, good ? ERR_NONE : ERR_INVALID, tls->why.text);
    uint32_t wait_ms = tls->again && tls->reload_ms > AGAIN_MS ? AGAIN_MS : tls->reload_ms;
    if (tls->asked != NULL || tls->unheard)
        look(tls);
    else
        env_timer_start(tls->timer, (uint64_t)wait_ms * 1000);
}

void tls_listening_look(struct tls_listening *tls, struct tls_look *asked) {
    if (asked != NULL) {
        asked->next = tls->asked;
        tls->asked = asked;
    } else {
        tls->unheard = true;
    }
    if (tls->looking) return; /* what it has read may be older */
    env_timer_stop(tls->timer);
    look(tls);
}

int64_t tls_listening_expires_ms(const struct tls_listening *tls) {
    return tls_context_expires_ms(tls->context);
}

/* ---- Whom a certificate names ---- */

int tls_listening_principal(const struct tls_listening *tls, const struct secure_stream *stream,
                            char **principal, struct error_text *why) {
    static const char type[] = "User:";
    enum { TYPE_LEN = sizeof type - 1 };
    char name[PRINCIPAL_NAME_MAX + 1], whole[TYPE_LEN + PRINCIPAL_NAME_MAX + 1];
    *principal = NULL;
    int error = secure_stream_name(stream, name, sizeof name);
    if (error == ERR_NOT_FOUND) return ERR_NONE;
    if (error != ERR_NONE)
        return error_set(why, ERR_DENIED,
                         "the name in its certificate is no text, or longer than %d bytes; give it "
                         "another certificate",
                         PRINCIPAL_NAME_MAX);
    memcpy(whole, type, TYPE_LEN);
    error = principal_rules_apply(tls->rules, name, whole + TYPE_LEN, why);
    if (error == ERR_NONE) *principal = mem_strdup(whole);
    return error;
}

/* ---- Life ---- */

int tls_listening_open(struct env *env, struct log *log, const struct tls_wish *wish,
                       const struct broker_listener *listeners, size_t listener_count,
                       struct budget *sent, struct tls_listening **out, struct error_text *why) {
    struct tls_context *context;
    struct principal_rules *rules;
    *out = NULL;
    if (wish->files == NULL) return ERR_NONE;
    int error = principal_rules_new(wish->principals, &rules, why);
    if (error != ERR_NONE) return error;
    uint64_t files = tls_files_fingerprint(wish->files);
    error = tls_context_new(wish->files, &context, why);
    if (error != ERR_NONE) {
        principal_rules_free(rules);
        return error;
    }
    struct tls_listening *tls = mem_zalloc(sizeof *tls);
    tls->env = env;
    tls->log = log;
    tls->options = tls_options_copy(wish->files);
    tls->listeners = listeners;
    tls->listener_count = listener_count;
    tls->reload_ms = wish->reload_ms;
    tls->rules = rules;
    tls->context = context;
    tls->files = files;
    tls->job.work = look_work;
    tls->job.done = look_done;
    tls->host = secure_host_new(
        env, &(struct secure_limits){.handshakes_max = wish->handshakes_max,
                                     .timeout_ms = wish->setup_ms,
                                     .timeout_name = "connection.setup.timeout.ms",
                                     .not_tls = "it does not speak TLS, and this listener serves "
                                                "nothing else; if it is a Kafka client, give it "
                                                "security.protocol=SSL, else another port",
                                     .sent = sent});
    tls->timer = env_timer_new(env, look, tls);
    env_timer_start(tls->timer, (uint64_t)tls->reload_ms * 1000);
    tell_expiry(tls);
    tell_names(tls);
    if (tls_files_own_is_open(wish->files))
        log_event(log, LOGGED_KEY_READABLE,
                  "ssl.keystore.location=%.200s may be read by everybody on this machine, with the "
                  "private key; chmod 640",
                  wish->files->own.path);
    *out = tls;
    return ERR_NONE;
}

struct either_stream tls_listening_take(struct tls_listening *tls, struct env_stream *stream) {
    return (struct either_stream){.plain = stream,
                                  .secure = secure_stream_over(tls->host, tls->context, stream)};
}

void tls_listening_close(struct tls_listening *tls) {
    if (tls == NULL) return;
    CHECK(tls->asked == NULL && (!tls->looking || tls->waiting == NULL));
    tls->closed = true;
    env_timer_stop(tls->timer);
    if (!tls->looking) free_all(tls);
}
