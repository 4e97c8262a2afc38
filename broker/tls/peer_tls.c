/* The secret of the brokers becomes contexts, one for each side of a connection. */
#include "broker/tls/peer_tls.h"

static int make_contexts(const struct tls_secrets *secrets, struct peers_options *into,
                         struct error_text *why) {
    int error = tls_context_of_secrets(secrets, false, &into->serving, why);
    if (error != ERR_NONE) return error;
    error = tls_context_of_secrets(secrets, true, &into->dialling, why);
    if (error != ERR_NONE) tls_context_unref(into->serving);
    return error;
}

int peer_tls_prepare(const struct broker_settings *settings, struct peers_options *into,
                     struct error_text *why) {
    struct tls_secrets *secrets;
    if (settings->peer_tls == PEER_TLS_OFF) return ERR_NONE;
    int error = tls_secrets_read(settings->peer_secret_file, &secrets, why);
    if (error != ERR_NONE) return error;
    error = make_contexts(secrets, into, why);
    tls_secrets_free(secrets);
    if (error == ERR_NONE) into->tls = settings->peer_tls;
    return error;
}

void peer_tls_done(const struct peers_options *options) {
    tls_context_unref(options->serving);
    tls_context_unref(options->dialling);
}
