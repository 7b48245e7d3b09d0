/* SPDX-License-Identifier: MIT */
/* mask: finds secret values in bytes, whole or as they come, and puts *** in their place. */
#include "base/mask.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/*
 * Aho and Corasick's automaton: a trie of all values; a node stands for the
 * longest end of what was read that begins some value. Where a byte leads no
 * further, `fail` is the node of the next shorter such end. So each byte is
 * looked at about once, whatever the number of values. A node has a list of
 * children and no table: 256 places a node would be a kilobyte for each byte of
 * each value, and of nearly all nodes there is one child.
 */

#define STARS     "***"
#define STARS_LEN (sizeof STARS - 1)
#define ROOT      0U

struct node {
    uint32_t child, sibling; /* ROOT: none */
    uint32_t fail;
    uint32_t depth; /* bytes that it stands for */
    uint32_t found; /* length of the longest value that ends here, 0: none does */
    unsigned char byte;
};

struct mask_set {
    struct node *nodes;
    uint32_t count;
    uint32_t longest;
    uint32_t first[256]; /* the root's children */
    char *values;        /* one behind the other, */
    size_t *ends;        /* the end of each there */
    size_t nvalues;
};

static uint32_t child_of(const struct mask_set *set, uint32_t node, unsigned char byte) {
    uint32_t at;

    if (node == ROOT)
        return set->first[byte];
    for (at = set->nodes[node].child; at != ROOT && set->nodes[at].byte != byte;)
        at = set->nodes[at].sibling;
    return at;
}

static uint32_t step(const struct mask_set *set, uint32_t node, unsigned char byte) {
    uint32_t next;

    while (!(next = child_of(set, node, byte)) && node != ROOT)
        node = set->nodes[node].fail;
    return next;
}

/* --- the set --- */

static void add_value(struct mask_set *set, const char *bytes, size_t n) {
    uint32_t at = ROOT;

    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        uint32_t next = child_of(set, at, byte);

        if (!next) {
            next = set->count++;
            set->nodes[next] = (struct node){.byte = byte, .depth = (uint32_t)i + 1};
            if (at == ROOT) {
                set->first[byte] = next;
            } else {
                set->nodes[next].sibling = set->nodes[at].child;
                set->nodes[at].child = next;
            }
        }
        at = next;
    }
    set->nodes[at].found = (uint32_t)n;
    if (n > set->longest)
        set->longest = (uint32_t)n;
    memcpy(set->values + (set->nvalues ? set->ends[set->nvalues - 1] : 0), bytes, n);
    set->ends[set->nvalues] = (set->nvalues ? set->ends[set->nvalues - 1] : 0) + n;
    set->nvalues++;
}

/* Nodes in the order of their depth, so that a shorter one's `fail` is there. */
static int link_fails(struct mask_set *set) {
    uint32_t *queue = malloc(set->count * sizeof *queue), head = 0, n = 0;

    if (!queue)
        return UV_ENOMEM;
    for (size_t byte = 0; byte < 256; byte++)
        if (set->first[byte])
            queue[n++] = set->first[byte];
    for (; head < n; head++)
        for (uint32_t at = set->nodes[queue[head]].child; at; at = set->nodes[at].sibling) {
            struct node *node = &set->nodes[at];

            node->fail = step(set, set->nodes[queue[head]].fail, node->byte);
            if (!node->found)
                node->found = set->nodes[node->fail].found;
            queue[n++] = at;
        }
    free(queue);
    return 0;
}

int mask_set_new(struct mask_set **out, const struct mask_set *base,
                 const struct mask_value *values, size_t n) {
    size_t total = base && base->nvalues ? base->ends[base->nvalues - 1] : 0;
    size_t count = base ? base->nvalues : 0;
    struct mask_set *set;

    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        total += values[i].n;
        count += values[i].n > 0;
    }
    if (!count)
        return 0;
    if (total >= UINT32_MAX || !(set = calloc(1, sizeof *set)))
        return UV_ENOMEM;
    set->nodes = calloc(total + 1, sizeof *set->nodes);
    set->values = malloc(total);
    set->ends = malloc(count * sizeof *set->ends);
    if (!set->nodes || !set->values || !set->ends) {
        mask_set_free(set);
        return UV_ENOMEM;
    }
    set->count = 1; /* the root */
    for (size_t i = 0, at = 0; base && i < base->nvalues; at = base->ends[i++])
        add_value(set, base->values + at, base->ends[i] - at);
    for (size_t i = 0; i < n; i++)
        if (values[i].n)
            add_value(set, values[i].bytes, values[i].n);
    if (link_fails(set)) {
        mask_set_free(set);
        return UV_ENOMEM;
    }
    *out = set;
    return 0;
}

struct mask_set *mask_set_free(struct mask_set *set) {
    if (set) {
        free(set->nodes);
        free(set->values);
        free(set->ends);
        free(set);
    }
    return NULL;
}

/* --- finding --- */

/* Where a search stands: all but `marks` are offsets into what is searched. */
struct search {
    const struct mask_set *set;
    uint32_t node;
    size_t from, to; /* of the last place, with all that it shares bytes with */
};

/*
 * Marks [from, to), where a value stands that ends where the search is. Bytes to
 * the left of the last place are gone over again only when a longer value takes
 * several places in, which is as often as values lie in one another.
 */
static void mark_place(struct search *s, unsigned char *marks, size_t from, size_t to) {
    if (from >= s->to) {
        marks[from] = MASK_FIRST;
        memset(marks + from + 1, MASK_MORE, to - from - 1);
        s->from = from;
    } else {
        if (from < s->from) {
            memset(marks + from + 1, MASK_MORE, s->from - from);
            if (marks[from] == MASK_NOT)
                marks[from] = MASK_FIRST;
            s->from = from;
        }
        memset(marks + s->to, MASK_MORE, to - s->to);
    }
    s->to = to;
}

/* Searches bytes [at, end), marks being MASK_NOT there. */
static void search_on(struct search *s, const char *bytes, unsigned char *marks, size_t at,
                      size_t end) {
    const struct mask_set *set = s->set;
    uint32_t node = s->node;

    for (; at < end; at++) {
        const struct node *now;

        if (node == ROOT) {
            while (at < end && !set->first[(unsigned char)bytes[at]])
                at++;
            if (at == end)
                break;
        }
        node = step(set, node, (unsigned char)bytes[at]);
        now = &set->nodes[node];
        if (node != ROOT && now->found)
            mark_place(s, marks, at + 1 - now->found, at + 1);
        while (node != ROOT && !set->nodes[node].child) /* no value goes on there */
            node = set->nodes[node].fail;
    }
    s->node = node;
}

void mask_find(const struct mask_set *set, const char *s, size_t n, unsigned char *marks) {
    struct search search = {.set = set};

    memset(marks, MASK_NOT, n);
    search_on(&search, s, marks, 0, n);
}

/* --- a whole text --- */

char *mask_put(const char *s, size_t n, const unsigned char *marks, size_t *len, size_t *at,
               size_t count) {
    size_t total = 0, to = 0, first = 0;
    char *copy;

    for (size_t i = 0; i < n; i++)
        total += marks[i] == MASK_NOT ? 1 : marks[i] == MASK_FIRST ? STARS_LEN : 0;
    copy = malloc(total + 1);
    if (!copy)
        return NULL;
    for (size_t k = 0; k < count; k++) {
        size_t moved = 0;

        for (size_t i = 0; i < at[k] && i < n; i++) {
            if (marks[i] == MASK_FIRST)
                first = moved;
            moved += marks[i] == MASK_NOT ? 1 : marks[i] == MASK_FIRST ? STARS_LEN : 0;
        }
        at[k] = at[k] < n && marks[at[k]] == MASK_MORE ? first : moved;
    }
    for (size_t i = 0; i < n; i++)
        if (marks[i] == MASK_NOT)
            copy[to++] = s[i];
        else if (marks[i] == MASK_FIRST)
            to = (size_t)(stpcpy(copy + to, STARS) - copy);
    copy[to] = '\0';
    *len = to;
    return copy;
}

char *mask_text(const struct mask_set *set, const char *s, size_t n, size_t *len) {
    unsigned char *marks = calloc(n + 1, 1);
    char *copy = NULL;

    if (marks) {
        if (set)
            mask_find(set, s, n, marks);
        copy = mask_put(s, n, marks, len, NULL, 0);
    }
    free(marks);
    return copy;
}

void mask_buffer(const struct mask_set *set, char *buf, size_t size) {
    size_t len;
    char *masked;

    if (!set || !size)
        return;
    masked = mask_text(set, buf, strlen(buf), &len);
    if (len >= size && masked)
        len = size - 1;
    if (!masked)
        len = size > STARS_LEN ? STARS_LEN : size - 1;
    memcpy(buf, masked ? masked : STARS, len);
    buf[len] = '\0';
    free(masked);
}

/* --- a stream --- */

struct mask {
    struct search search;
    char *bytes; /* [taken, safe) may be taken, [safe, end) is held back */
    unsigned char *marks;
    size_t taken, safe, end, size;
    size_t stars; /* to be given before what is at `taken` */
    uint64_t total;
};

struct mask *mask_new(const struct mask_set *set) {
    struct mask *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->search.set = set;
    m->size = set->longest - 1 + MASK_ROOM;
    m->bytes = malloc(m->size);
    m->marks = malloc(m->size);
    return m->bytes && m->marks ? m : mask_free(m);
}

struct mask *mask_free(struct mask *m) {
    if (m) {
        free(m->bytes);
        free(m->marks);
        free(m);
    }
    return NULL;
}

static size_t less(size_t n, size_t by) {
    return n > by ? n - by : 0;
}

char *mask_room(struct mask *m, size_t *n) {
    size_t gone = m->taken;

    if (gone && (gone == m->end || m->size - m->end < MASK_ROOM)) {
        memmove(m->bytes, m->bytes + gone, m->end - gone);
        memmove(m->marks, m->marks + gone, m->end - gone);
        m->taken = 0;
        m->safe -= gone;
        m->end -= gone;
        m->search.from = less(m->search.from, gone);
        m->search.to = less(m->search.to, gone);
    }
    *n = m->size - m->end;
    return m->bytes + m->end;
}

void mask_added(struct mask *m, size_t n) {
    memset(m->marks + m->end, MASK_NOT, n);
    search_on(&m->search, m->bytes, m->marks, m->end, m->end + n);
    m->end += n;
    m->safe = m->end - m->search.set->nodes[m->search.node].depth;
    m->total += n;
}

void mask_end(struct mask *m) {
    m->search.node = ROOT;
    m->safe = m->end;
}

size_t mask_take(struct mask *m, char *to, size_t n) {
    size_t done = 0;

    while (done < n && mask_pending(m)) {
        size_t run = 0, most = m->safe - m->taken;

        if (m->stars) {
            to[done++] = '*';
            m->stars--;
            continue;
        }
        if (m->marks[m->taken] != MASK_NOT) {
            m->stars = m->marks[m->taken++] == MASK_FIRST ? STARS_LEN : 0;
            continue;
        }
        if (most > n - done)
            most = n - done;
        if (m->taken >= m->search.to)
            run = most;
        while (run < most && m->marks[m->taken + run] == MASK_NOT)
            run++;
        memcpy(to + done, m->bytes + m->taken, run);
        m->taken += run;
        done += run;
    }
    return done;
}

bool mask_pending(const struct mask *m) {
    return m->stars || m->taken < m->safe;
}

uint64_t mask_total(const struct mask *m) {
    return m->total;
}
