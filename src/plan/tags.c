/* SPDX-License-Identifier: MIT */
/* tags: which jobs have the tags that are wanted. */
#include "plan/tags.h"

#include <string.h>

#include "base/words.h"
#include "plan/parse.h"

/* The wanted ones. */
struct tags {
    struct map wanted; /* to their numbers, in the order in which they were named */
    bool *borne;       /* a place per number: some job has it */
};

/* Takes one --select apart. False after a fault, which is reported. */
static bool add_wanted(struct loader *l, struct tags *tags, const char *list) {
    struct words w;
    struct word word;
    size_t named = 0;
    int got;

    words_init(&w, WORDS_LIST, list, strlen(list), &l->scratch);
    while ((got = words_next(&w, &word)) > 0) {
        named++;
        map_add(&tags->wanted, word.text, word.text_len, (uint32_t)tags->wanted.count);
    }
    if (got < 0)
        diag_error(l->diag, (struct span){0, 0}, "--select: the quote is never closed in '%s'",
                   parse_clip(&l->scratch, list, strlen(list)));
    else if (!named)
        diag_error(l->diag, (struct span){0, 0}, "--select: '%s' names no tag",
                   parse_clip(&l->scratch, list, strlen(list)));
    return got == 0 && named;
}

/* The tags of a job, or NULL. */
static const struct names *tags_of(const struct loader *l, uint32_t job) {
    const struct entry *e = layers_place(l, job, EFFECT_TAGS);

    return e ? e->typed : NULL;
}

/* The tag of any job that is nearest to one that none has, or NULL. */
static const char *nearest(struct loader *l, const char *tag, size_t n) {
    struct map known;

    map_init(&known, &l->scratch);
    for (uint32_t i = 0; i < l->plan->njobs; i++) {
        const struct names *names = tags_of(l, i);

        for (uint32_t k = 0; names && k < names->count; k++)
            map_add(&known, names->list[k].text, names->list[k].len, 0);
    }
    const char **list = arena_array(&l->scratch, const char *, known.count + 1);
    for (size_t i = 0; i < known.count; i++)
        list[i] = known.entries[i].name;
    return diag_nearest(tag, n, list);
}

bool tags_mark(struct loader *l, bool *keep) {
    struct tags tags;
    bool good = true;

    map_init(&tags.wanted, &l->scratch);
    for (const char *const *list = l->opts->tags; list && *list; list++)
        good = add_wanted(l, &tags, *list) && good;
    tags.borne = arena_array(&l->scratch, bool, tags.wanted.count);
    for (uint32_t i = 0; tags.wanted.count && i < l->plan->njobs; i++) {
        const struct names *names = tags_of(l, i);

        for (uint32_t k = 0; names && k < names->count; k++) {
            uint32_t tag = map_get(&tags.wanted, names->list[k].text, names->list[k].len);
            if (tag == MAP_NONE)
                continue;
            tags.borne[tag] = true;
            keep[i] = true;
        }
    }
    for (size_t i = 0; i < tags.wanted.count; i++) {
        const struct map_entry *tag = &tags.wanted.entries[i];
        if (tags.borne[i])
            continue;
        const char *near = nearest(l, tag->name, tag->len);
        diag_error(l->diag, (struct span){0, 0}, "no job in %s has the tag '%s'" DIAG_NEAR,
                   l->plan->sources.list[0]->name, parse_clip(&l->scratch, tag->name, tag->len),
                   DIAG_NEAR_ARGS(near));
        good = false;
    }
    return good;
}
