/*
 * drave tls show, drave tls renew: what is in files of certificates, and new ones in their place.
 *
 * Happy path: show prints a row for each certificate of the files (of a folder: of its *.pem);
 * renew gives each file of the folder that its CA has signed, or those that are named, another key
 * and certificate for the same names. Failures: a file that cannot be read, or is not of that CA,
 * is said, the others are done, exit code 1. Asks no broker: brokers look at their files by
 * themselves.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "client/line/command.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/users/tls_authority.h"
#include "client/users/tls_facts.h"

enum { PATH_MOST = 4096, DAYS_USUAL = 365, DAY_S = 24 * 60 * 60 };

static int64_t now_s(void) {
    return moment_now() / 1000;
}

static void date_text(int64_t seconds, char into[24]) {
    time_t when = (time_t)seconds;
    struct tm parts;
    into[0] = '\0';
    if (gmtime_r(&when, &parts) != NULL) {
        strftime(into, 24, "%Y-%m-%d", &parts);
    }
}

static int is_pem(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".pem") == 0;
}

/* do_one for each *.pem of the folder, in the order of their names; their count. */
static int for_each_file(const char *dir, void (*do_one)(void *arg, const char *path), void *arg) {
    struct dirent **entries = NULL;
    char path[PATH_MOST];
    int count = scandir(dir, &entries, is_pem, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%.2000s/%.1000s", dir, entries[i]->d_name);
        do_one(arg, path);
        mem_free(entries[i]);
    }
    mem_free(entries);
    return count < 0 ? 0 : count;
}

static bool is_folder(const char *path) {
    struct stat is;
    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

/* ---- show ---- */

struct show {
    struct table *table; /* NULL: JSON */
    json_t *list;
    int code;
};

static void show_one(struct show *show, const char *path, const struct tls_facts *facts) {
    char until[24], left[32];
    int64_t left_s = facts->ends_s - now_s(), days = left_s / DAY_S;
    bool ended = left_s <= 0;
    date_text(facts->ends_s, until);
    snprintf(left, sizeof(left), ended ? "ended" : "%lld days", (long long)days);
    const char *kind = facts->authority ? "CA" : facts->with_key ? "with key" : "alone";
    if (show->table) {
        table_row(show->table,
                  (const char *[]){path, kind, facts->subject, *facts->names ? facts->names : NULL,
                                   facts->signs_itself ? "itself" : facts->issuer, until, left});
    }
    json_array_append_new(show->list,
                          json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:I,s:b}", "file", path, "subject",
                                    facts->subject, "issuer", facts->issuer, "names", facts->names,
                                    "authority", facts->authority, "with_key", facts->with_key,
                                    "until_s", (json_int_t)facts->ends_s, "ended", ended));
}

static void show_file(void *arg, const char *path) {
    struct show *show = arg;
    struct tls_facts *facts = mem_alloc(TLS_FACTS_MAX * sizeof(*facts));
    struct error_text why;
    size_t count;
    if (tls_facts_read(path, facts, &count, &why) != ERR_NONE) {
        say("%s", why.text);
        show->code = EXIT_REFUSED;
    }
    for (size_t i = 0; i < count; i++) {
        show_one(show, path, &facts[i]);
    }
    mem_free(facts);
}

int command_tls_show(struct invocation *in) {
    static const char *const columns[] = {"FILE",      "WHAT",  "SUBJECT", "NAMES",
                                          "SIGNED BY", "UNTIL", "LEFT"};
    struct show show = {.table = in->json ? NULL : table_new(columns, 7), .list = json_array()};
    for (int i = 0; i < in->word_count; i++) {
        if (!is_folder(in->words[i])) {
            show_file(&show, in->words[i]);
        } else if (for_each_file(in->words[i], show_file, &show) == 0) {
            say("%s has no file *.pem; drave tls init makes some", in->words[i]);
            show.code = EXIT_REFUSED;
        }
    }
    if (show.table) {
        table_print(show.table);
        json_decref(show.list);
    } else {
        print_json(show.list);
    }
    return show.code;
}

/* ---- renew ---- */

struct renewal {
    const char *ca;
    struct tls_authority *authority;
    int days, done, code;
    bool dry, every; /* all that the folder has */
};

static void renew_one(void *arg, const char *path) {
    struct renewal *renewal = arg;
    struct error_text why;
    char until[24];
    if (renewal->every && strcmp(path, renewal->ca) == 0) {
        return;
    }
    if (tls_authority_renew(renewal->authority, path, renewal->days, renewal->dry, &why) !=
        ERR_NONE) {
        say("%s", why.text);
        renewal->code = EXIT_REFUSED;
        return;
    }
    date_text(now_s() + (int64_t)renewal->days * DAY_S, until);
    say("%s%s: another key and certificate, good until %s", renewal->dry ? "would be made: " : "",
        path, until);
    renewal->done++;
}

static void renew_all(struct renewal *renewal, const struct invocation *in) {
    char path[PATH_MOST];
    if (renewal->every) {
        for_each_file(in->words[0], renew_one, renewal);
    }
    for (int i = 1; i < in->word_count; i++) {
        snprintf(path, sizeof(path), "%.2000s/%.200s.pem", in->words[0], in->words[i]);
        renew_one(renewal, path);
    }
}

int command_tls_renew(struct invocation *in) {
    char ca[PATH_MOST], key[PATH_MOST];
    struct error_text why;
    struct renewal renewal = {
        .ca = ca,
        .days = (int)invocation_number(in, OPTION_DAYS, DAYS_USUAL, 1, TLS_DAYS_MAX),
        .dry = invocation_has(in, OPTION_DRY_RUN),
        .every = in->word_count == 1};
    if (strlen(in->words[0]) > PATH_MOST / 2) {
        say("the name of the folder is too long; choose a shorter one");
        return EXIT_USAGE;
    }
    snprintf(ca, sizeof(ca), "%s/ca.pem", in->words[0]);
    snprintf(key, sizeof(key), "%s/ca.key", in->words[0]);
    if (tls_authority_read(ca, key, &renewal.authority, &why) != ERR_NONE) {
        say("%s", why.text);
        return EXIT_REFUSED;
    }
    renew_all(&renewal, in);
    tls_authority_free(renewal.authority);
    if (renewal.done == 0 && !renewal.code) {
        say("%s has no certificate but the CA's; drave tls init makes some", in->words[0]);
        return EXIT_REFUSED;
    }
    if (renewal.done > 0 && !renewal.dry) {
        say("brokers that read these files take them by themselves (ssl.reload.interval.ms), and "
            "at once after kill -HUP; connections that live go on");
    }
    return renewal.code;
}
