/* Choosing the profile, and what it allows. */
#include "client/profile/profile_use.h"

#include <stdlib.h>
#include <string.h>

#include "client/line/duration.h"
#include "client/line/talk.h"

static const char *from_environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The name of the profile in force; NULL: none. */
static const char *name_in_force(const struct invocation *in, const struct profiles *profiles) {
    const char *named = in->profile ? in->profile : from_environment("DRAVE_PROFILE");
    if (named) {
        return named;
    }
    bool brokers_named = in->bootstrap || from_environment("DRAVE_BOOTSTRAP");
    return brokers_named || !profiles->used[0] ? NULL : profiles->used;
}

static int refuse_changes(const struct invocation *in, const struct profile *profile) {
    if (!profile->read_only || !command_changes(in)) {
        return EXIT_DONE;
    }
    say("profile \"%s\" is read-only (read.only=true), and drave %s changes the cluster; %s, or name another profile with --profile",
        profile->name, in->command->name,
        command_option_of(in->command, OPTION_DRY_RUN) ? "see what it would do with --dry-run"
                                                       : "leave that");
    return EXIT_REFUSED;
}

int profile_apply(struct invocation *in, struct profiles *profiles) {
    struct error_text why = {""};
    int error = profiles_read(profiles, &why);
    bool named = in->profile || from_environment("DRAVE_PROFILE");
    /* What cannot be opened is another user's (sudo keeps HOME): it is missed only by name. */
    if (error && (error != ERR_IO || named)) {
        say("%s", why.text);
        return EXIT_REFUSED;
    }
    const char *environment = from_environment("DRAVE_BOOTSTRAP"),
               *name = name_in_force(in, profiles);
    const struct profile *profile = name ? profiles_find(profiles, name) : NULL;
    if (name && !profile) {
        profile_missing(profiles, name, &why);
        say("%s", why.text);
        return EXIT_USAGE;
    }
    const char *of_profile = profile ? profile->bootstrap : NULL;
    if (!in->bootstrap && in->profile) {
        in->bootstrap = of_profile;
    }
    in->bootstrap = in->bootstrap ? in->bootstrap
                    : environment ? environment
                    : of_profile  ? of_profile
                                  : "127.0.0.1:9092";
    if (profile && !in->tls && !in->ca && !in->cert) {
        in->tls = profile->tls;
        in->ca = profile->tls_ca;
        in->cert = profile->tls_cert;
    }
    in->tls = in->tls || in->ca || in->cert;
    if (profile && !in->user) {
        in->user = profile->user;
        in->password_file = in->password_file ? in->password_file : profile->password_file;
        in->mechanism = in->mechanism ? in->mechanism : profile->sasl;
    }
    if (profile && profile->timeout && !in->timeout_given) {
        in->timeout_ms = duration_parse(profile->timeout);
        in->timeout_given = true;
    }
    return profile ? refuse_changes(in, profile) : EXIT_DONE;
}
