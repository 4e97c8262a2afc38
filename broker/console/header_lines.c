/* What browsers are told beside each answer. */
#include "broker/console/console_internal.h"

const char console_page_tag[] = "/console/", console_api_tag[] = "/api/";

/* Nothing of elsewhere is loaded, run, framed or told; texts cannot become markup. */
#define STRICT                                                                             \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "   \
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "            \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n" \
    "Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"          \
    "Cross-Origin-Resource-Policy: same-origin\r\n"
const char console_api_lines[] = STRICT "Cache-Control: no-store\r\n";
const char console_index_lines[] = STRICT "Cache-Control: no-cache\r\nContent-Encoding: gzip\r\n";
const char console_file_lines[] = STRICT
    "Cache-Control: public, max-age=31536000, immutable\r\nContent-Encoding: gzip\r\n";
_Static_assert(sizeof console_file_lines <= HTTP_LINES_MAX, "the lines of an answer");
