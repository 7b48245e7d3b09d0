/* SPDX-License-Identifier: MIT */
/* quote: foreign bytes as a string of JSON. */
#include "report/quote.h"

#include <jansson.h>
#include <stdlib.h>
#include <uv.h>

#include "base/text.h"

int quote_write(const char *bytes, size_t n, FILE *out) {
    size_t len;
    char *clean = text_sanitise(bytes, n, &len);
    json_t *json = clean ? json_stringn_nocheck(clean, len) : NULL;
    int error = json && json_dumpf(json, out, JSON_ENCODE_ANY) == 0 ? 0 : UV_ENOMEM;

    json_decref(json);
    free(clean);
    return error;
}
