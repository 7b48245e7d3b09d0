/* SPDX-License-Identifier: MIT */
/* value: the text behind a key as a typed value. */
#ifndef MUSTER_PLAN_VALUE_H
#define MUSTER_PLAN_VALUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/parse.h"

/*
 * Reads the value of an entry that has a row, and puts it into e->typed, NULL
 * after an error, which is reported. A key that is not supported yet is read
 * for its form, then refused.
 */
void value_parse(struct values *v, const struct section *s, struct entry *e);
/* The form of a key's value: `each.NAME` has four under one row, told apart by what follows NAME.
 */
enum value_type value_type_of(const struct schema_key *row, const char *key, size_t n);
/* The text of an entry some of whose variables are axes, in the arena; else NULL. */
struct plan_template *value_template(struct values *v, const struct section *s, struct entry *e);
/*
 * Reads such a text, with v->vars->axes put in, into *typed, which has room for
 * value_size() bytes. What is wrong with it is told without a place. False after
 * a fault.
 */
bool value_read(struct values *v, const struct plan_template *t, void *typed);
/* The same for a built-in default, which is right. Returns the typed value. */
const void *value_parse_default(struct values *v, const struct schema_key *row);
/*
 * The value of a key that is a name of the user's own ([vars]): its text with
 * no variables put in. False when it is spoilt.
 */
bool value_text(struct values *v, const struct section *s, struct entry *e, struct text *text);
/* The value of [env] or env.NAME, a string; NULL after an error. */
const char *value_env(struct values *v, const struct section *s, struct entry *e, const char *name);
/* Bytes of a typed value that are copied to where its row says. */
size_t value_size(enum value_type type);
#endif
