/* A table of what goes with what, and the path of a URL. */
#include "broker/tokens/token_settings.h"

#include <string.h>

static const char URL[] = "sasl.oauthbearer.jwks.endpoint.url",
                  ISSUER[] = "sasl.oauthbearer.expected.issuer",
                  AUDIENCE[] = "sasl.oauthbearer.expected.audience",
                  CLAIM[] = "sasl.oauthbearer.sub.claim.name";

/* The path of file:/P, file:///P or file://localhost/P; NULL: it is no such URL. */
static const char *path_of(const char *url) {
    static const char scheme[] = "file:", host[] = "localhost";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) return NULL;
    url += sizeof scheme - 1;
    if (strncmp(url, "//", 2) == 0) {
        url += 2;
        if (strncmp(url, host, sizeof host - 1) == 0) url += sizeof host - 1;
    }
    return url[0] == '/' && url[1] != '/' && strpbrk(url, "%?#") == NULL ? url : NULL;
}

static int check_unwanted(const struct settings *values, struct error_text *why) {
    static const char *const names[] = {URL, ISSUER, AUDIENCE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (settings_text(values, names[i])[0] != '\0')
            return error_set(why, ERR_INVALID,
                             "%s is set, and nobody logs in with a token; add OAUTHBEARER to "
                             "sasl.enabled.mechanisms, or leave it out",
                             names[i]);
    return ERR_NONE;
}

static int check_url(const char *url, const char *path, struct error_text *why) {
    if (path != NULL) return ERR_NONE;
    if (strncmp(url, "https:", 6) == 0 || strncmp(url, "http:", 5) == 0)
        return error_set(why, ERR_INVALID,
                         "%s=%.200s is not served; fetch the key set into a file by a timer, and "
                         "write file:///etc/drave/jwks.json: it is read anew when it changes",
                         URL, url);
    return error_set(why, ERR_INVALID,
                     "%s=%.200s is no URL of a file; write for example "
                     "file:///etc/drave/jwks.json, without escapes",
                     URL, url);
}

int token_settings_read(const struct settings *values, bool wanted, struct token_settings *into,
                        struct error_text *why) {
    const char *url = settings_text(values, URL);
    *into = (struct token_settings){
        .issuer = settings_text(values, ISSUER),
        .audiences = settings_text(values, AUDIENCE),
        .user_claim = settings_text(values, CLAIM),
        .skew_s = (uint32_t)settings_int(values, "sasl.oauthbearer.clock.skew.seconds"),
        .look_ms = (uint32_t)settings_int(values, "sasl.oauthbearer.jwks.endpoint.refresh.ms")};
    if (!wanted) return check_unwanted(values, why);
    if (url[0] == '\0')
        return error_set(why, ERR_INVALID,
                         "sasl.enabled.mechanisms has OAUTHBEARER, and %s is empty; name the file "
                         "with the keys that sign tokens, for example file:///etc/drave/jwks.json",
                         URL);
    if (into->issuer[0] == '\0' || into->audiences[0] == '\0')
        return error_set(why, ERR_INVALID,
                         "sasl.enabled.mechanisms has OAUTHBEARER, and %s is empty, so that tokens "
                         "for others would be good here; write what yours have as \"%s\"",
                         into->issuer[0] == '\0' ? ISSUER : AUDIENCE,
                         into->issuer[0] == '\0' ? "iss" : "aud");
    if (into->user_claim[0] == '\0')
        return error_set(why, ERR_INVALID, "%s is empty; write sub, or leave it out", CLAIM);
    into->path = path_of(url);
    return check_url(url, into->path, why);
}
