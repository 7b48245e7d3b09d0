/* SPDX-License-Identifier: MIT */
/* libcurl: loaded when it is first needed, since most runs never are in need of it. */
#ifndef MUSTER_BASE_LIBCURL_H
#define MUSTER_BASE_LIBCURL_H
#include <stdbool.h>

/*
 * Linked in, libcurl and what it needs in turn would make every start of muster
 * some times slower.
 */
struct libcurl;

/*
 * libcurl's functions, the same ones at each call, for good. NULL where it is
 * not there: *why says that in words, which stay. Main thread; blocks at first.
 */
const struct libcurl *libcurl_load(const char **why);

#ifdef WITH_CURL
#include <curl/curl.h>

/* As curl/curl.h declares them. */
struct libcurl {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    CURLcode (*easy_pause)(CURL *easy, int bits);
    void (*easy_reset)(CURL *easy);
    void (*easy_cleanup)(CURL *easy);
    const char *(*easy_strerror)(CURLcode code);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t socket, int events, int *running);
    CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t socket, void *of);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
    void (*slist_free_all)(struct curl_slist *list);
};
#endif
#endif
