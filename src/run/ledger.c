/* SPDX-License-Identifier: MIT */
/* ledger: the results of items that have ended, kept in a file until they are reported. */
#include "run/ledger.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "exec/attempt.h"
#include "exec/capture.h"
#include "exec/facts.h"

#define ALIGN sizeof(uint64_t)

/* Where a row is, for sorting. */
struct place {
    uint32_t section, size;
    uint64_t index, at;
};

/* Room for one row. */
struct ledger_reader {
    struct ledger *ledger;
    struct ledger_reader *next;
    bool taken;
    struct ledger_row *row;
    size_t cap;
};

struct ledger {
    struct ledger_reader *readers;
    struct capture *bytes;
    struct place *places; /* of all, once they are sorted */
    size_t count;
};

/* A row while it is made: in it pointers are places, until ledger_row_link(). */
struct maker {
    struct ledger_row *row; /* NULL: only the size is wanted */
    size_t at;
};

/* Bytes behind what is there, aligned; NULL only counts them. Their place. */
static size_t add(struct maker *m, const void *bytes, size_t n) {
    size_t at = m->at;

    if (m->row && bytes && n > 0)
        memcpy((char *)m->row + at, bytes, n);
    m->at = (at + n + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

/* The same as a pointer; of NULL it is NULL. */
static void *add_pointer(struct maker *m, const void *bytes, size_t n) {
    return bytes ? (void *)(uintptr_t)add(m, bytes, n) : NULL;
}

static char *add_text(struct maker *m, const char *text) {
    return add_pointer(m, text, text ? strlen(text) + 1 : 0);
}

static void add_attempts(struct maker *m, const struct job_result *r) {
    size_t at = add(m, r->attempts, r->nattempts * sizeof *r->attempts);

    for (uint32_t i = 0; i < r->nattempts; i++) {
        const struct attempt_result *a = &r->attempts[i];
        char *detail = add_text(m, a->detail);
        size_t size = a->http ? sizeof *a->http + strlen(a->http->line) + 1 : 0;
        struct attempt_http *http = add_pointer(m, a->http, size);
        struct attempt_result *copy;

        if (!m->row)
            continue;
        copy = (struct attempt_result *)(void *)((char *)m->row + at) + i;
        copy->detail = detail;
        copy->http = http;
    }
    if (m->row)
        m->row->result.attempts = (struct attempt_result *)(uintptr_t)at;
}

static void add_facts(struct maker *m, const struct facts *facts) {
    size_t at;

    if (!facts)
        return;
    at = add(m, facts, sizeof *facts + (facts->count + 1) * sizeof *facts->vars);
    if (m->row) {
        struct facts *copy = (struct facts *)(void *)((char *)m->row + at);

        m->row->result.facts = (struct facts *)(uintptr_t)at;
        copy->fault = NULL; /* else they are no job's outputs */
    }
    for (size_t i = 0; i < facts->count; i++) {
        struct env_var var = {add_text(m, facts->vars[i].name), add_text(m, facts->vars[i].value)};

        if (m->row)
            ((struct facts *)(void *)((char *)m->row + at))->vars[i] = var;
    }
}

/* Fills a row in, or counts its bytes. */
static void fill(struct maker *m, const struct job_info *job, const char *words) {
    const struct plan_item *item = job->def->item;
    struct ledger_row head = {
        .section = job->section, .index = item->index, .result = *job->result};

    add(m, &head, sizeof head);
    add_attempts(m, job->result);
    add_facts(m, job->result->facts);
    head.name = add_text(m, job->def->name);
    head.item = add_text(m, item_shown(item));
    head.result.words = add_text(m, words && *words ? words : NULL);
    if (!m->row)
        return;
    head.size = (uint32_t)m->at;
    head.result.attempts = m->row->result.attempts;
    head.result.facts = job->result->facts ? m->row->result.facts : NULL;
    memcpy(m->row, &head, sizeof head);
}

struct ledger_row *ledger_row_make(const struct job_info *job, const char *words) {
    struct maker m = {.row = NULL};

    fill(&m, job, words);
    m.row = m.at < UINT32_MAX ? calloc(1, m.at) : NULL;
    m.at = 0;
    if (m.row)
        fill(&m, job, words);
    return m.row;
}

/* From a place in the row to the address. */
static void link_one(struct ledger_row *row, const void *pointer) {
    uintptr_t at;

    memcpy(&at, pointer, sizeof at);
    if (at)
        at += (uintptr_t)row;
    memcpy((void *)(uintptr_t)pointer, &at, sizeof at);
}

void ledger_row_link(struct ledger_row *row) {
    struct job_result *r = &row->result;

    link_one(row, &row->name);
    link_one(row, &row->item);
    link_one(row, &r->words);
    link_one(row, &r->attempts);
    link_one(row, &r->facts);
    for (uint32_t i = 0; i < r->nattempts; i++) {
        link_one(row, &r->attempts[i].detail);
        link_one(row, &r->attempts[i].http);
    }
    for (size_t i = 0; r->facts && i < r->facts->count; i++) {
        link_one(row, &r->facts->vars[i].name);
        link_one(row, &r->facts->vars[i].value);
    }
}

struct ledger *ledger_new(void) {
    struct ledger *ledger = calloc(1, sizeof *ledger);

    if (!ledger)
        return NULL;
    ledger->bytes = capture_new();
    return ledger->bytes ? ledger : ledger_free(ledger);
}

struct ledger *ledger_free(struct ledger *ledger) {
    if (!ledger)
        return NULL;
    while (ledger->readers) {
        struct ledger_reader *reader = ledger->readers;

        ledger->readers = reader->next;
        free(reader->row);
        free(reader);
    }
    capture_free(ledger->bytes);
    free(ledger->places);
    free(ledger);
    return NULL;
}

int ledger_add(struct ledger *ledger, const struct ledger_row *row) {
    ledger->count++;
    return capture_add(ledger->bytes, (const char *)row, row->size);
}

static int read_at(const struct ledger *ledger, uint64_t at, void *to, size_t n) {
    char *bytes = to;

    while (n > 0) {
        long got = capture_read(ledger->bytes, at, bytes, n);

        if (got <= 0)
            return got < 0 ? (int)got : UV_EIO;
        at += (uint64_t)got;
        bytes += got;
        n -= (size_t)got;
    }
    return 0;
}

static int by_order(const void *a, const void *b) {
    const struct place *x = a, *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Goes over all rows in blocks, since each is small. */
static int find_places(struct ledger *ledger) {
    const size_t room = 1U << 18;
    char *block = malloc(room);
    uint64_t at = 0, size = capture_size(ledger->bytes);
    size_t n = 0;
    int error = block ? 0 : UV_ENOMEM;

    /* Where bytes were lost, the last row may have been cut short. */
    while (!error && n < ledger->count && at + sizeof(struct ledger_row) <= size) {
        size_t want = size - at < room ? (size_t)(size - at) : room, used = 0;
        struct ledger_row head;

        error = read_at(ledger, at, block, want);
        while (!error && n < ledger->count && want - used >= sizeof head) {
            memcpy(&head, block + used, sizeof head);
            ledger->places[n++] = (struct place){head.section, head.size, head.index, at + used};
            used += head.size;
            if (used > want)
                break;
        }
        at += used;
    }
    free(block);
    return error ? error : n < ledger->count ? UV_EIO : 0;
}

int ledger_sort(struct ledger *ledger) {
    int error;

    if (ledger->places || ledger->count == 0)
        return 0;
    ledger->places = calloc(ledger->count, sizeof *ledger->places);
    if (!ledger->places)
        return UV_ENOMEM;
    mem_advise_huge(ledger->places, ledger->count * sizeof *ledger->places);
    error = find_places(ledger);
    if (error) {
        free(ledger->places);
        ledger->places = NULL;
        return error;
    }
    qsort(ledger->places, ledger->count, sizeof *ledger->places, by_order);
    return 0;
}

uint32_t ledger_section(const struct ledger *ledger, size_t n) {
    return ledger->places && n < ledger->count ? ledger->places[n].section : NO_JOB;
}

struct ledger_reader *ledger_reader_take(struct ledger *ledger) {
    struct ledger_reader *reader = ledger->readers;

    while (reader && reader->taken)
        reader = reader->next;
    if (!reader) {
        reader = calloc(1, sizeof *reader);
        if (!reader)
            return NULL;
        reader->ledger = ledger;
        reader->next = ledger->readers;
        ledger->readers = reader;
    }
    reader->taken = true;
    return reader;
}

void ledger_reader_give(struct ledger_reader *reader) {
    reader->taken = false;
}

const struct ledger_row *ledger_read(struct ledger_reader *reader, size_t n, int *error) {
    const struct place *place = &reader->ledger->places[n];

    if (place->size > reader->cap) {
        size_t cap = (size_t)place->size * 2;
        struct ledger_row *bigger = realloc(reader->row, cap);

        if (!bigger) {
            *error = UV_ENOMEM;
            return NULL;
        }
        reader->row = bigger;
        reader->cap = cap;
    }
    *error = read_at(reader->ledger, place->at, reader->row, place->size);
    if (*error)
        return NULL;
    ledger_row_link(reader->row);
    return reader->row;
}
