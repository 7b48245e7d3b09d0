/* SPDX-License-Identifier: MIT */
/* sqlite: the calls of SQLite that are used, from a library loaded when it is needed. */
#include "store/sqlite.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <uv.h>

#define LIBRARY "libsqlite3.so.0"
/* Its own symbols first: that halves the time of loading. Sanitizers forbid it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SANITIZED)
#define OWN_FIRST 0
#else
#define OWN_FIRST RTLD_DEEPBIND
#endif

static const struct {
    const char *name;
    size_t offset; /* of its pointer in struct sqlite */
} calls[] = {
#define CALL(name) {"sqlite3_" #name, offsetof(struct sqlite, name)},
    SQLITE_CALLS(CALL)
#undef CALL
};

int sqlite_load(struct sqlite *s, const char **why) {
    *s = (struct sqlite){.library =
                             dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE | OWN_FIRST)};
    for (size_t i = 0; s->library && i < sizeof calls / sizeof *calls; i++) {
        void *call = dlsym(s->library, calls[i].name);

        if (!call) {
            *why = dlerror();
            return UV_ENOSYS;
        }
        memcpy((char *)s + calls[i].offset, &call, sizeof call);
    }
    if (s->library)
        return 0;
    *why = dlerror();
    return UV_ENOSYS;
}

void sqlite_unload(struct sqlite *s) {
    if (!s->library)
        return;
    if (s->shutdown)
        s->shutdown();
    dlclose(s->library);
    s->library = NULL;
}
