/* SPDX-License-Identifier: MIT */
/* libcurl: loaded when it is first needed, since most runs never are in need of it. */
#include "base/libcurl.h"

#include <stddef.h>

#ifdef WITH_CURL
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libcurl.so.4" /* its ABI has been the same since 2006 */

/* Where in struct libcurl each function is kept. */
static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    {"curl_global_init", offsetof(struct libcurl, global_init)},
    {"curl_easy_init", offsetof(struct libcurl, easy_init)},
    {"curl_easy_setopt", offsetof(struct libcurl, easy_setopt)},
    {"curl_easy_getinfo", offsetof(struct libcurl, easy_getinfo)},
    {"curl_easy_pause", offsetof(struct libcurl, easy_pause)},
    {"curl_easy_reset", offsetof(struct libcurl, easy_reset)},
    {"curl_easy_cleanup", offsetof(struct libcurl, easy_cleanup)},
    {"curl_easy_strerror", offsetof(struct libcurl, easy_strerror)},
    {"curl_multi_init", offsetof(struct libcurl, multi_init)},
    {"curl_multi_setopt", offsetof(struct libcurl, multi_setopt)},
    {"curl_multi_add_handle", offsetof(struct libcurl, multi_add_handle)},
    {"curl_multi_remove_handle", offsetof(struct libcurl, multi_remove_handle)},
    {"curl_multi_socket_action", offsetof(struct libcurl, multi_socket_action)},
    {"curl_multi_assign", offsetof(struct libcurl, multi_assign)},
    {"curl_multi_info_read", offsetof(struct libcurl, multi_info_read)},
    {"curl_multi_cleanup", offsetof(struct libcurl, multi_cleanup)},
    {"curl_slist_append", offsetof(struct libcurl, slist_append)},
    {"curl_slist_free_all", offsetof(struct libcurl, slist_free_all)},
};

const struct libcurl *libcurl_load(const char **why) {
    static struct libcurl loaded;
    static bool tried, there;
    static char words[512];
    void *library;

    *why = words;
    if (tried)
        return there ? &loaded : NULL;
    tried = true;
    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(words, sizeof words, "%s", dlerror());
        return NULL;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);

        if (!function) {
            snprintf(words, sizeof words, "%s has no %s", LIBRARY, functions[i].name);
            dlclose(library);
            return NULL;
        }
        memcpy((char *)&loaded + functions[i].offset, &function, sizeof function);
    }
    if (loaded.global_init(CURL_GLOBAL_DEFAULT)) {
        snprintf(words, sizeof words, "%s cannot be set up", LIBRARY);
        return NULL;
    }
    there = true;
    return &loaded;
}
#else
const struct libcurl *libcurl_load(const char **why) {
    *why = "this muster was built without libcurl";
    return NULL;
}
#endif
