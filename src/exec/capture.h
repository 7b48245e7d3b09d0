/* SPDX-License-Identifier: MIT */
/* capture: keeps one output stream in bounded memory, then in an unlinked file. */
#ifndef MUSTER_EXEC_CAPTURE_H
#define MUSTER_EXEC_CAPTURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_MEMORY_MAX (64U << 10)

/*
 * Written by one thread, which reads straight into capture_room() and never
 * waits for a disk: when capture_full(), it stops reading and has
 * capture_spill() called on a thread that may block. Once the stream is at its
 * end the bytes stand still and any thread may read them.
 */
struct capture;
struct mask_set;

/* New empty capture, owned by the caller. NULL when out of memory. */
struct capture *capture_new(void);
/* Another owner, who reads a stream at its end, or follows it: each calls capture_free(). Accepts
 * NULL, returns it. Any thread. */
struct capture *capture_share(struct capture *c);
/* Any thread; the last of its owners frees it. Accepts NULL; returns NULL. */
struct capture *capture_free(struct capture *c);

/*
 * What comes from here on is masked before it is kept anywhere, memory included;
 * nothing has come yet. The set outlives the capture's end. 0 or UV_ENOMEM.
 */
int capture_mask(struct capture *c, const struct mask_set *set);

/*
 * Room for reading into, *n its size: at least a byte, or 0 when the capture
 * is full. Grows with what has come; where memory is short it fills up sooner.
 */
char *capture_room(struct capture *c, size_t *n);
/* n bytes were put into the room. */
void capture_added(struct capture *c, size_t n);
/* Whether memory is used up and capture_spill() must be called. */
int capture_full(const struct capture *c);
/*
 * Writes what is in memory to the file, which it makes at first, and empties
 * memory. Blocks. 0 or UV_E…; after an error the bytes that did not fit are
 * lost and counted, further ones are too, and capture_error() tells.
 */
int capture_spill(struct capture *c);
/*
 * Appends n bytes straight to the file, where memory is empty: so once after
 * capture_spill(), any number of times. Blocks. 0 or UV_E… as capture_spill().
 */
int capture_file(struct capture *c, const char *bytes, size_t n);
/*
 * Nothing more will come: what masking held back follows. False: there is no room
 * for it in memory; call it again after capture_spill().
 */
bool capture_end(struct capture *c);
/*
 * All goes to this file, which is taken over, from where it stands in append mode, else
 * from its start. Nothing has come yet, and capture_spill() has to be called for what is
 * in memory at the end.
 */
void capture_direct(struct capture *c, int fd);
/* Whether there is something in memory that capture_spill() would write. */
int capture_unfiled(const struct capture *c);
/* Nothing more can be got of the stream, for a reason (UV_E…): what has come stands. */
void capture_fail(struct capture *c, int error);
/* Appends n bytes, copied, spilling as needed. Blocks. 0 or UV_E…. */
int capture_add(struct capture *c, const char *bytes, size_t n);

/* All bytes of the stream that were kept: the first ones where some were lost. */
uint64_t capture_size(const struct capture *c);
/* All bytes that came, lost ones too, as many as there were before they were masked. */
uint64_t capture_total(const struct capture *c);
/* The first error that lost bytes, or 0. */
int capture_error(const struct capture *c);
/*
 * Copies up to n bytes from offset `at`, of a stream at its end. How many, 0
 * at the end, or UV_E…. Blocks. Any thread.
 */
long capture_read(const struct capture *c, uint64_t at, char *buf, size_t n);
/*
 * The same of a stream that still runs: what is there by now, as far as one place
 * has it; 0: nothing yet. Any thread that is an owner.
 */
long capture_follow(struct capture *c, uint64_t at, char *buf, size_t n);
/*
 * Bytes before `end` will not be read again: what they take of the disk (and of
 * the page cache) is given back where the file system can, unless the capture has
 * another owner. Of a stream at its end, by one that reads it.
 */
void capture_discard(struct capture *c, uint64_t end);
/*
 * Makes a file `name` in the folder `dir` of all bytes of a stream at its end:
 * where it can, of the one that they are in already, without copying. 0 or
 * UV_E…. Blocks. Any thread, but one at a time.
 */
int capture_save(const struct capture *c, int dir, const char *name);
/*
 * The last line that has text, of what is in memory, else of the last bytes
 * that were there, at most n - 1 bytes and a NUL; "" when there is none. Any
 * thread, also while the stream runs.
 */
void capture_last_line(struct capture *c, char *buf, size_t n);
#endif
