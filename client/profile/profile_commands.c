/*
 * drave profile add, use, list, show, remove: clusters by a name (client/profile/profile_file.h).
 *
 * Failures: a name or a setting that is none, a file that cannot be read or written: said.
 */
#include <string.h>

#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/profile/profile_file.h"

static int failed(const struct error_text *why, int error) {
    say("%s", why->text);
    return error == ERR_INVALID ? EXIT_USAGE : EXIT_REFUSED;
}

/* Writes what was changed unless --dry-run, and says what became of `name`. */
static int keep(const struct invocation *in, const struct profiles *profiles, const char *name,
                const char *done) {
    struct error_text why = {""};
    bool dry_run = invocation_has(in, OPTION_DRY_RUN);
    int error = dry_run ? ERR_NONE : profiles_write(profiles, &why);
    if (error) {
        return failed(&why, error);
    }
    say_plain("profile \"%s\" %s%s", name, dry_run ? "would be " : "", done);
    return EXIT_DONE;
}

int command_profile_add(struct invocation *in) {
    struct profiles profiles;
    struct error_text why = {""};
    struct profile *profile = NULL;
    const char *name = in->words[0];
    int error = profiles_read(&profiles, &why);
    bool there = !error && (profile = profiles_find(&profiles, name)) != NULL;
    if (!error && !there) {
        error = profiles_add(&profiles, name, &profile, &why);
    }
    for (int i = 1; !error && i < in->word_count; i++) {
        error = profile_set(profile, in->words[i], &why);
    }
    int code = error ? failed(&why, error) : keep(in, &profiles, name, there ? "changed" : "added");
    if (!code && !profiles.used[0]) {
        say_plain("drave profile use %s makes it the one that counts", name);
    }
    profiles_free(&profiles);
    return code;
}

int command_profile_use(struct invocation *in) {
    struct profiles profiles;
    struct error_text why = {""};
    int error = profiles_read(&profiles, &why);
    if (!error && !profiles_find(&profiles, in->words[0])) {
        error = profile_missing(&profiles, in->words[0], &why);
    }
    if (!error) {
        memcpy(profiles.used, profiles_find(&profiles, in->words[0])->name, sizeof(profiles.used));
    }
    int code = error ? failed(&why, error) : keep(in, &profiles, in->words[0], "used");
    profiles_free(&profiles);
    return code;
}

int command_profile_remove(struct invocation *in) {
    struct profiles profiles;
    struct error_text why = {""};
    int error = profiles_read(&profiles, &why);
    for (int i = 0; !error && i < in->word_count; i++) {
        struct profile *profile = profiles_find(&profiles, in->words[i]);
        if (profile) {
            profiles_remove(&profiles, profile);
        } else {
            error = profile_missing(&profiles, in->words[i], &why);
        }
    }
    int code = error ? failed(&why, error) : EXIT_DONE;
    for (int i = 0; !code && i < in->word_count; i++) {
        code = keep(in, &profiles, in->words[i], "removed");
    }
    profiles_free(&profiles);
    return code;
}

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *profile_json(const struct profiles *profiles, const struct profile *one) {
    return json_pack("{s:s,s:b,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "name", one->name, "used",
                     (int)(strcmp(profiles->used, one->name) == 0), "bootstrap",
                     text_or_null(one->bootstrap), "timeout", text_or_null(one->timeout), "tls",
                     (int)(one->tls || one->tls_ca || one->tls_cert), "tls_ca",
                     text_or_null(one->tls_ca), "tls_cert", text_or_null(one->tls_cert), "user",
                     text_or_null(one->user), "password_file", text_or_null(one->password_file),
                     "sasl", text_or_null(one->sasl), "read_only", (int)one->read_only,
                     "description", text_or_null(one->description));
}

int command_profile_list(struct invocation *in) {
    struct profiles profiles;
    struct error_text why = {""};
    int error = profiles_read(&profiles, &why);
    if (error) {
        profiles_free(&profiles);
        return failed(&why, error);
    }
    static const char *const columns[] = {"PROFILE", "USED", "BOOTSTRAP", "READ ONLY",
                                          "DESCRIPTION"};
    json_t *list = json_array();
    struct table *table = in->json ? NULL : table_new(columns, 5);
    for (size_t i = 0; i < profiles.count; i++) {
        const struct profile *one = &profiles.items[i];
        bool used = strcmp(profiles.used, one->name) == 0;
        json_array_append_new(list, profile_json(&profiles, one));
        if (table) {
            table_row(table, (const char *[]){one->name, used ? "yes" : "no", one->bootstrap,
                                              one->read_only ? "yes" : "no", one->description});
        }
    }
    if (profiles.count == 0) {
        say_plain(
            "there are no profiles; make one with: drave profile add NAME bootstrap=HOST:PORT");
    }
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(list);
    }
    profiles_free(&profiles);
    return EXIT_DONE;
}

int command_profile_show(struct invocation *in) {
    struct profiles profiles;
    struct error_text why = {""};
    int error = profiles_read(&profiles, &why);
    const char *name = in->word_count > 0 ? in->words[0] : profiles.used;
    const struct profile *one = error ? NULL : profiles_find(&profiles, name);
    if (!error && !one) {
        error = *name ? profile_missing(&profiles, name, &why)
                      : error_set(&why, ERR_NOT_FOUND,
                                  "no profile is used; drave profile use NAME chooses one");
    }
    if (error) {
        profiles_free(&profiles);
        return failed(&why, error);
    }
    if (in->json) {
        print_json(profile_json(&profiles, one));
    } else {
        print_text("name=%s\nbootstrap=%s\ntimeout=%s\nread.only=%s\ndescription=%s\n", one->name,
                   one->bootstrap ? one->bootstrap : "", one->timeout ? one->timeout : "",
                   one->read_only ? "true" : "false", one->description ? one->description : "");
    }
    profiles_free(&profiles);
    return EXIT_DONE;
}
