/*
 * drave tls init: a CA, and certificates of brokers and clients, for a lab or a small cluster.
 *
 * Happy path: DIR/ca.pem and DIR/ca.key are made, or used if they are there; each --broker
 * ID=HOST,... is DIR/broker-ID.pem, each --client NAME is DIR/NAME.pem, key and certificate in one
 * file. Failures: what cannot be made is said with its file, exit code 1, and what was made before
 * stays; a word that makes no sense, exit code 2, before anything is made. Asks no broker.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/users/tls_authority.h"

enum { PATH_MOST = 4096, LIST_MOST = 2048, FILES_MOST = 64, CA_DAYS = 3650, DAYS_USUAL = 365 };

static const char USUAL[] = "1=localhost,127.0.0.1,::1";

struct wanted {
    struct tls_wish wish;
    char name[TLS_NAME_MAX + 1], list[LIST_MOST]; /* the hosts, cut into texts */
    char path[PATH_MOST];
};

struct init {
    const char *dir;
    struct wanted *files;
    size_t count;
};

/* ---- Words ---- */

/* ID=HOST,HOST... */
static bool read_broker(struct init *init, const char *word, int days) {
    struct wanted *one = &init->files[init->count];
    const char *equals = strchr(word, '=');
    char *end = NULL;
    long id = strtol(word, &end, 10);
    *one = (struct wanted){.wish = {.name = one->name, .days = days}};
    if (!equals || end != equals || id < 1 || id > INT32_MAX ||
        strlen(equals + 1) >= sizeof(one->list)) {
        say("'%s' is no broker; write for example --broker 1=broker1.example.com,10.0.0.1", word);
        return false;
    }
    snprintf(one->name, sizeof(one->name), "broker-%ld", id);
    snprintf(one->list, sizeof(one->list), "%s", equals + 1);
    char *rest = one->list;
    for (char *host = strsep(&rest, ","); host; host = strsep(&rest, ",")) {
        if (one->wish.host_count == TLS_HOSTS_MAX) {
            say("broker %ld has more than %d names; give it fewer", id, TLS_HOSTS_MAX);
            return false;
        }
        one->wish.hosts[one->wish.host_count++] = host;
    }
    init->count++;
    return true;
}

static bool read_client(struct init *init, const char *word, int days) {
    struct wanted *one = &init->files[init->count];
    *one = (struct wanted){.wish = {.name = one->name, .days = days}};
    if (strlen(word) > TLS_NAME_MAX) {
        say("the name of a client has %d characters at most; choose a shorter one", TLS_NAME_MAX);
        return false;
    }
    snprintf(one->name, sizeof(one->name), "%s", word);
    init->count++;
    return true;
}

/* Each name once: the second file would find the first. */
static bool is_new(const struct init *init, size_t place) {
    const struct wanted *one = &init->files[place];
    for (size_t i = 0; i < place; i++) {
        if (strcmp(init->files[i].name, one->name) == 0) {
            say("%s is asked for twice; give all its names at once, for example --broker "
                "1=broker1.example.com,10.0.0.1",
                one->name);
            return false;
        }
    }
    return true;
}

/* What is asked for, each with its path; false: said what is wrong. */
static bool read_wishes(const struct invocation *in, struct init *init) {
    int days = (int)invocation_number(in, OPTION_DAYS, DAYS_USUAL, 1, TLS_DAYS_MAX);
    const char *word;
    struct error_text why;
    bool fine = true;
    for (size_t n = 0; fine && (word = invocation_nth(in, OPTION_BROKER, n)) != NULL; n++) {
        fine = init->count < FILES_MOST && read_broker(init, word, days);
    }
    for (size_t n = 0; fine && (word = invocation_nth(in, OPTION_CLIENT, n)) != NULL; n++) {
        fine = init->count < FILES_MOST && read_client(init, word, days);
    }
    if (fine && init->count == 0) {
        fine = read_broker(init, USUAL, days);
    }
    for (size_t i = 0; fine && i < init->count; i++) {
        struct wanted *one = &init->files[i];
        if (tls_wish_check(&one->wish, &why) != ERR_NONE) {
            say("%s", why.text);
            fine = false;
        }
        fine = fine && is_new(init, i);
        snprintf(one->path, sizeof(one->path), "%s/%s.pem", init->dir, one->name);
    }
    return fine;
}

/* ---- Files ---- */

static int failed(const struct error_text *why) {
    say("%s", why->text);
    return EXIT_REFUSED;
}

/* The folder is there, or is made. */
static bool have_folder(const char *dir) {
    struct stat is;
    if (mkdir(dir, 0700) == 0) {
        return true;
    }
    int made = errno;
    if (made == EEXIST && stat(dir, &is) == 0 && S_ISDIR(is.st_mode)) {
        return true;
    }
    if (made == EEXIST || made == ENOTDIR) {
        say("%s is no folder; name one, which is made if it is not there", dir);
    } else {
        say("%s cannot be made: %s", dir, error_phrase(error_from_errno(made)));
    }
    return false;
}

/* The CA of the folder, which is made if it has none. NULL: said why. */
static struct tls_authority *authority_of(const char *dir, const char *ca) {
    char key[PATH_MOST];
    struct tls_authority *authority = NULL;
    struct error_text why;
    snprintf(key, sizeof(key), "%s/ca.key", dir);
    if (!have_folder(dir)) {
        return NULL;
    }
    bool there = access(ca, F_OK) == 0;
    if (there && access(key, F_OK) != 0 && errno == ENOENT) {
        say("%s is there, and %s, which makes certificates of it, is not; put it beside it for as "
            "long as this takes, or name another folder for a new CA",
            ca, key);
        return NULL;
    }
    int error = there ? tls_authority_read(ca, key, &authority, &why)
                      : tls_authority_make(ca, key, CA_DAYS, &authority, &why);
    if (error) {
        failed(&why);
        return NULL;
    }
    if (!there) {
        say("%s: the CA, for everybody who connects", ca);
        say("%s: whoever has it can be any broker and any client; keep it elsewhere than the "
            "brokers",
            key);
    }
    return authority;
}

static void tell(const struct wanted *one, bool dry) {
    bool serves = one->wish.host_count > 0;
    say("%s%s: key and certificate of %s%s", dry ? "would be made: " : "", one->path, one->name,
        serves ? " (ssl.keystore.location)" : " (drave --cert)");
}

static void print_made(const struct init *init, const char *ca) {
    json_t *files = json_array();
    for (size_t i = 0; i < init->count; i++) {
        const struct wanted *one = &init->files[i];
        json_t *hosts = json_array();
        for (size_t n = 0; n < one->wish.host_count; n++) {
            json_array_append_new(hosts, json_string(one->wish.hosts[n]));
        }
        json_array_append_new(files, json_pack("{s:s,s:s,s:o}", "name", one->name, "path",
                                               one->path, "hosts", hosts));
    }
    print_json(json_pack("{s:s,s:o}", "ca", ca, "files", files));
}

static int make_all(const struct invocation *in, const struct init *init) {
    char ca[PATH_MOST];
    struct error_text why;
    int code = EXIT_DONE;
    bool dry = invocation_has(in, OPTION_DRY_RUN);
    snprintf(ca, sizeof(ca), "%s/ca.pem", init->dir);
    struct tls_authority *authority = dry ? NULL : authority_of(init->dir, ca);
    if (!dry && !authority) {
        return EXIT_REFUSED;
    }
    for (size_t i = 0; !code && i < init->count; i++) {
        const struct wanted *one = &init->files[i];
        if (!dry && tls_authority_issue(authority, &one->wish, one->path, &why) != ERR_NONE) {
            code = failed(&why);
        } else {
            tell(one, dry);
        }
    }
    tls_authority_free(authority);
    if (!code && in->json) {
        print_made(init, ca);
    }
    return code;
}

int command_tls_init(struct invocation *in) {
    struct init init = {.dir = in->words[0]};
    if (strlen(init.dir) > PATH_MOST / 2) {
        say("the name of the folder is too long; choose a shorter one");
        return EXIT_USAGE;
    }
    init.files = mem_zalloc((FILES_MOST + 1) * sizeof(*init.files));
    int code = read_wishes(in, &init) ? make_all(in, &init) : EXIT_USAGE;
    mem_free(init.files);
    return code;
}
